//! Keys of Initial packets, which anyone on the path can derive (RFC 9001 5.2), and what is done with them.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::packet::{Initial, Retry};
use super::version::Version;

/// Bytes of an authentication tag.
const TAG: usize = 16;
/// Bytes of an AES block.
const BLOCK: usize = 16;

/// AES-128-GCM with a nonce of 96 bits (NIST SP 800-38D), as far as a reader needs it: it keeps no secret, so the
/// time that a comparison takes gives nothing away.
struct Gcm(Aes128);

impl Gcm {
    fn new(key: &[u8; 16]) -> Self {
        Self(Aes128::new(&Array::from(*key)))
    }

    fn block(&self, nonce: [u8; 12], counter: u32) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..12].copy_from_slice(&nonce);
        block[12..].copy_from_slice(&counter.to_be_bytes());
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// Decrypts in place. A beginning can be decrypted without the rest.
    fn decrypt(&self, nonce: [u8; 12], text: &mut [u8]) {
        for (number, part) in text.chunks_mut(BLOCK).enumerate() {
            let counter = u32::try_from(number).unwrap_or(u32::MAX).wrapping_add(2);
            let stream = self.block(nonce, counter);
            part.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
    }

    fn tag(&self, nonce: [u8; 12], header: &[u8], ciphertext: &[u8]) -> [u8; TAG] {
        let mut key = Array::from([0; BLOCK]);
        self.0.encrypt_block(&mut key);
        let mut hash = GHash::new(&key);
        hash.update_padded(header);
        hash.update_padded(ciphertext);
        let bits = |bytes: &[u8]| (bytes.len() as u64 * 8).to_be_bytes();
        let mut lengths = [0; BLOCK];
        lengths[..8].copy_from_slice(&bits(header));
        lengths[8..].copy_from_slice(&bits(ciphertext));
        hash.update(&[Array::from(lengths)]);
        let mut tag: [u8; TAG] = hash.finalize().into();
        tag.iter_mut().zip(self.block(nonce, 1)).for_each(|(byte, key)| *byte ^= key);
        tag
    }
}

/// Keys of one direction.
pub(super) struct Keys {
    payload: Gcm,
    iv: [u8; 12],
    header: Aes128,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// A packet as it was before protection.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Header and frames, one behind the other.
    bytes: Vec<u8>,
    header_len: usize,
}

impl Opened {
    pub(super) fn frames(&self) -> &[u8] {
        self.bytes.get(self.header_len..).unwrap_or_default()
    }
}

/// Keys of the client's and of the server's Initial packets, from the connection id that the client first sends to.
pub(super) fn initial(version: Version, id: &[u8]) -> [Keys; 2] {
    let secret = hmac(version.salt(), &[id]);
    [&b"client in"[..], b"server in"].map(|label| Keys::new(version, &expand::<32>(&secret, label)))
}

impl Keys {
    fn new(version: Version, secret: &[u8; 32]) -> Self {
        let [key, iv, header] = version.labels();
        Self {
            payload: Gcm::new(&expand(secret, key)),
            iv: expand(secret, iv),
            header: Aes128::new(&Array::from(expand::<16>(secret, header))),
        }
    }

    /// Opens a packet; `None` where these are not its keys. Of a packet that the capture cut, the beginning is given
    /// without proof that it is genuine.
    pub(super) fn open(&self, packet: &Initial<'_>) -> Option<Opened> {
        let sample = packet.bytes.get(packet.number_at + 4..)?.first_chunk::<BLOCK>()?;
        let mut mask = Array::from(*sample);
        self.header.encrypt_block(&mut mask);
        let mut bytes = packet.bytes.to_vec();
        let first = bytes.first_mut()?;
        *first ^= mask[0] & 0x0f;
        // The two reserved bits are zero (RFC 9000 17.2).
        if *first & 0x0c != 0 {
            return None;
        }
        let number_len = usize::from(*first & 3) + 1;
        let header_len = packet.number_at + number_len;
        let number = bytes.get_mut(packet.number_at..header_len)?;
        number.iter_mut().zip(mask.iter().skip(1)).for_each(|(byte, key)| *byte ^= key);
        let nonce = self.nonce(number);
        if !packet.is_cut {
            let end = bytes.len().checked_sub(TAG)?;
            let (header, ciphertext) = bytes.get(..end)?.split_at_checked(header_len)?;
            if self.payload.tag(nonce, header, ciphertext) != *bytes.last_chunk::<TAG>()? {
                return None;
            }
            bytes.truncate(end);
        }
        self.payload.decrypt(nonce, bytes.get_mut(header_len..)?);
        Some(Opened { bytes, header_len })
    }

    /// The IV with the packet number in its last bytes (RFC 9001 5.3).
    fn nonce(&self, number: &[u8]) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce.iter_mut().rev().zip(number.iter().rev()).for_each(|(byte, part)| *byte ^= part);
        nonce
    }
}

/// True where the tag proves that the server saw the client's first packet, sent to `original` (RFC 9001 5.8).
pub(super) fn is_genuine(version: Version, retry: &Retry<'_>, original: &[u8]) -> bool {
    let (key, nonce) = version.retry_key();
    let len = u8::try_from(original.len()).unwrap_or(u8::MAX);
    let pseudo = [&[len], original, retry.bytes].concat();
    Gcm::new(&key).tag(nonce, &pseudo, &[]) == *retry.tag
}

/// HMAC-SHA256 over the parts.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// HKDF-Expand-Label without a context (RFC 8446 7.1, RFC 5869 2.3); `N` is at most 32.
fn expand<const N: usize>(secret: &[u8; 32], label: &[u8]) -> [u8; N] {
    let lengths = [0, N as u8, label.len() as u8 + 6];
    let block = hmac(secret, &[&lengths, b"tls13 ", label, &[0, 1]]);
    let mut out = [0; N];
    out.iter_mut().zip(block).for_each(|(byte, from)| *byte = from);
    out
}

#[cfg(test)]
mod tests;
