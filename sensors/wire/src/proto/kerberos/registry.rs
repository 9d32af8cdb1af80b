//! Numbers and their names: RFC 3961, 4120, 4556, 6112, 6113 and the IANA registry "Kerberos Parameters".

use std::borrow::Cow;

fn name_or_number(name: Option<&'static str>, number: i64) -> Cow<'static, str> {
    name.map_or_else(|| number.to_string().into(), Cow::Borrowed)
}

/// Name of an encryption type; the number where it has none.
pub(super) fn etype(number: i64) -> Cow<'static, str> {
    let name = match number {
        1 => "des-cbc-crc",
        2 => "des-cbc-md4",
        3 => "des-cbc-md5",
        5 => "des3-cbc-md5",
        7 => "des3-cbc-sha1",
        9 => "dsaWithSHA1-CmsOID",
        10 => "md5WithRSAEncryption-CmsOID",
        11 => "sha1WithRSAEncryption-CmsOID",
        12 => "rc2CBC-EnvOID",
        13 => "rsaEncryption-EnvOID",
        14 => "rsaES-OAEP-ENV-OID",
        15 => "des-ede3-cbc-Env-OID",
        16 => "des3-cbc-sha1-kd",
        17 => "aes128-cts-hmac-sha1-96",
        18 => "aes256-cts-hmac-sha1-96",
        19 => "aes128-cts-hmac-sha256-128",
        20 => "aes256-cts-hmac-sha384-192",
        23 => "rc4-hmac",
        24 => "rc4-hmac-exp",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        65 => "subkey-keymaterial",
        _ => return name_or_number(None, number),
    };
    Cow::Borrowed(name)
}

/// Name of a type of pre-authentication data.
pub(super) fn padata(number: i64) -> Cow<'static, str> {
    let name = match number {
        1 => "PA-TGS-REQ",
        2 => "PA-ENC-TIMESTAMP",
        3 => "PA-PW-SALT",
        11 => "PA-ETYPE-INFO",
        14 => "PA-PK-AS-REQ_OLD",
        15 => "PA-PK-AS-REP_OLD",
        16 => "PA-PK-AS-REQ",
        17 => "PA-PK-AS-REP",
        19 => "PA-ETYPE-INFO2",
        20 => "PA-SVR-REFERRAL-INFO",
        128 => "PA-PAC-REQUEST",
        129 => "PA-FOR-USER",
        130 => "PA-FOR-X509-USER",
        132 => "PA-AS-CHECKSUM",
        133 => "PA-FX-COOKIE",
        136 => "PA-FX-FAST",
        137 => "PA-FX-ERROR",
        138 => "PA-ENCRYPTED-CHALLENGE",
        141 => "PA-OTP-CHALLENGE",
        142 => "PA-OTP-REQUEST",
        144 => "PA-OTP-PIN-CHANGE",
        147 => "PA-PKINIT-KX",
        149 => "PA-REQ-ENC-PA-REP",
        150 => "PA-AS-FRESHNESS",
        151 => "PA-SPAKE",
        165 => "PA-SUPPORTED-ETYPES",
        167 => "PA-PAC-OPTIONS",
        _ => return name_or_number(None, number),
    };
    Cow::Borrowed(name)
}

/// True for data that proves the client's identity in an AS request: an encrypted timestamp or challenge, a signature
/// (PKINIT), a one-time password, a SPAKE response (`[2]` of RFC 9588 4.1).
pub(super) fn is_proof(padata: i64, value: &[u8]) -> bool {
    matches!(padata, 2 | 14 | 16 | 138 | 142) || (padata == 151 && value.first() == Some(&0xa2))
}

/// True for FAST, which hides what else the request brings (RFC 6113 5.4.2).
pub(super) fn is_armour(padata: i64) -> bool {
    padata == 136
}

/// KDC options by their bit, 0 the most significant (RFC 4120 5.4.1; 14 of MS-KILE 2.2.3 and RFC 6806; 16 of RFC 8062).
const OPTIONS: &[(u32, &str)] = &[
    (1, "forwardable"),
    (2, "forwarded"),
    (3, "proxiable"),
    (4, "proxy"),
    (5, "allow-postdate"),
    (6, "postdated"),
    (8, "renewable"),
    (14, "cname-in-addl-tkt"),
    (15, "canonicalize"),
    (16, "request-anonymous"),
    (26, "disable-transited-check"),
    (27, "renewable-ok"),
    (28, "enc-tkt-in-skey"),
    (30, "renew"),
    (31, "validate"),
];

/// Names of the KDC options that are set.
pub(super) fn options(bits: u32) -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().filter(move |(bit, _)| bits << bit >> 31 == 1).map(|(_, name)| *name)
}

/// True where that KDC option is set.
pub(super) fn has_option(bits: u32, name: &str) -> bool {
    options(bits).any(|set| set == name)
}

/// Name of an error (RFC 4120 7.5.9, RFC 4556 3.1.3, RFC 6113 5.3).
pub(super) fn error(number: i64) -> Cow<'static, str> {
    let find = |from: i64, names: &'static [&'static str]| {
        usize::try_from(number - from).ok().and_then(|row| names.get(row).copied())
    };
    let name = find(0, KDC_ERRORS).or_else(|| find(31, AP_ERRORS)).or_else(|| find(60, LATER_ERRORS));
    name_or_number(name.or_else(|| find(90, FAST_ERRORS)).filter(|name| !name.is_empty()), number)
}

