//! SHA-256 of one file, and MD5 and SHA-1 beside it where somebody asks.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// The states.
#[derive(Clone, Debug)]
pub(super) struct Digests {
    old: Option<(Md5, Sha1)>,
    sha256: Sha256,
}

/// A digest in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Digests {
    /// `old`: MD5 and SHA-1 too.
    pub(super) fn new(old: bool) -> Self {
        Self { old: old.then(Default::default), sha256: Sha256::default() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some((md5, sha1)) = &mut self.old {
            md5.update(bytes);
            sha1.update(bytes);
        }
        self.sha256.update(bytes);
    }

    /// MD5, SHA-1, SHA-256.
    pub(super) fn finish(self) -> [Option<Hex>; 3] {
        let (md5, sha1) = self.old.unzip();
        [
            md5.map(|md5| Hex::of(&md5.finalize())),
            sha1.map(|sha1| Hex::of(&sha1.finalize())),
            Some(Hex::of(&self.sha256.finalize())),
        ]
    }
}

impl Hex {
    fn of(digest: &[u8]) -> Self {
        let mut hex = Self { digits: [0; 64], len: digest.len() * 2 };
        for (pair, byte) in hex.digits.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        hex
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}
