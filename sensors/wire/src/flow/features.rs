//! What a conversation looks like from outside: sizes, gaps, entropy. For protocols that cannot be read.
//!
//! Kept beside the flows, and only where a rule or a reader asks for it: some 400 bytes a flow that carries payload, and
//! twice 256 more until its first bytes have been weighed.

use crate::fields::Field;
use crate::messages::{Direction, Value};

/// Window: packets with payload whose size and gap are kept.
pub const MAX_PACKETS: usize = 20;
/// Bytes of payload from the beginning of each direction that are weighed.
pub const ENTROPY_BYTES: usize = 256;

/// Fields that are filled from here; to want one of them is to switch this on.
pub const FEATURES: &[Field] = &[
    Field::FlowBytesRatio,
    Field::FlowEntropyDestination,
    Field::FlowEntropySource,
    Field::FlowGapDeviation,
    Field::FlowGapMean,
    Field::FlowPayloadGaps,
    Field::FlowPayloadSizes,
];

/// One flow's looks. Packets without payload do not count.
#[derive(Debug, Default)]
struct Looks {
    /// Bytes of payload; those of the responder negative.
    sizes: [i32; MAX_PACKETS],
    /// Nanoseconds since the packet before; the first is 0.
    gaps: [u64; MAX_PACKETS],
    /// Packets so far.
    packets: u64,
    last: u64,
    /// Mean of all gaps, and the sum of squared distances from it (Welford 1962).
    mean: f64,
    squares: f64,
    first: [FirstBytes; 2],
}

/// The first bytes of a direction, until they are weighed.
#[derive(Debug)]
enum FirstBytes {
    Kept(Vec<u8>),
    Weighed(f64),
}

impl Default for FirstBytes {
    fn default() -> Self {
        Self::Kept(Vec::new())
    }
}

impl FirstBytes {
    fn take(&mut self, payload: &[u8]) {
        let Self::Kept(bytes) = self else { return };
        let room = ENTROPY_BYTES - bytes.len().min(ENTROPY_BYTES);
        bytes.extend_from_slice(payload.get(..room).unwrap_or(payload));
        if bytes.len() >= ENTROPY_BYTES {
            *self = Self::Weighed(entropy(bytes));
        }
    }

    /// Bits a byte; `None` where nothing came.
    fn entropy(&self) -> Option<f64> {
        match self {
            Self::Weighed(bits) => Some(*bits),
            Self::Kept(bytes) => (!bytes.is_empty()).then(|| entropy(bytes)),
        }
    }
}

/// Shannon's entropy of the bytes, bits a byte: 0 to 8.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let len = bytes.len() as f64;
    let bits = |count: u32| f64::from(count) / len * (len / f64::from(count)).log2();
    counts.into_iter().filter(|&count| count > 0).map(bits).sum()
}

impl Looks {
    fn note(&mut self, direction: Direction, payload: &[u8], missing: u32, time: u64) {
        let gap = if self.packets == 0 { 0 } else { time.saturating_sub(self.last) };
        let size = i32::try_from(payload.len()).unwrap_or(i32::MAX).saturating_add_unsigned(missing);
        let place = usize::try_from(self.packets).unwrap_or(usize::MAX);
        if let Some((kept, kept_gap)) = self.sizes.get_mut(place).zip(self.gaps.get_mut(place)) {
            *kept = if direction == Direction::ToServer { size } else { -size };
            *kept_gap = gap;
        }
        if self.packets > 0 {
            let away = gap as f64 - self.mean;
            self.mean += away / self.packets as f64;
            self.squares += away * (gap as f64 - self.mean);
        }
        self.packets += 1;
        self.last = self.last.max(time);
        self.first[direction.index()].take(payload);
    }

    /// Gaps so far.
    const fn gaps(&self) -> u64 {
        self.packets.saturating_sub(1)
    }
}

/// What is known of a slot's flow.
#[derive(Debug, Default)]
enum Slot {
    /// It began while nobody asked, or there is none.
    #[default]
    Unknown,
    /// No payload yet.
    Empty,
    Seen(Box<Looks>),
}

