//! Numbers of the TLS registries as newtypes: a number that nobody knows survives and is shown in hex.

use super::ciphers::CIPHER_SUITES;

/// A protocol version as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(pub u16);

impl Version {
    /// SSL 2.0.
    pub const SSL_2_0: Self = Self(0x0002);
    /// SSL 3.0 (RFC 6101).
    pub const SSL_3_0: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: Self = Self(0x0304);
    /// DTLS 1.0 (RFC 4347).
    pub const DTLS_1_0: Self = Self(0xfeff);
    /// DTLS 1.2 (RFC 6347).
    pub const DTLS_1_2: Self = Self(0xfefd);
    /// DTLS 1.3 (RFC 9147).
    pub const DTLS_1_3: Self = Self(0xfefc);

    /// `1.3`; drafts of 1.3 too.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::SSL_2_0 => "2.0",
            Self::SSL_3_0 => "3.0",
            Self::TLS_1_0 | Self::DTLS_1_0 => "1.0",
            Self::TLS_1_1 => "1.1",
            Self::TLS_1_2 | Self::DTLS_1_2 => "1.2",
            Self::DTLS_1_3 => "1.3",
            _ if self.is_1_3() => "1.3",
            _ => return None,
        })
    }

    /// TLS 1.3 and DTLS 1.3, its drafts (RFC 8446 4.2.1.1 before publication) and Facebook's numbers for them.
    #[must_use]
    pub const fn is_1_3(self) -> bool {
        matches!(self.0, 0x0304 | 0x7f0e..=0x7f1c | 0xfb17 | 0xfb1a | 0xfefc)
    }

    /// Drafts whose ServerHello has the short form.
    pub(super) const fn is_early_draft(self) -> bool {
        matches!(self.0, 0x7f0e..=0x7f15)
    }

    /// SSL rather than TLS.
    const fn is_ssl(self) -> bool {
        matches!(self, Self::SSL_2_0 | Self::SSL_3_0)
    }

    /// `ssl`, `tls` or `dtls`.
    pub(super) const fn protocol(self) -> &'static str {
        match self {
            _ if self.is_ssl() => "ssl",
            Self::DTLS_1_0 | Self::DTLS_1_2 | Self::DTLS_1_3 | Self(0x0100) => "dtls",
            _ => "tls",
        }
    }

    /// Orders versions by age; unknown ones are oldest.
    pub(super) const fn rank(self) -> u16 {
        match self {
            _ if self.is_1_3() => 0x0304,
            Self(0x0002 | 0x0300..=0x0303) => self.0,
            Self::DTLS_1_0 => 0x0302,
            Self::DTLS_1_2 => 0x0303,
            _ => 0,
        }
    }
}

/// The registry by high byte: a hello names dozens of suites, and a search for each would cost more than its hash.
static PAGES: [(u8, [&str; 256]); 7] =
    [page(0xc0), page(0x00), page(0x13), page(0xcc), page(0xd0), page(0xc1), page(0x56)];

const fn page(high: u8) -> (u8, [&'static str; 256]) {
    let mut names = [""; 256];
    let mut row = 0;
    while row < CIPHER_SUITES.len() {
        let (number, name) = CIPHER_SUITES[row];
        if number >> 8 == high as u16 {
            names[(number & 0xff) as usize] = name;
        }
        row += 1;
    }
    (high, names)
}

/// A cipher suite (IANA TLS Cipher Suites).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// IANA name.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let [page, row] = self.0.to_be_bytes();
        let page = PAGES.iter().find(|known| known.0 == page)?;
        page.1.get(usize::from(row)).copied().filter(|name| !name.is_empty())
    }

    /// True where the server's key exchange names a curve.
    pub(super) fn has_curve(self) -> bool {
        self.name().is_some_and(|name| name.starts_with("TLS_ECDHE_") || name.starts_with("TLS_ECDH_anon_"))
    }

    /// True where a hint to the shared key stands before the curve (RFC 5489 2).
    pub(super) fn has_psk_hint(self) -> bool {
        self.name().is_some_and(|name| name.starts_with("TLS_ECDHE_PSK_"))
    }
}

/// A group of a key exchange (IANA TLS Supported Groups).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group(pub u16);

impl Group {
    /// IANA name.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "sect163k1",
            2 => "sect163r1",
            3 => "sect163r2",
            4 => "sect193r1",
            5 => "sect193r2",
            6 => "sect233k1",
            7 => "sect233r1",
            8 => "sect239k1",
            9 => "sect283k1",
            10 => "sect283r1",
            11 => "sect409k1",
            12 => "sect409r1",
            13 => "sect571k1",
            14 => "sect571r1",
            15 => "secp160k1",
            16 => "secp160r1",
            17 => "secp160r2",
            18 => "secp192k1",
            19 => "secp192r1",
            20 => "secp224k1",
            21 => "secp224r1",
            22 => "secp256k1",
            23 => "secp256r1",
            24 => "secp384r1",
            25 => "secp521r1",
            26 => "brainpoolP256r1",
            27 => "brainpoolP384r1",
            28 => "brainpoolP512r1",
            29 => "x25519",
            30 => "x448",
            31 => "brainpoolP256r1tls13",
            32 => "brainpoolP384r1tls13",
            33 => "brainpoolP512r1tls13",
            41 => "curveSM2",
            256 => "ffdhe2048",
            257 => "ffdhe3072",
            258 => "ffdhe4096",
            259 => "ffdhe6144",
            260 => "ffdhe8192",
            512 => "MLKEM512",
            513 => "MLKEM768",
            514 => "MLKEM1024",
            4587 => "SecP256r1MLKEM768",
            4588 => "X25519MLKEM768",
            4589 => "SecP384r1MLKEM1024",
            25497 => "X25519Kyber768Draft00",
            25498 => "SecP256r1Kyber768Draft00",
            _ => return None,
        })
    }
}

/// An alert (RFC 8446 6, RFC 5246 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// The sender will send no more.
    pub const CLOSE_NOTIFY: Self = Self(0);

    /// The name, or "unknown".
    pub(super) fn label(self) -> &'static [u8] {
        self.name().unwrap_or("unknown").as_bytes()
    }

    /// Name in the RFCs.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => return None,
        })
    }
}

/// Values that clients send so that servers learn to ignore the unknown (RFC 8701 2).
#[must_use]
pub const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// A number as `0xNNNN`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hex([u8; 6]);

impl Hex {
    pub(super) fn new(number: u16) -> Self {
        let [a, b, c, d] = super::fingerprint::hex(&number.to_be_bytes());
        Self([b'0', b'x', a, b, c, d])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cipher_suites_are_sorted_and_found() {
        assert!(CIPHER_SUITES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for &(number, name) in CIPHER_SUITES {
            assert_eq!(CipherSuite(number).name(), Some(name));
        }
        assert_eq!(CipherSuite(0xc02f).name(), Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert_eq!(CipherSuite(0x1301).name(), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(CipherSuite(0xfefe).name(), None);
        assert_eq!(Hex::new(0xfeaf).bytes(), b"0xfeaf");
    }

    #[test]
    fn grease_is_the_sixteen_values_of_rfc_8701() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|&number| is_grease(number)).collect();
        assert_eq!(all.len(), 16);
        assert_eq!((all[0], all[15]), (0x0a0a, 0xfafa));
    }
}
