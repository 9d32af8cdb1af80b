//! Numbers and their names (MS-RDPBCGR 2.2.1, ITU-T T.125, MS-LCID).

/// Security protocols that a client offers, by their bit; 0 stands for RDP's own (2.2.1.1.1).
const PROTOCOLS: &[(u32, &str)] =
    &[(1, "SSL"), (2, "HYBRID"), (4, "RDSTLS"), (8, "HYBRID_EX"), (16, "RDSAAD")];

/// Names of the protocols that are offered; RDP's own is always possible where no other is.
pub(super) fn protocols(bits: u32) -> Vec<&'static str> {
    let named = PROTOCOLS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
    let all: Vec<&str> = named.collect();
    if all.is_empty() { vec!["RDP"] } else { all }
}

/// Name of the protocol that a server selects (2.2.1.2.1).
pub(super) fn protocol(number: u32) -> Option<&'static str> {
    let known = PROTOCOLS.iter().find(|(bit, _)| *bit == number).map(|(_, name)| *name);
    if number == 0 { Some("RDP") } else { known }
}

/// Why a server refuses the protocols (2.2.1.2.2).
pub(super) fn failure(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "SSL_REQUIRED_BY_SERVER",
        2 => "SSL_NOT_ALLOWED_BY_SERVER",
        3 => "SSL_CERT_NOT_ON_SERVER",
        4 => "INCONSISTENT_FLAGS",
        5 => "HYBRID_REQUIRED_BY_SERVER",
        6 => "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
        _ => return None,
    })
}

/// Encryption level of RDP's own security (5.3.1).
pub(super) fn level(number: u32) -> Option<&'static str> {
    usize::try_from(number)
        .ok()
        .and_then(|row| ["None", "Low", "Client compatible", "High", "FIPS"].get(row).copied())
}

/// Encryption method of RDP's own security (5.3.2).
pub(super) fn method(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "None",
        1 => "40bit",
        2 => "128bit",
        8 => "56bit",
        16 => "FIPS",
        _ => return None,
    })
}

/// How a server answers the conference's creation (T.125 7, Result).
pub(super) fn result(number: u64) -> &'static str {
    const NAMES: [&str; 16] = [
        "Success",
        "domain-merging",
        "domain-not-hierarchical",
        "no-such-channel",
        "no-such-domain",
        "no-such-user",
        "not-admitted",
        "other-user-id",
        "parameters-unacceptable",
        "token-not-available",
        "token-not-possessed",
        "too-many-channels",
        "too-many-tokens",
        "too-many-users",
        "unspecified-failure",
        "user-rejected",
    ];
    usize::try_from(number).ok().and_then(|row| NAMES.get(row).copied()).unwrap_or("unknown")
}

/// Release of Microsoft's client by its build.
pub(super) fn release(build: u32) -> Option<&'static str> {
    Some(match build {
        419 => "RDP 4.0",
        2195 | 2221 => "RDP 5.0",
        2600 => "RDP 5.1",
        3790 => "RDP 5.2",
        6000 => "RDP 6.0",
        6001 => "RDP 6.1",
        6002 => "RDP 6.2",
        7600 => "RDP 7.0",
        7601 => "RDP 7.1",
        9200 => "RDP 8.0",
        9600 => "RDP 8.1",
        10240 => "RDP 10.0",
        10586 => "RDP 10.1",
        14393 => "RDP 10.2",
        15063 => "RDP 10.3",
        16299 => "RDP 10.4",
        17134 => "RDP 10.5",
        17763 => "RDP 10.6",
        18362 | 18363 => "RDP 10.7",
        19041..=19045 => "RDP 10.8",
        22000..=22631 => "RDP 10.11",
        _ => return None,
    })
}

/// Language of a keyboard layout by the low half of its number (MS-LCID 2.2).
pub(super) fn layout(number: u32) -> Option<&'static str> {
    Some(match number & 0xffff {
        0x0401 => "Arabic - Saudi Arabia",
        0x0402 => "Bulgarian",
        0x0403 => "Catalan",
        0x0404 => "Chinese - Taiwan",
        0x0405 => "Czech",
        0x0406 => "Danish",
        0x0407 => "German - Germany",
        0x0408 => "Greek",
        0x0409 => "English - United States",
        0x040a => "Spanish - Spain (Traditional Sort)",
        0x040b => "Finnish",
        0x040c => "French - France",
        0x040d => "Hebrew",
        0x040e => "Hungarian",
        0x040f => "Icelandic",
        0x0410 => "Italian - Italy",
        0x0411 => "Japanese",
        0x0412 => "Korean",
        0x0413 => "Dutch - Netherlands",
        0x0414 => "Norwegian (Bokmål)",
        0x0415 => "Polish",
        0x0416 => "Portuguese - Brazil",
        0x0418 => "Romanian",
        0x0419 => "Russian",
        0x041a => "Croatian",
        0x041b => "Slovak",
        0x041c => "Albanian - Albania",
        0x041d => "Swedish",
        0x041e => "Thai",
        0x041f => "Turkish",
        0x0420 => "Urdu",
        0x0421 => "Indonesian",
        0x0422 => "Ukrainian",
        0x0423 => "Belarusian",
        0x0424 => "Slovenian",
        0x0425 => "Estonian",
        0x0426 => "Latvian",
        0x0427 => "Lithuanian",
        0x0429 => "Farsi",
        0x042a => "Vietnamese",
        0x042b => "Armenian - Armenia",
        0x042c => "Azeri (Latin)",
        0x042d => "Basque",
        0x042f => "FYRO Macedonian",
        0x0437 => "Georgian",
        0x0438 => "Faeroese",
        0x0439 => "Hindi",
        0x043f => "Kazakh",
        0x0804 => "Chinese - People's Republic of China",
        0x0807 => "German - Switzerland",
        0x0809 => "English - United Kingdom",
        0x080a => "Spanish - Mexico",
        0x080c => "French - Belgium",
        0x0813 => "Dutch - Belgium",
        0x0814 => "Norwegian (Nynorsk)",
        0x0816 => "Portuguese - Portugal",
        0x081a => "Serbian (Latin)",
        0x0c07 => "German - Austria",
        0x0c09 => "English - Australia",
        0x0c0a => "Spanish - Spain (Modern Sort)",
        0x0c0c => "French - Canada",
        0x0c1a => "Serbian (Cyrillic)",
        0x1009 => "English - Canada",
        0x100c => "French - Switzerland",
        0x1409 => "English - New Zealand",
        0x1809 => "English - Ireland",
        _ => return None,
    })
}