/// The looks of all flows, by their slot.
#[derive(Debug, Default)]
pub(crate) struct Features {
    is_on: bool,
    slots: Vec<Slot>,
}

impl Features {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on, slots: Vec::new() }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// From now on; of flows that live already nothing is known.
    pub(crate) fn switch(&mut self, is_on: bool) {
        if is_on != self.is_on {
            *self = Self::new(is_on);
        }
    }

    /// A flow begins in that slot.
    pub(crate) fn begin(&mut self, slot: u32) {
        let place = slot as usize;
        if self.slots.len() <= place {
            self.slots.resize_with(place + 1, Slot::default);
        }
        if let Some(known) = self.slots.get_mut(place) {
            *known = Slot::Empty;
        }
    }

    pub(crate) fn end(&mut self, slot: u32) {
        if let Some(known) = self.slots.get_mut(slot as usize) {
            *known = Slot::Unknown;
        }
    }

    /// Takes note of a packet; `missing`: bytes that the capture cut off.
    pub(crate) fn note(&mut self, slot: u32, direction: Direction, payload: &[u8], missing: u32, time: u64) {
        let Some(known) = self.slots.get_mut(slot as usize) else { return };
        if payload.is_empty() && missing == 0 {
            return;
        }
        if matches!(known, Slot::Empty) {
            *known = Slot::Seen(Box::default());
        }
        if let Slot::Seen(looks) = known {
            looks.note(direction, payload, missing, time);
        }
    }

    /// What a record tells; `None` where nobody asks.
    pub(crate) fn told(&self, slot: u32, bytes: [u64; 2]) -> Option<Told> {
        self.is_on.then(|| Told::new(self.slots.get(slot as usize).unwrap_or(&Slot::Unknown), bytes))
    }
}

/// A flow's features as values.
#[derive(Debug, Default)]
pub(crate) struct Told {
    is_known: bool,
    ratio: Option<f64>,
    entropy: [Option<f64>; 2],
    mean: Option<f64>,
    deviation: Option<f64>,
    sizes: Vec<Value<'static>>,
    gaps: Vec<Value<'static>>,
}

impl Told {
    fn new(slot: &Slot, [sent, received]: [u64; 2]) -> Self {
        let all = sent.saturating_add(received);
        let ratio = (all > 0).then(|| sent as f64 / all as f64);
        let Slot::Seen(looks) = slot else {
            return Self { is_known: matches!(slot, Slot::Empty), ratio, ..Self::default() };
        };
        let kept = usize::try_from(looks.packets).unwrap_or(MAX_PACKETS).min(MAX_PACKETS);
        let has_gaps = looks.gaps() > 0;
        Self {
            is_known: true,
            ratio,
            entropy: [looks.first[0].entropy(), looks.first[1].entropy()],
            mean: has_gaps.then_some(looks.mean),
            deviation: has_gaps.then(|| (looks.squares / looks.gaps() as f64).max(0.0).sqrt()),
            sizes: looks.sizes.iter().take(kept).map(|&size| Value::Float(size.into())).collect(),
            gaps: looks.gaps.iter().take(kept).map(|&gap| Value::Number(gap)).collect(),
        }
    }

