//! Public keys (RFC 3279, 5480, 8410) and signature algorithms by name.

use super::certificate::unsigned;
use crate::asn1::{Der, Tag, dotted};

/// An AlgorithmIdentifier: its OID, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm<'a> {
    oid: &'a [u8],
    parameters: &'a [u8],
}

/// A known name, or the OID in dots.
pub(crate) enum Name {
    /// From the tables here.
    Known(&'static str),
    /// In dots.
    Oid(String),
}

impl Name {
    fn new(known: Option<&'static str>, oid: &[u8]) -> Self {
        known.map_or_else(|| Self::Oid(dotted(oid)), Self::Known)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Known(name) => name.as_bytes(),
            Self::Oid(text) => text.as_bytes(),
        }
    }
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];

impl<'a> Algorithm<'a> {
    /// Reads the content of an AlgorithmIdentifier.
    pub(crate) fn parse(content: &'a [u8]) -> Option<Self> {
        let mut rest = Der(content);
        Some(Self { oid: rest.expect(Tag::OID)?, parameters: rest.0 })
    }

    /// The signature algorithm's name.
    pub(crate) fn signature(self) -> Name {
        let known = if self.oid == RSA_PSS { pss(self.parameters) } else { signature(self.oid) };
        Name::new(known, self.oid)
    }
}

/// Go's names, as ECS recommends.
fn signature(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
            2 => "MD2-RSA",
            4 => "MD5-RSA",
            5 => "SHA1-RSA",
            11 => "SHA256-RSA",
            12 => "SHA384-RSA",
            13 => "SHA512-RSA",
            14 => "SHA224-RSA",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => "ECDSA-SHA1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
            1 => "ECDSA-SHA224",
            2 => "ECDSA-SHA256",
            3 => "ECDSA-SHA384",
            4 => "ECDSA-SHA512",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => "DSA-SHA1",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02] => "DSA-SHA256",
        _ => return edwards(oid),
    })
}

/// Algorithms whose keys and signatures share an OID (RFC 8410, RFC 9881).
fn edwards(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2b, 0x65, 0x70] => "Ed25519",
        [0x2b, 0x65, 0x71] => "Ed448",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11] => "ML-DSA-44",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12] => "ML-DSA-65",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13] => "ML-DSA-87",
        _ => return None,
    })
}

/// The hash in RSASSA-PSS' parameters (RFC 4055 3.1).
fn pss(parameters: &[u8]) -> Option<&'static str> {
    let mut content = Der(Der(parameters).expect(Tag::SEQUENCE)?);
    let Some(hash) = content.expect(Tag::context(0)) else { return Some("SHA1-RSAPSS") };
    match Der(Der(hash).expect(Tag::SEQUENCE)?).expect(Tag::OID)? {
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Some("SHA256-RSAPSS"),
            2 => Some("SHA384-RSAPSS"),
            3 => Some("SHA512-RSAPSS"),
            _ => None,
        },
        _ => None,
    }
}

/// A SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey<'a> {
    algorithm: Algorithm<'a>,
    /// The key's bits, whole bytes.
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let mut rest = Der(content);
        let algorithm = Algorithm::parse(rest.expect(Tag::SEQUENCE)?)?;
        Some(Self { algorithm, bits: rest.expect(Tag::BIT_STRING)?.get(1..)? })
    }

    pub(crate) fn name(self) -> Name {
        let known = match self.algorithm.oid {
            oid if oid == RSA => Some("RSA"),
            oid if oid == RSA_PSS => Some("RSAPSS"),
            oid if oid == EC => Some("ECDSA"),
            oid if oid == DSA => Some("DSA"),
            oid => edwards(oid),
        };
        Name::new(known, self.algorithm.oid)
    }

    fn curve_oid(self) -> Option<&'a [u8]> {
        if self.algorithm.oid == EC { Der(self.algorithm.parameters).expect(Tag::OID) } else { None }
    }

    /// Name of the curve of an elliptic key.
    pub(crate) fn curve(self) -> Option<Name> {
        let oid = self.curve_oid()?;
        Some(Name::new(curve(oid).map(|known| known.0), oid))
    }

    /// Size in bits: of the modulus, of the prime field, of the key.
    pub(crate) fn size(self) -> Option<u64> {
        match self.algorithm.oid {
            oid if oid == RSA || oid == RSA_PSS => self.rsa().map(|(modulus, _)| bit_length(modulus)),
            oid if oid == EC => curve(self.curve_oid()?).map(|known| known.1),
            oid if oid == DSA => {
                let mut parameters = Der(Der(self.algorithm.parameters).expect(Tag::SEQUENCE)?);
                parameters.expect(Tag::INTEGER).map(bit_length)
            }
            [0x2b, 0x65, 0x70] => Some(256),
            [0x2b, 0x65, 0x71] => Some(456),
            oid => edwards(oid).map(|_| self.bits.len() as u64 * 8),
        }
    }

    /// Exponent of an RSA key, where 64 bits can hold it.
    pub(crate) fn exponent(self) -> Option<u64> {
        let exponent = unsigned(self.rsa()?.1);
        (exponent.len() <= 8).then(|| exponent.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    /// Modulus and exponent.
    fn rsa(self) -> Option<(&'a [u8], &'a [u8])> {
        if self.algorithm.oid != RSA && self.algorithm.oid != RSA_PSS {
            return None;
        }
        let mut key = Der(Der(self.bits).expect(Tag::SEQUENCE)?);
        Some((key.expect(Tag::INTEGER)?, key.expect(Tag::INTEGER)?))
    }
}

fn bit_length(integer: &[u8]) -> u64 {
    let zeros = integer.iter().take_while(|&&byte| byte == 0).count();
    let rest = integer.get(zeros..).unwrap_or_default();
    rest.first().map_or(0, |first| rest.len() as u64 * 8 - u64::from(first.leading_zeros()))
}

/// Name and bits (RFC 5480 2.1.1.1, SEC 2, RFC 5639).
fn curve(oid: &[u8]) -> Option<(&'static str, u64)> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => ("nistp256", 256),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01] => ("nistp192", 192),
        [0x2b, 0x81, 0x04, 0x00, last] => match last {
            33 => ("nistp224", 224),
            34 => ("nistp384", 384),
            35 => ("nistp521", 521),
            10 => ("secp256k1", 256),
            _ => return None,
        },
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, last] => match last {
            7 => ("brainpoolP256r1", 256),
            11 => ("brainpoolP384r1", 384),
            13 => ("brainpoolP512r1", 512),
            _ => return None,
        },
        _ => return None,
    })
}
