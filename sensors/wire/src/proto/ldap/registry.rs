//! Numbers and their names (RFC 4511, the IANA registry "LDAP Parameters").

/// Name of a result code (RFC 4511 4.1.9); `None` where it has none.
pub(super) fn result(code: i64) -> Option<&'static str> {
    Some(match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        5 => "compareFalse",
        6 => "compareTrue",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        20 => "attributeOrValueExists",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        64 => "namingViolation",
        65 => "objectClassViolation",
        66 => "notAllowedOnNonLeaf",
        67 => "notAllowedOnRDN",
        68 => "entryAlreadyExists",
        69 => "objectClassModsProhibited",
        71 => "affectsMultipleDSAs",
        80 => "other",
        118 => "canceled",
        119 => "noSuchOperation",
        120 => "tooLate",
        121 => "cannotCancel",
        122 => "assertionFailed",
        123 => "authorizationDenied",
        4096 => "e-syncRefreshRequired",
        _ => return None,
    })
}

/// True for codes that do not tell of a failure (RFC 4511 A.1).
pub(super) fn is_success(code: i64) -> bool {
    matches!(code, 0 | 5 | 6 | 10 | 14)
}

/// Name of an extended operation by its OID.
pub(super) fn extension(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        b"1.3.6.1.4.1.1466.20037" => "StartTLS",
        b"1.3.6.1.4.1.4203.1.11.1" => "PasswordModify",
        b"1.3.6.1.4.1.4203.1.11.3" => "WhoAmI",
        b"1.3.6.1.1.8" => "Cancel",
        b"1.3.6.1.1.21.1" => "StartTransaction",
        b"1.3.6.1.1.21.3" => "EndTransaction",
        b"1.3.6.1.4.1.1466.20036" => "NoticeOfDisconnection",
        b"1.3.6.1.4.1.1466.101.119.1" => "DynamicRefresh",
        b"1.2.840.113556.1.4.1781" => "FastBind",
        _ => return None,
    })
}

/// Scope of a search (RFC 4511 4.5.1.2).
pub(super) fn scope(number: i64) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(|row| ["base", "one", "sub", "children"].get(row).copied())
}

/// When a search follows aliases (RFC 4511 4.5.1.3).
pub(super) fn aliases(number: i64) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(|row| ["never", "searching", "finding", "always"].get(row).copied())
}

/// Kind of a change (RFC 4511 4.6, RFC 4525).
pub(super) fn change(number: i64) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(|row| ["add", "delete", "replace", "increment"].get(row).copied())
}
