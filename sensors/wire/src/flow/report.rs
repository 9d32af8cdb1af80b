//! A flow's record as an event, and the anomalies that the flow table itself sees.

use super::features::Told;
use super::record::{Act, Flags, Flow};
use super::table::Env;
use crate::fields::Field;
use crate::messages::{Direction, EventKind, Transport, Value};
use crate::proto::Close;

/// Why a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Both sides closed, or a reset, or the same endpoints began another conversation.
    End,
    /// No packet for the time-out of its state.
    Timeout,
    /// It lives on; one record each so often.
    Update,
    /// The table was full.
    Evicted,
    /// The run ends.
    Shutdown,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Timeout => "timeout",
            Self::Update => "update",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
        }
    }

    pub(crate) const fn close(self) -> Close {
        match self {
            Self::End => Close::End,
            Self::Timeout => Close::Timeout,
            Self::Update | Self::Evicted | Self::Shutdown => Close::Evicted,
        }
    }
}

/// Fields that a `flow` event can carry beside those of [`super::INFO_FIELDS`].
pub const FIELDS: &[Field] = &[
    Field::FlowBytesRatio,
    Field::FlowEntropyDestination,
    Field::FlowEntropySource,
    Field::FlowGapDeviation,
    Field::FlowGapMean,
    Field::FlowHistory,
    Field::FlowMissedBytes,
    Field::FlowPayloadGaps,
    Field::FlowPayloadSizes,
    Field::FlowReason,
    Field::FlowService,
    Field::FlowState,
    Field::DestinationBytes,
    Field::DestinationMac,
    Field::DestinationPackets,
    Field::EventDuration,
    Field::EventEnd,
    Field::EventStart,
    Field::IcmpCode,
    Field::IcmpType,
    Field::NetworkBytes,
    Field::NetworkPackets,
    Field::NetworkProtocol,
    Field::SourceBytes,
    Field::SourceMac,
    Field::SourcePackets,
];

/// Fields that a `weird` event can carry beside those of [`super::INFO_FIELDS`].
pub const WEIRD_FIELDS: &[Field] = &[Field::WeirdDetail, Field::WeirdName, Field::WeirdProtocol];

/// Fields that a `score` event can carry beside those of [`super::INFO_FIELDS`]: the analytics run outside this crate.
pub const SCORE_FIELDS: &[Field] = &[
    Field::ScoreDetector,
    Field::ScoreEvents,
    Field::ScoreReason,
    Field::ScoreValue,
    Field::DnsQuestionName,
    Field::EventDuration,
    Field::EventEnd,
    Field::EventStart,
    Field::TlsClientServerName,
    Field::UrlDomain,
    Field::UserName,
];

/// Fields that an `indicator` event can carry beside those of [`super::INFO_FIELDS`]: lists are looked up outside this
/// crate.
pub const INDICATOR_FIELDS: &[Field] = &[
    Field::IndicatorConfidence,
    Field::IndicatorObserved,
    Field::IndicatorSeenIn,
    Field::IndicatorType,
    Field::NetworkProtocol,
    Field::ThreatMatchedAtomic,
    Field::ThreatMatchedField,
    Field::ThreatIndicatorConfidence,
    Field::ThreatIndicatorDescription,
    Field::ThreatIndicatorIp,
    Field::ThreatIndicatorMarkingTlp,
    Field::ThreatIndicatorName,
    Field::ThreatIndicatorProvider,
    Field::ThreatIndicatorReference,
    Field::ThreatIndicatorType,
];

/// Gives out the flow's record.
pub(crate) fn write(flow: &Flow, looks: Option<&Told>, reason: Reason, env: &mut Env<'_>) {
    if !env.sink.wants(EventKind::Flow) {
        return;
    }
    let macs = flow.macs.map(|mac| mac.map(mac_text));
    let mut fields = [(Field::FlowHistory, Value::Unobserved); FIELDS.len()];
    let mut len = 0;
    for &field in FIELDS {
        if let Some(value) = value(field, flow, reason, &macs).or_else(|| looks?.value(field)) {
            fields[len] = (field, value);
            len += 1;
        }
    }
    let (info, one_way) = (flow.info(), flow.is_one_way());
    env.context(&info, one_way).emit(EventKind::Flow, &fields[..len]);
}

