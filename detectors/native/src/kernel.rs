//! What the kernel counted of a live source.

/// Counts since the source was attached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KernelCounts {
    /// Packets that passed the socket's filter and were dropped because the ring was full.
    pub(crate) dropped: u64,
    /// Times the ring was full.
    pub(crate) frozen: u64,
}
