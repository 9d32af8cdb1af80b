//! What the kernel counted of a live source.

/// Counts since the source was attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KernelCounts {
    /// Packets that passed the socket's filter.
    pub(crate) seen: u64,
    /// Of those: dropped because the ring was full.
    pub(crate) dropped: u64,
    /// Times the ring was full.
    pub(crate) frozen: u64,
    /// Packets that the ring showed a second time on their way out.
    pub(crate) outgoing: u64,
    /// Packets that did not lie inside their block.
    pub(crate) malformed: u64,
}

impl KernelCounts {
    /// These and another source's.
    pub(crate) const fn plus(&self, other: &Self) -> Self {
        Self {
            seen: self.seen + other.seen,
            dropped: self.dropped + other.dropped,
            frozen: self.frozen + other.frozen,
            outgoing: self.outgoing + other.outgoing,
            malformed: self.malformed + other.malformed,
        }
    }

    /// Name and value of each.
    pub(crate) const fn list(&self) -> [(&'static str, u64); 5] {
        [
            ("kernel_seen", self.seen),
            ("kernel_dropped", self.dropped),
            ("kernel_frozen", self.frozen),
            ("kernel_outgoing", self.outgoing),
            ("kernel_malformed", self.malformed),
        ]
    }
}