    /// A field's value; unobserved where the flow began before anybody asked.
    pub(crate) fn value(&self, field: Field) -> Option<Value<'_>> {
        let list = |values: &'_ [Value<'static>]| !values.is_empty();
        let number = |value: Option<f64>| value.map(Value::Float);
        let known = match field {
            Field::FlowBytesRatio => return number(self.ratio),
            Field::FlowEntropySource => number(self.entropy[0]),
            Field::FlowEntropyDestination => number(self.entropy[1]),
            Field::FlowGapMean => number(self.mean),
            Field::FlowGapDeviation => number(self.deviation),
            Field::FlowPayloadSizes => list(&self.sizes).then(|| Value::List(&self.sizes)),
            Field::FlowPayloadGaps => list(&self.gaps).then(|| Value::List(&self.gaps)),
            _ => return None,
        };
        if self.is_known { known } else { Some(Value::Unobserved) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(told: &Told, field: Field) -> String {
        match told.value(field) {
            None => String::new(),
            Some(Value::Unobserved) => "?".into(),
            Some(Value::Float(number)) => format!("{number:.3}"),
            Some(Value::List(list)) => format!("{list:?}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sizes_have_a_sign_and_gaps_a_mean() {
        let mut features = Features::new(true);
        features.begin(3);
        let packets =
            [(Direction::ToServer, 4, 0), (Direction::ToClient, 8, 10), (Direction::ToServer, 2, 40)];
        for (direction, size, time) in packets {
            features.note(3, direction, &vec![7; size], 0, 1000 + time);
        }
        features.note(3, Direction::ToClient, &[], 0, 5000);
        let told = features.told(3, [30, 10]).unwrap();
        let [a, b, c] = [4.0, -8.0, 2.0].map(Value::Float);
        assert_eq!(told.value(Field::FlowPayloadSizes), Some(Value::List(&[a, b, c])));
        let [a, b, c] = [0, 10, 30].map(Value::Number);
        assert_eq!(told.value(Field::FlowPayloadGaps), Some(Value::List(&[a, b, c])));
        assert_eq!(shown(&told, Field::FlowGapMean), "20.000");
        assert_eq!(shown(&told, Field::FlowGapDeviation), "10.000");
        assert_eq!(shown(&told, Field::FlowBytesRatio), "0.750");
        assert_eq!(shown(&told, Field::FlowEntropySource), "0.000");
    }

    #[test]
    fn entropy_is_that_of_the_first_bytes() {
        let mut features = Features::new(true);
        features.begin(0);
        let all: Vec<u8> = (0..=255).collect();
        features.note(0, Direction::ToServer, &all[..100], 0, 1);
        features.note(0, Direction::ToServer, &all[100..], 0, 2);
        features.note(0, Direction::ToServer, &[0; 1000], 0, 3);
        features.note(0, Direction::ToClient, &[1, 1, 2, 2], 0, 4);
        let told = features.told(0, [1, 1]).unwrap();
        assert_eq!(shown(&told, Field::FlowEntropySource), "8.000");
        assert_eq!(shown(&told, Field::FlowEntropyDestination), "1.000");
    }

    #[test]
    fn only_so_many_packets_are_kept() {
        let mut features = Features::new(true);
        features.begin(0);
        for time in 0..100 {
            features.note(0, Direction::ToServer, b"x", 2, time * 5);
        }
        let told = features.told(0, [1, 0]).unwrap();
        assert_eq!((told.sizes.len(), told.gaps.len()), (MAX_PACKETS, MAX_PACKETS));
        assert_eq!(told.sizes[0], Value::Float(3.0));
        assert_eq!(
            (shown(&told, Field::FlowGapMean), shown(&told, Field::FlowGapDeviation)),
            ("5.000".into(), "0.000".into())
        );
    }

    #[test]
    fn a_flow_from_before_is_unobserved_and_one_without_payload_has_none() {
        let mut features = Features::new(false);
        assert!(features.told(0, [1, 1]).is_none());
        features.switch(true);
        features.note(0, Direction::ToServer, b"x", 0, 1);
        assert_eq!(shown(&features.told(0, [1, 1]).unwrap(), Field::FlowPayloadSizes), "?");
        features.begin(0);
        assert_eq!(shown(&features.told(0, [1, 1]).unwrap(), Field::FlowPayloadSizes), "");
        features.note(0, Direction::ToServer, b"x", 0, 1);
        features.end(0);
        features.begin(0);
        assert_eq!(shown(&features.told(0, [1, 1]).unwrap(), Field::FlowEntropySource), "");
    }

    #[test]
    fn the_box_is_of_the_size_that_is_told() {
        assert!(size_of::<Looks>() <= 400 && size_of::<Slot>() <= 16, "{}", size_of::<Looks>());
    }
}
