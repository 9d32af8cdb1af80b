//! Which mechanism a security token speaks: NTLMSSP or Kerberos, bare or wrapped in SPNEGO (RFC 4178).

use super::limits::MAX_TOKEN;
use memchr::memmem;

/// First bytes of every NTLMSSP message ([MS-NLMP] 2.2.1).
pub const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Object identifiers in DER, tag and length included: Kerberos 5 (RFC 4121), the same with Microsoft's slip of a
/// bit ([MS-SPNG] 3.1.5.2), NTLMSSP, NegoEx.
const KERBEROS: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
const KERBEROS_MICROSOFT: &[u8] = b"\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02";
const NTLM: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
const NEGOEX: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e";
/// What follows the identifier in a token that carries an AP-REQ (RFC 4121 4.1).
const AP_REQ: &[u8] = b"\x01\x00";

/// A mechanism by its customary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// NTLMSSP.
    Ntlm,
    /// Kerberos 5.
    Kerberos,
    /// NegoEx, which wraps others.
    NegoEx,
}

impl Mechanism {
    /// As events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::Kerberos => "Kerberos",
            Self::NegoEx => "NegoEx",
        }
    }
}

/// The NTLMSSP message in a token.
#[must_use]
pub fn ntlm_message(token: &[u8]) -> Option<&[u8]> {
    let token = MAX_TOKEN.clip(token);
    memmem::find(token, SIGNATURE).and_then(|at| token.get(at..))
}

/// The mechanism whose message the token carries.
#[must_use]
pub fn used(token: &[u8]) -> Option<Mechanism> {
    let token = MAX_TOKEN.clip(token);
    if memmem::find(token, SIGNATURE).is_some() {
        return Some(Mechanism::Ntlm);
    }
    let ap_req = memmem::find_iter(token, KERBEROS).filter_map(|at| token.get(at + KERBEROS.len()..));
    if ap_req.take(8).any(|rest| rest.starts_with(AP_REQ)) {
        return Some(Mechanism::Kerberos);
    }
    // An AP-REQ without a wrapper: [APPLICATION 14].
    (token.first() == Some(&0x6e)).then_some(Mechanism::Kerberos)
}

/// Mechanisms that a token names, in their order.
#[must_use]
pub fn offered(token: &[u8]) -> Vec<Mechanism> {
    let token = MAX_TOKEN.clip(token);
    let all = [
        (
            memmem::find(token, KERBEROS_MICROSOFT).or_else(|| memmem::find(token, KERBEROS)),
            Mechanism::Kerberos,
        ),
        (memmem::find(token, NTLM), Mechanism::Ntlm),
        (memmem::find(token, NEGOEX), Mechanism::NegoEx),
    ];
    let mut named: Vec<_> = all.into_iter().filter_map(|(at, name)| at.map(|at| (at, name))).collect();
    named.sort_unstable_by_key(|row| row.0);
    named.into_iter().map(|row| row.1).collect()
}
