//! Named counters: `frames = analysed + sum of the named drops`, and each limit that was hit.

macro_rules! counters {
    ($($name:ident, $doc:literal;)*) => {
        /// Counters of one worker since its start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $(#[doc = $doc] pub $name: u64,)* }

        impl Counters {
            /// Names and meanings, in order.
            pub const NAMES: &'static [(&'static str, &'static str)] = &[$((stringify!($name), $doc),)*];

            /// Name and value of each.
            #[must_use]
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Adds another worker's.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
    frames, "Frames given to the decoder";
    frame_bytes, "Bytes of those frames on the wire";
    analysed, "Frames that reached a flow or were understood whole without one (ARP)";
    drop_link_unknown, "Frames of a link type that is not known";
    drop_ethertype_unknown, "Frames whose network protocol is not decoded";
    drop_truncated, "Frames cut before the end of a header";
    drop_malformed, "Frames whose headers contradict themselves";
    drop_fragment_pending, "Fragments held or used for a datagram that a later frame completed or that never was";
    drop_depth, "Frames with more layers than the limit";
    drop_panic, "Frames during whose analysis something other than a protocol parser failed";
    events, "Events given out";
    weird, "Anomalies";
    flows, "Flows begun";
    flows_evicted, "Flows ended early because the table was full";
    fragments_expired, "Datagrams whose fragments never all came";
    fragments_evicted, "Datagrams dropped because the fragment table was full";
    stream_gaps, "Gaps in TCP streams";
    stream_gap_bytes, "Bytes lost in those gaps";
    stream_overlaps, "Overlapping TCP segments with other bytes than before";
    stream_evicted, "Out-of-order segments given up because a budget was spent";
    checksum_wrong, "Packets with a wrong checksum, where they are checked; none is dropped for it";
    checksum_offloaded, "Packets whose checksum the sending host had left to its network card, where they are checked";
    sctp_chunks, "Chunks of SCTP packets";
    sctp_malformed, "SCTP packets that hold something that is no chunk, or more of them than are counted";
    evidence_refused, "Captures of alerts that were not kept because too many were on their way";
    evidence_cut, "Captures of alerts that end early for the same reason";
    evidence_gone, "Alerts without a capture because the flow's packets had left the ring";
    parser_limit, "Times a protocol parser hit one of its limits";
    parser_memory, "Flows that lost their parser because the parsers of all flows held as much as they may";
    panics, "Panics caught in a worker";
}
