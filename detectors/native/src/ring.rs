//! The kernel's packet ring (TPACKET_V3) on a packet socket that was opened elsewhere.
//!
//! The one place of the project with `unsafe`: the kernel shares memory with us, block by block. A block belongs
//! to the kernel until its status says `TP_STATUS_USER`; then it is ours until the status is written back.
//! Source: Documentation/networking/packet_mmap.rst of the Linux kernel.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bavn_wire::messages::{Frame, LinkType};

use crate::kernel::KernelCounts;

/// Bytes of one block; a block is handed over when full or after [`RETIRE_MS`].
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks of the ring: 64 MiB together.
const BLOCKS: usize = 64;
/// Milliseconds after which the kernel hands over a block that is not full.
const RETIRE_MS: u32 = 20;
/// Slot size that the kernel checks the request against; packets are packed by their own length.
const FRAME_BYTES: usize = 2048;

// Offsets in `struct tpacket_block_desc` and `struct tpacket3_hdr` (linux/if_packet.h).
const BLOCK_STATUS: usize = 8;
const BLOCK_PACKETS: usize = 12;
const BLOCK_FIRST: usize = 16;
const PACKET_HEADER: usize = 48;
const LINK_PACKET_TYPE: usize = PACKET_HEADER + 10;

const PACKET_OUTGOING: u8 = 4;
const STATUS_VLAN_VALID: u32 = 1 << 4;

/// A mapped ring. The descriptor stays the caller's and must stay open as long as this lives.
pub(crate) struct Ring {
    fd: RawFd,
    map: *mut u8,
    next: usize,
    link: LinkType,
    skip_outgoing: bool,
    counts: KernelCounts,
    /// Where the block at hand goes on, and how many packets it has left.
    place: Option<(usize, u32)>,
    /// The source's error, told once the ring is empty.
    broken: Option<io::Error>,
    /// Blocks that may still be read when the ring is left.
    rest: usize,
}

// SAFETY: the mapping is owned by this value alone; the pointer is used from one thread at a time (`&mut self`).
unsafe impl Send for Ring {}

