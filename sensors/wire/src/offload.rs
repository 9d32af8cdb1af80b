//! Who sends wrong checksums: where it is one address alone, the capture runs on it, and its network card mends them.

use crate::decode::{Address, Checksum};
use crate::flow::limits::MAX_SENDERS;

/// Wrong checksums before anything is said.
const ENOUGH: u64 = 32;
/// Of so many, one sender must have nine in ten.
const SHARE: u64 = 9;

/// Wrong and offloaded checksums by sender.
#[derive(Debug, Default)]
pub(crate) struct Offload {
    senders: Vec<(Address, u64)>,
    all: u64,
    told: bool,
}

impl Offload {
    /// Takes note of one; true once, when nearly all come from this sender.
    pub(crate) fn note(&mut self, sender: Address, checksum: Checksum) -> bool {
        if !matches!(checksum, Checksum::Wrong | Checksum::Offloaded) || self.told {
            return false;
        }
        self.all += 1;
        let place = self.senders.iter().position(|(address, _)| *address == sender);
        if place.is_none() {
            if self.senders.len() >= MAX_SENDERS.get() {
                MAX_SENDERS.note();
                return false;
            }
            self.senders.push((sender, 0));
        }
        let Some((_, count)) = self.senders.iter_mut().find(|(address, _)| *address == sender) else {
            return false;
        };
        *count += 1;
        self.told = self.all >= ENOUGH && *count * 10 >= self.all * SHARE;
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_is_told_once_and_many_are_not() {
        let mut one = Offload::default();
        let told = (0..100).filter(|_| one.note(Address(7), Checksum::Offloaded)).count();
        assert_eq!(told, 1);
        let mut many = Offload::default();
        assert!((0..1000).all(|n| !many.note(Address(n % 40), Checksum::Wrong)));
        let mut right = Offload::default();
        assert!((0..100).all(|_| !right.note(Address(7), Checksum::Right)));
    }
}
