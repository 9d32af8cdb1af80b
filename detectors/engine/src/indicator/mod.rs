//! Indicators: values that lists of others call bad, looked up in every event; a match is an event that rules judge.
//!
//! A set is data ([`Set::load`]); what an event shows is brought into the same form as what the lists say
//! ([`canonical`]) and looked up with a seeded hash, then compared with the value itself. So nothing is told that is
//! not in a list, and the cost of an event does not grow with the number of indicators.

pub mod canonical;
mod event;
mod set;
mod table;
mod told;
mod watch;

pub use set::{Found, Meta, Set, SetError};
pub(crate) use set::{STRICTEST, strictness};
pub use watch::{Counts, Watch};

macro_rules! types {
    ($($ident:ident $name:literal $stix:literal $doc:literal;)*) => {
        /// What an indicator is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Type { $(#[doc = $doc] $ident,)* }

        impl Type {
            /// All types.
            pub const ALL: &'static [Self] = &[$(Self::$ident,)*];

            /// Name in lists and in events.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$ident => $name,)* }
            }

            /// `threat.indicator.type` of ECS, which are STIX's words.
            #[must_use]
            pub const fn stix(self) -> &'static str {
                match self { $(Self::$ident => $stix,)* }
            }
        }
    };
}

types! {
    Ip "ip" "ipv4-addr" "An address.";
    Cidr "cidr" "ipv4-addr" "A network.";
    Endpoint "ip-port" "ipv4-addr" "An address with a port.";
    Domain "domain" "domain-name" "A name, and every name below it.";
    Host "host" "domain-name" "A name alone.";
    Url "url" "url" "A URL without its scheme.";
    Ja3 "ja3" "software" "JA3 of a TLS client.";
    Ja3s "ja3s" "software" "JA3S of a TLS server.";
    Ja4 "ja4" "software" "JA4 of a TLS client.";
    Hassh "hassh" "software" "HASSH of an SSH client or server.";
    Md5 "md5" "file" "MD5 of a file.";
    Sha1 "sha1" "file" "SHA-1 of a file.";
    Sha256 "sha256" "file" "SHA-256 of a file.";
    CertMd5 "cert-md5" "x509-certificate" "MD5 of a certificate.";
    CertSha1 "cert-sha1" "x509-certificate" "SHA-1 of a certificate.";
    CertSha256 "cert-sha256" "x509-certificate" "SHA-256 of a certificate.";
}

impl Type {
    /// The type of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ty| ty.name() == name)
    }

    /// Bytes of its digest, where it is one.
    pub(crate) const fn digest_bytes(self) -> Option<usize> {
        match self {
            Self::Ja3 | Self::Ja3s | Self::Hassh | Self::Md5 | Self::CertMd5 => Some(16),
            Self::Sha1 | Self::CertSha1 => Some(20),
            Self::Sha256 | Self::CertSha256 => Some(32),
            Self::Ip | Self::Cidr | Self::Endpoint | Self::Domain | Self::Host | Self::Url | Self::Ja4 => {
                None
            }
        }
    }
}