const KDC_ERRORS: &[&str] = &[
    "KDC_ERR_NONE",
    "KDC_ERR_NAME_EXP",
    "KDC_ERR_SERVICE_EXP",
    "KDC_ERR_BAD_PVNO",
    "KDC_ERR_C_OLD_MAST_KVNO",
    "KDC_ERR_S_OLD_MAST_KVNO",
    "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
    "KDC_ERR_NULL_KEY",
    "KDC_ERR_CANNOT_POSTDATE",
    "KDC_ERR_NEVER_VALID",
    "KDC_ERR_POLICY",
    "KDC_ERR_BADOPTION",
    "KDC_ERR_ETYPE_NOSUPP",
    "KDC_ERR_SUMTYPE_NOSUPP",
    "KDC_ERR_PADATA_TYPE_NOSUPP",
    "KDC_ERR_TRTYPE_NOSUPP",
    "KDC_ERR_CLIENT_REVOKED",
    "KDC_ERR_SERVICE_REVOKED",
    "KDC_ERR_TGT_REVOKED",
    "KDC_ERR_CLIENT_NOTYET",
    "KDC_ERR_SERVICE_NOTYET",
    "KDC_ERR_KEY_EXPIRED",
    "KDC_ERR_PREAUTH_FAILED",
    "KDC_ERR_PREAUTH_REQUIRED",
    "KDC_ERR_SERVER_NOMATCH",
    "KDC_ERR_MUST_USE_USER2USER",
    "KDC_ERR_PATH_NOT_ACCEPTED",
    "KDC_ERR_SVC_UNAVAILABLE",
];

const AP_ERRORS: &[&str] = &[
    "KRB_AP_ERR_BAD_INTEGRITY",
    "KRB_AP_ERR_TKT_EXPIRED",
    "KRB_AP_ERR_TKT_NYV",
    "KRB_AP_ERR_REPEAT",
    "KRB_AP_ERR_NOT_US",
    "KRB_AP_ERR_BADMATCH",
    "KRB_AP_ERR_SKEW",
    "KRB_AP_ERR_BADADDR",
    "KRB_AP_ERR_BADVERSION",
    "KRB_AP_ERR_MSG_TYPE",
    "KRB_AP_ERR_MODIFIED",
    "KRB_AP_ERR_BADORDER",
    "",
    "KRB_AP_ERR_BADKEYVER",
    "KRB_AP_ERR_NOKEY",
    "KRB_AP_ERR_MUT_FAIL",
    "KRB_AP_ERR_BADDIRECTION",
    "KRB_AP_ERR_METHOD",
    "KRB_AP_ERR_BADSEQ",
    "KRB_AP_ERR_INAPP_CKSUM",
    "KRB_AP_PATH_NOT_ACCEPTED",
    "KRB_ERR_RESPONSE_TOO_BIG",
];

const LATER_ERRORS: &[&str] = &[
    "KRB_ERR_GENERIC",
    "KRB_ERR_FIELD_TOOLONG",
    "KDC_ERR_CLIENT_NOT_TRUSTED",
    "KDC_ERR_KDC_NOT_TRUSTED",
    "KDC_ERR_INVALID_SIG",
    "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED",
    "KDC_ERR_CERTIFICATE_MISMATCH",
    "KRB_AP_ERR_NO_TGT",
    "KDC_ERR_WRONG_REALM",
    "KRB_AP_ERR_USER_TO_USER_REQUIRED",
    "KDC_ERR_CANT_VERIFY_CERTIFICATE",
    "KDC_ERR_INVALID_CERTIFICATE",
    "KDC_ERR_REVOKED_CERTIFICATE",
    "KDC_ERR_REVOCATION_STATUS_UNKNOWN",
    "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE",
    "KDC_ERR_CLIENT_NAME_MISMATCH",
    "KDC_ERR_KDC_NAME_MISMATCH",
    "KDC_ERR_INCONSISTENT_KEY_PURPOSE",
    "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED",
    "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED",
    "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED",
    "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED",
];

const FAST_ERRORS: &[&str] = &[
    "KDC_ERR_PREAUTH_EXPIRED",
    "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
    "KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET",
    "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS",
];

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4120 7.5.9, RFC 6113 5.3.
    #[test]
    fn errors_have_the_rfcs_names() {
        for (number, name) in [
            (0, "KDC_ERR_NONE"),
            (6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
            (14, "KDC_ERR_ETYPE_NOSUPP"),
            (24, "KDC_ERR_PREAUTH_FAILED"),
            (25, "KDC_ERR_PREAUTH_REQUIRED"),
            (29, "KDC_ERR_SVC_UNAVAILABLE"),
            (30, "30"),
            (31, "KRB_AP_ERR_BAD_INTEGRITY"),
            (37, "KRB_AP_ERR_SKEW"),
            (43, "43"),
            (44, "KRB_AP_ERR_BADKEYVER"),
            (52, "KRB_ERR_RESPONSE_TOO_BIG"),
            (60, "KRB_ERR_GENERIC"),
            (68, "KDC_ERR_WRONG_REALM"),
            (81, "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED"),
            (91, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"),
            (-1, "-1"),
        ] {
            assert_eq!(error(number), name);
        }
    }

    #[test]
    fn options_count_from_the_most_significant_bit() {
        let names: Vec<&str> = options(0x4081_0010).collect();
        assert_eq!(names, ["forwardable", "renewable", "canonicalize", "renewable-ok"]);
        assert!(has_option(0x4000_0000, "forwardable") && !has_option(0x2000_0000, "forwardable"));
    }
}