impl Ring {
    /// Makes the socket's receive ring and maps it.
    ///
    /// # Errors
    /// The system's error where the descriptor is no packet socket or the ring cannot be had.
    pub(crate) fn attach(fd: RawFd, link: LinkType, skip_outgoing: bool) -> io::Result<Self> {
        set_option(fd, libc::PACKET_VERSION, &libc::tpacket_versions::TPACKET_V3)?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK_BYTES as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: FRAME_BYTES as u32,
            tp_frame_nr: (BLOCK_BYTES / FRAME_BYTES * BLOCKS) as u32,
            tp_retire_blk_tov: RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set_option(fd, libc::PACKET_RX_RING, &request)?;
        // SAFETY: a fresh shared mapping of the ring the kernel just made for this descriptor; the result is checked.
        let map = unsafe {
            libc::mmap(
                ptr::null_mut(),
                BLOCK_BYTES * BLOCKS,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        if map == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut ring = Self {
            fd,
            map: map.cast(),
            next: 0,
            link,
            skip_outgoing,
            counts: KernelCounts::default(),
            place: None,
            broken: None,
            rest: BLOCKS,
        };
        // What was counted before the ring stood was never offered to it.
        ring.read_statistics()?;
        ring.counts = KernelCounts::default();
        Ok(ring)
    }

    /// Waits for a block, at most so many milliseconds; false where none came.
    ///
    /// # Errors
    /// The socket's error (interface gone or down), or the system's.
    pub(crate) fn wait(&mut self, timeout_ms: i32) -> io::Result<bool> {
        if self.ready() {
            return Ok(true);
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let mut poll = libc::pollfd { fd: self.fd, events: libc::POLLIN | libc::POLLERR, revents: 0 };
        // SAFETY: one valid pollfd.
        let ready = unsafe { libc::poll(&raw mut poll, 1, timeout_ms) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
        }
        if let Some(error) = poll_error(self.fd, poll.revents) {
            // The kernel hands over what it has filled when its timer runs out.
            std::thread::sleep(Duration::from_millis(2 * u64::from(RETIRE_MS)));
            self.broken = Some(error);
        }
        Ok(self.ready())
    }

    /// Hands out what the ring holds before it is left, one round of it at most; true where `take` said that its
    /// hands are full.
    pub(crate) fn rest(&mut self, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> bool {
        while self.rest > 0 && self.wait(2 * RETIRE_MS as i32).unwrap_or(false) {
            if self.block(take) {
                return true;
            }
            self.rest -= 1;
        }
        false
    }

    /// Hands out each packet of the next block and gives the block back; true where `take` said that its hands are
    /// full, then the rest of the block is for the next call.
    pub(crate) fn block(&mut self, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> bool {
        if !self.ready() {
            return false;
        }
        let start = self.next * BLOCK_BYTES;
        // SAFETY: inside the mapping; the kernel has handed this block over, so nobody writes to it until `release`.
        let block = unsafe { std::slice::from_raw_parts(self.map.add(start), BLOCK_BYTES) };
        let first = (read_u32(block, BLOCK_FIRST) as usize, read_u32(block, BLOCK_PACKETS));
        let (mut at, mut left) = self.place.unwrap_or(first);
        let mut is_full = false;
        while left > 0 && !is_full {
            let packet = block.get(at..).unwrap_or_default();
            let step = read_u32(packet, 0) as usize;
            left -= 1;
            if step == 0 && left > 0 {
                self.counts.malformed += u64::from(left);
                left = 0;
            }
            at += step;
            // Noted before the packet is taken: one that fails is not taken twice.
            self.place = Some((at, left));
            is_full = self.packet(packet, take);
        }
        if left == 0 {
            self.place = None;
            self.release();
        }
        is_full
    }

    /// Counts of the kernel, brought up to date as far as it answers.
    pub(crate) fn statistics(&mut self) -> KernelCounts {
        // A socket that was closed has nothing to add.
        let _ = self.read_statistics();
        self.counts
    }

    fn packet(&mut self, packet: &[u8], take: &mut dyn FnMut(&Frame<'_>) -> bool) -> bool {
        if self.skip_outgoing && packet.get(LINK_PACKET_TYPE) == Some(&PACKET_OUTGOING) {
            self.counts.outgoing += 1;
            return false;
        }
        match frame(packet, self.link) {
            Some(frame) => take(&frame),
            None => {
                self.counts.malformed += 1;
                false
            }
        }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: inside the mapping, aligned (blocks are page aligned), and only ever accessed atomically.
        unsafe { AtomicU32::from_ptr(self.map.add(self.next * BLOCK_BYTES + BLOCK_STATUS).cast()) }
    }

    fn ready(&self) -> bool {
        self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    fn release(&mut self) {
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % BLOCKS;
    }

    fn read_statistics(&mut self) -> io::Result<()> {
        let mut stats = [0_u32; 3];
        let mut len = size_of_val(&stats) as libc::socklen_t;
        // SAFETY: the buffer and its length are valid; the kernel writes at most `len` bytes.
        let done = unsafe {
            libc::getsockopt(
                self.fd,
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                stats.as_mut_ptr().cast(),
                &raw mut len,
            )
        };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        self.counts.seen += u64::from(stats[0]);
        self.counts.dropped += u64::from(stats[1]);
        self.counts.frozen += u64::from(stats[2]);
        Ok(())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `attach` mapped; no slice of it outlives `block`.
        unsafe { libc::munmap(self.map.cast(), BLOCK_BYTES * BLOCKS) };
    }
}

/// Reads four bytes in host order; 0 beyond the end.
fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

/// A packet as the kernel laid it into a block; `None` where it does not lie inside.
fn frame(packet: &[u8], link: LinkType) -> Option<Frame<'_>> {
    let captured = read_u32(packet, 12) as usize;
    let mac = usize::from(u16::from_ne_bytes(packet.get(24..26)?.try_into().ok()?));
    let status = read_u32(packet, 20);
    Some(Frame {
        time: u64::from(read_u32(packet, 4)) * 1_000_000_000 + u64::from(read_u32(packet, 8)),
        link,
        interface: 0,
        wire_len: read_u32(packet, 16),
        vlan_tci: (status & STATUS_VLAN_VALID != 0).then(|| read_u32(packet, 32) as u16),
        data: packet.get(mac..mac + captured)?,
    })
}

/// What a look at the socket says of it, where it is no more.
fn poll_error(fd: RawFd, found: i16) -> Option<io::Error> {
    if found & libc::POLLNVAL != 0 {
        return Some(io::Error::from_raw_os_error(libc::EBADF));
    }
    if found & libc::POLLERR != 0 {
        return Some(socket_error(fd));
    }
    (found & libc::POLLHUP != 0).then(|| io::Error::from_raw_os_error(libc::ENETDOWN))
}

fn set_option<T>(fd: RawFd, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: `value` is valid for reads of its own size for the length of the call.
    let done = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_PACKET,
            option,
            ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn socket_error(fd: RawFd) -> io::Error {
    let mut code: libc::c_int = 0;
    let mut len = size_of_val(&code) as libc::socklen_t;
    // SAFETY: the buffer and its length are valid.
    let done = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut code).cast(), &raw mut len)
    };
    if done < 0 { io::Error::last_os_error() } else { io::Error::from_raw_os_error(code) }
}
