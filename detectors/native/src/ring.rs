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
        let mut ring =
            Self { fd, map: map.cast(), next: 0, link, skip_outgoing, counts: KernelCounts::default() };
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
        let mut poll = libc::pollfd { fd: self.fd, events: libc::POLLIN | libc::POLLERR, revents: 0 };
        // SAFETY: one valid pollfd.
        let ready = unsafe { libc::poll(&raw mut poll, 1, timeout_ms) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
        }
        if poll.revents & libc::POLLERR != 0 {
            return Err(socket_error(self.fd));
        }
        Ok(self.ready())
    }

    /// Hands out each packet of the next block and gives the block back; false where none is ready.
    pub(crate) fn block(&mut self, take: &mut dyn FnMut(&Frame<'_>)) -> bool {
        if !self.ready() {
            return false;
        }
        let start = self.next * BLOCK_BYTES;
        // SAFETY: inside the mapping; the kernel has handed this block over, so nobody writes to it until `release`.
        let block = unsafe { std::slice::from_raw_parts(self.map.add(start), BLOCK_BYTES) };
        let mut at = read_u32(block, BLOCK_FIRST) as usize;
        for _ in 0..read_u32(block, BLOCK_PACKETS) {
            let Some(packet) = block.get(at..) else { break };
            if let Some(frame) = self.frame(packet) {
                take(&frame);
            }
            let step = read_u32(packet, 0) as usize;
            if step == 0 {
                break;
            }
            at += step;
        }
        self.release();
        true
    }

    /// Counts of the kernel, brought up to date.
    pub(crate) fn statistics(&mut self) -> io::Result<KernelCounts> {
        self.read_statistics()?;
        Ok(self.counts)
    }

    fn frame<'a>(&self, packet: &'a [u8]) -> Option<Frame<'a>> {
        if self.skip_outgoing && packet.get(LINK_PACKET_TYPE) == Some(&PACKET_OUTGOING) {
            return None;
        }
        let captured = read_u32(packet, 12) as usize;
        let mac = usize::from(u16::from_ne_bytes(packet.get(24..26)?.try_into().ok()?));
        let status = read_u32(packet, 20);
        Some(Frame {
            time: u64::from(read_u32(packet, 4)) * 1_000_000_000 + u64::from(read_u32(packet, 8)),
            link: self.link,
            interface: 0,
            wire_len: read_u32(packet, 16),
            vlan_tci: (status & STATUS_VLAN_VALID != 0).then(|| read_u32(packet, 32) as u16),
            data: packet.get(mac..mac + captured)?,
        })
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