fn value<'a>(
    field: Field,
    flow: &'a Flow,
    reason: Reason,
    macs: &'a [Option<[u8; 17]>; 2],
) -> Option<Value<'a>> {
    let number = |value| Some(Value::Number(value));
    match field {
        Field::FlowHistory => {
            Some(Value::Text(flow.history.text())).filter(|_| !flow.history.text().is_empty())
        }
        Field::FlowMissedBytes => flow.flags.get(Flags::ASSEMBLED).then_some(Value::Number(flow.missed)),
        Field::FlowReason => Some(Value::Text(reason.text().as_bytes())),
        Field::FlowService | Field::NetworkProtocol => flow.service.map(|name| Value::Text(name.as_bytes())),
        Field::FlowState => Some(Value::Text(state(flow).as_bytes())),
        Field::DestinationBytes => number(flow.bytes[1]),
        Field::DestinationMac => macs[1].as_ref().map(|mac| Value::Text(mac)),
        Field::DestinationPackets => number(flow.packets[1]),
        Field::EventDuration => number(flow.last.saturating_sub(flow.start)),
        Field::EventEnd => Some(Value::Time(flow.last)),
        Field::EventStart => Some(Value::Time(flow.start)),
        Field::IcmpCode => is_icmp(flow).then_some(Value::Number(flow.next[1].into())),
        Field::IcmpType => is_icmp(flow).then_some(Value::Number(flow.next[0].into())),
        Field::NetworkBytes => number(flow.bytes[0].saturating_add(flow.bytes[1])),
        Field::NetworkPackets => number(flow.packets[0].saturating_add(flow.packets[1])),
        Field::SourceBytes => number(flow.bytes[0]),
        Field::SourceMac => macs[0].as_ref().map(|mac| Value::Text(mac)),
        Field::SourcePackets => number(flow.packets[0]),
        _ => None,
    }
}

fn is_icmp(flow: &Flow) -> bool {
    matches!(flow.transport(), Transport::ICMP | Transport::ICMP6)
}

fn mac_text(mac: [u8; 6]) -> [u8; 17] {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = [b'-'; 17];
    for (n, byte) in mac.iter().enumerate() {
        out[3 * n] = HEX[usize::from(byte >> 4)];
        out[3 * n + 1] = HEX[usize::from(byte & 15)];
    }
    out
}

/// State of the conversation in Zeek's words (its conn.log documentation).
fn state(flow: &Flow) -> &'static str {
    match flow.transport() {
        Transport::TCP => tcp_state(flow),
        Transport::UDP | Transport::SCTP => match (flow.packets[0] > 0, flow.packets[1] > 0) {
            (true, true) => "SF",
            (true, false) => "S0",
            _ => "SHR",
        },
        _ => "OTH",
    }
}

fn tcp_state(flow: &Flow) -> &'static str {
    use Direction::{ToClient, ToServer};
    let did = |direction, act| flow.history.has(direction, act);
    let (syn, answered) = (did(ToServer, Act::Syn), did(ToClient, Act::SynAck));
    let reset = flow.history.text().iter().find(|letter| letter.eq_ignore_ascii_case(&b'r'));
    match (syn, answered, reset) {
        (true, true, Some(b'R')) => "RSTO",
        (true, true, Some(_)) => "RSTR",
        (true, true, None) => match (did(ToServer, Act::Fin), did(ToClient, Act::Fin)) {
            (true, true) => "SF",
            (true, false) => "S2",
            (false, true) => "S3",
            (false, false) => "S1",
        },
        (true, false, Some(b'R')) => "RSTOS0",
        (true, false, Some(_)) => "REJ",
        (true, false, None) if did(ToServer, Act::Fin) => "SH",
        (true, false, None) if flow.packets[1] == 0 => "S0",
        (false, true, Some(b'r')) => "RSTRH",
        (false, true, None) if did(ToClient, Act::Fin) => "SHR",
        _ => "OTH",
    }
}

/// Anomalies that the flow table sees; each is told once a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowWeird {
    StreamOverlap,
    OutOfWindow,
    ParserPanic,
    ParserMemory,
}

/// Anomalies of the flow table and the fragment table, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "fragment_overlap",
        "Fragments of one datagram that overlap with other bytes, or tell different lengths",
    ),
    (
        "parser_memory_limit",
        "A flow whose parser asked for memory when the parsers of all flows held as much as they may",
    ),
    (
        "parser_panic",
        "A protocol parser failed on this flow, which is not looked into any more: a defect of bavn",
    ),
    ("stream_out_of_window", "A TCP segment that lies too far ahead to belong to its stream"),
    ("stream_overlap", "TCP segments that overlap with other bytes: a try to show the sensor another stream"),
];

impl FlowWeird {
    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::StreamOverlap => ("tcp", "stream_overlap"),
            Self::OutOfWindow => ("tcp", "stream_out_of_window"),
            Self::ParserPanic => ("bavn", "parser_panic"),
            Self::ParserMemory => ("bavn", "parser_memory_limit"),
        }
    }
}

/// Tells an anomaly of a flow, the first time; later ones change nothing.
pub(crate) fn weird(flow: &mut Flow, what: FlowWeird, env: &mut Env<'_>) {
    let bit = 1 << what as u8;
    if flow.weirds & bit != 0 {
        return;
    }
    flow.weirds |= bit;
    let (protocol, name) = what.name();
    let (info, one_way) = (flow.info(), flow.is_one_way());
    env.context(&info, one_way).weird(protocol, name, b"");
}
