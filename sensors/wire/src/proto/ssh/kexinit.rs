//! KEXINIT (RFC 4253 7.1), HASSH (github.com/salesforce/hassh), and what two of them agree on.

use md5::{Digest, Md5};

use crate::messages::Direction;

/// A side's ten name-lists, in their order.
#[derive(Debug)]
pub(super) struct KexInit {
    body: Vec<u8>,
    ends: [(u32, u32); 10],
}

const KEX: usize = 0;
const HOST_KEY: usize = 1;
const CIPHER: usize = 2;
const MAC: usize = 4;
const COMPRESSION: usize = 6;

/// Bytes of the cookie before the lists.
const COOKIE: usize = 16;

/// The string (RFC 4251 5) at the beginning of `bytes`; empty where it is not whole.
pub(super) fn string(bytes: &[u8]) -> &[u8] {
    let Some((len, rest)) = bytes.split_first_chunk() else { return &[] };
    rest.get(..u32::from_be_bytes(*len) as usize).unwrap_or_default()
}

/// Methods that first agree on a group (RFC 4419).
pub(super) fn is_group_exchange(kex: &[u8]) -> bool {
    kex.starts_with(b"diffie-hellman-group-exchange-")
}

/// Ciphers that need no MAC beside them.
pub(super) fn is_authenticated(cipher: &[u8]) -> bool {
    cipher.starts_with(b"chacha20-poly1305") || memchr::memmem::find(cipher, b"-gcm").is_some()
}

/// The first of the client's names that the server has too (RFC 4253 7.1).
pub(super) fn agree<'a>(client: &'a [u8], server: &[u8]) -> Option<&'a [u8]> {
    client.split(|byte| *byte == b',').find(|name| has(server, name)).filter(|name| !name.is_empty())
}

/// True where a name-list has that name.
pub(super) fn has(list: &[u8], name: &[u8]) -> bool {
    if name.is_empty() {
        return list.split(|byte| *byte == b',').any(<[u8]>::is_empty);
    }
    let is_whole = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| list.get(at));
        let after = list.get(at + name.len());
        [before, after].into_iter().flatten().all(|byte| *byte == b',')
    };
    memchr::memmem::find_iter(list, name).any(is_whole)
}

impl KexInit {
    /// From a message without its number.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut ends = [(0, 0); 10];
        let mut at = COOKIE;
        for place in &mut ends {
            let len = body.get(at..)?.first_chunk().map(|len| u32::from_be_bytes(*len))?;
            let from = at + 4;
            at = from.checked_add(len as usize)?;
            body.get(from..at)?;
            *place = (from as u32, at as u32);
        }
        Some(Self { body: body.get(..at)?.to_vec(), ends })
    }

    pub(super) fn held(&self) -> usize {
        self.body.capacity()
    }

    fn list(&self, number: usize) -> &[u8] {
        let (from, to) = self.ends.get(number).copied().unwrap_or_default();
        self.body.get(from as usize..to as usize).unwrap_or_default()
    }

    pub(super) fn kex(&self) -> &[u8] {
        self.list(KEX)
    }

    pub(super) fn host_key(&self) -> &[u8] {
        self.list(HOST_KEY)
    }

    pub(super) fn cipher(&self, direction: Direction) -> &[u8] {
        self.list(CIPHER + direction.index())
    }

    pub(super) fn mac(&self, direction: Direction) -> &[u8] {
        self.list(MAC + direction.index())
    }

    pub(super) fn compression(&self, direction: Direction) -> &[u8] {
        self.list(COMPRESSION + direction.index())
    }

    pub(super) fn is_strict(&self) -> bool {
        let strict = |name: &[u8]| name.starts_with(b"kex-strict-") && name.ends_with(b"-v00@openssh.com");
        self.kex().split(|byte| *byte == b',').any(strict)
    }

    /// What HASSH hashes: the lists of the sender's own direction.
    pub(super) fn hassh_text(&self, own: Direction) -> Vec<u8> {
        [self.kex(), self.cipher(own), self.mac(own), self.compression(own)].join(&b';')
    }
}

/// HASSH: MD5 in lower-case hex.
pub(super) fn hassh(text: &[u8]) -> [u8; 32] {
    crate::proto::tls::fingerprint::hex(&Md5::digest(text))
}
