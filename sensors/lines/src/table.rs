//! Tables of logs, ready to look keys up in.

use bavn_wire::fields::{Field, FieldType};
use bavn_wire::flow::INFO_FIELDS;
use bavn_wire::messages::{EventKind, Transport};
use bavn_wire::proto;

use crate::convert::How;
use crate::rows::{LOGS, Log};

/// Most rows of a table: what was seen is kept in so many bits.
pub(crate) const MAX_ROWS: usize = 256;

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// A column.
    Column(u16),
    SourceIp,
    SourcePort,
    DestinationIp,
    DestinationPort,
    Transport,
    Vlan,
    InnerVlan,
    /// Time of the event.
    Time,
    /// Nanoseconds to be added to the time.
    After,
    /// Time of the flow's first packet.
    Start,
    /// What tells flows apart.
    Flow,
    /// Number of the packet.
    Packet,
    /// All control bits of TCP that a side sent, in hexadecimal: of the originator (0), of the responder (1).
    Bits(u8),
    /// Names of fields that were not seen.
    Unobserved,
    /// Nowhere: the key is known.
    Nowhere,
}

/// What a column is on a line that does not speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Absent,
    Unobserved,
    /// Absent where a line has that row, else unobserved.
    With(u16),
    False,
}

/// A field of a table's events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) field: Field,
    pub(crate) missing: Missing,
    /// A value that each line has.
    pub(crate) given: Option<&'static str>,
}

/// A key and one thing that it gives.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Box<[u8]>,
    pub(crate) to: [To; 4],
    pub(crate) how: How,
    pub(crate) words: &'static [(&'static str, &'static str)],
    /// Another of the same key.
    pub(crate) next: Option<u16>,
}

/// Which sensor's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Zeek's JSON logs.
    Zeek,
    /// Suricata's EVE.
    Suricata,
    /// What `bavn events` prints.
    Bavn,
    /// Other ECS.
    Ecs,
}

impl Source {
    /// As people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zeek => "Zeek",
            Self::Suricata => "EVE",
            Self::Bavn => "bavn",
            Self::Ecs => "ECS",
        }
    }
}

/// A table, ready.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) source: Source,
    pub(crate) name: &'static str,
    pub(crate) kind: EventKind,
    pub(crate) signature: &'static [&'static str],
    pub(crate) swap: Option<(u16, &'static [&'static str])>,
    pub(crate) columns: Vec<Column>,
    pub(crate) entries: Vec<Entry>,
    /// Column of `url.full`, where it is put together.
    pub(crate) full: Option<u16>,
    /// Transport of lines that do not tell it.
    pub(crate) transport: Option<Transport>,
    /// That transport is a guess.
    pub(crate) is_guess: bool,
    slots: Vec<u16>,
}

const NO_SLOT: u16 = u16::MAX;

impl Table {
    /// The first entry of a key that is put together of the names of the objects around it, and its own.
    #[inline]
    pub(crate) fn find(&self, around: &[u8], key: &[u8]) -> Option<u16> {
        let mut at = hash(around, key) as usize;
        loop {
            let slot = *self.slots.get(at & (self.slots.len() - 1))?;
            let entry = self.entries.get(slot as usize)?;
            if is_key(&entry.key, around, key) {
                return Some(slot);
            }
            at += 1;
        }
    }

    /// Row of a field's column.
    pub(crate) fn column(&self, field: Field) -> Option<u16> {
        self.columns.binary_search_by_key(&field, |column| column.field).ok().map(|at| at as u16)
    }
}

#[inline]
fn is_key(known: &[u8], around: &[u8], key: &[u8]) -> bool {
    if around.is_empty() {
        return known == key;
    }
    known.len() == around.len() + 1 + key.len()
        && known.ends_with(key)
        && known.starts_with(around)
        && known.get(around.len()) == Some(&b'.')
}

/// Of the whole name's length and its last eight bytes, so that `{"a":{"b":1}}` and `{"a.b":1}` are one.
#[inline]
fn hash(around: &[u8], key: &[u8]) -> u32 {
    let length = if around.is_empty() { key.len() } else { around.len() + 1 + key.len() };
    let last = match key.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => short(around, key),
    };
    let mixed =
        (last ^ (length as u64).wrapping_mul(0xff51_afd7_ed55_8ccd)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as u32
}

/// The last eight bytes of a name whose last part is shorter.
#[inline]
fn short(around: &[u8], key: &[u8]) -> u64 {
    let word = key.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    if around.is_empty() {
        return word;
    }
    let before = std::iter::once(&b'.').chain(around.iter().rev()).take(8 - key.len());
    before.fold(word, |word, byte| word << 8 | u64::from(*byte))
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) zeek: Vec<Table>,
    pub(crate) suricata: Vec<Table>,
    /// By the number of the kind.
    pub(crate) bavn: Vec<Table>,
    pub(crate) ecs: Vec<Table>,
}

impl Tables {
    /// Makes all tables ready.
    pub(crate) fn new() -> Self {
        let of = |source: Source, name: &str| {
            LOGS.iter().filter(|log| log.source == name).filter_map(|log| from_log(source, log)).collect()
        };
        let ecs = |source| EventKind::ALL.iter().map(|kind| from_kind(source, *kind)).collect();
        Self {
            zeek: of(Source::Zeek, "zeek"),
            suricata: of(Source::Suricata, "suricata"),
            bavn: ecs(Source::Bavn),
            ecs: ecs(Source::Ecs),
        }
    }
}

/// A table of a log; `None` where its kind is none, which a test rules out.
fn from_log(source: Source, log: &'static Log) -> Option<Table> {
    let kind = EventKind::by_name(log.kind)?;
    let mut maker = Maker::new(source, log.name, kind);
    for row in log.rows.iter().flat_map(|row| row.to).chain(log.given.iter().map(|(field, _)| field)) {
        maker.carries(row);
    }
    if log.given.iter().any(|(name, _)| *name == "@guess") {
        maker.carries("network.transport");
        maker.carries("network.community_id");
    }
    maker.columns(log.never, Missing::Unobserved);
    for row in log.rows {
        maker.entry(row.key.as_bytes(), row.to, How::by_name(row.how), row.words);
    }
    log.ignored.iter().for_each(|key| maker.entry(key.as_bytes(), &["@nowhere"], How::Plain, &[]));
    for (field, value) in log.given {
        maker.give(field, value);
    }
    for row in log.rows.iter().filter(|row| !row.with.is_empty()) {
        maker.missing(row.to, row.with);
    }
    if maker.table.is_guess {
        maker.set_missing("network.transport", Missing::Unobserved);
        maker.set_missing("network.community_id", Missing::Unobserved);
    }
    maker.table.signature = log.signature;
    let mut table = maker.ready();
    let swap = log.swap.and_then(|(key, values)| Some((table.find(b"", key.as_bytes())?, values)));
    table.swap = swap;
    Some(table)
}

/// Keys of bavn's own documents that give no field.
const OWN: [&str; 8] = [
    "event.dataset",
    "event.kind",
    "event.category",
    "event.type",
    "network.type",
    "network.protocol",
    "ecs.version",
    "event.module",
];
/// Flags of DNS that stand in one list.
const FLAGS: [(&str, &str); 4] = [
    ("bavn.dns.aa", "has:AA"),
    ("bavn.dns.ra", "has:RA"),
    ("bavn.dns.rd", "has:RD"),
    ("bavn.dns.tc", "has:TC"),
];

/// A table of ECS: each field of a kind by its own name.
fn from_kind(source: Source, kind: EventKind) -> Table {
    let mut maker = Maker::new(source, kind.name(), kind);
    let own = |field: &&Field| !field.def().hidden;
    let fields: Vec<&'static str> =
        proto::fields(kind).iter().filter(own).map(|field| field.name()).collect();
    fields.iter().for_each(|name| maker.carries(name));
    maker.carries("network.community_id");
    let otherwise = if source == Source::Bavn { Missing::Absent } else { Missing::Unobserved };
    maker.columns(&[], Missing::Unobserved);
    for column in &mut maker.table.columns {
        if !column.field.def().hidden {
            column.missing = otherwise;
        }
    }
    if let Some(id) = maker
        .table
        .column(Field::NetworkCommunityId)
        .and_then(|at| maker.table.columns.get_mut(usize::from(at)))
    {
        id.missing = Missing::Absent;
    }
    for name in fields {
        maker.entry(name.as_bytes(), &[name], How::Plain, &[]);
    }
    for (key, to) in [
        ("@timestamp", "@time"),
        ("source.ip", "@source.ip"),
        ("source.port", "@source.port"),
        ("destination.ip", "@destination.ip"),
        ("destination.port", "@destination.port"),
        ("network.transport", "@transport"),
        ("network.vlan.id", "@vlan"),
        ("network.inner.vlan.id", "@inner_vlan"),
        ("network.community_id", "network.community_id"),
        ("bavn.flow.id", "@flow"),
        ("bavn.packet", "@packet"),
        ("bavn.unobserved", "@unobserved"),
        ("event.start", "@start"),
    ] {
        maker.entry(key.as_bytes(), &[to], How::Plain, &[]);
    }
    OWN.iter().for_each(|key| maker.entry(key.as_bytes(), &["@nowhere"], How::Plain, &[]));
    if kind == EventKind::Dns {
        for (field, has) in FLAGS {
            maker.entry(b"dns.header_flags", &[field], How::by_name(has), &[]);
            if source == Source::Bavn {
                maker.set_missing(field, Missing::False);
            }
        }
    }
    if kind == EventKind::X509 {
        maker.entry(b"x509.serial_number", &["bavn.x509.serial_numbers"], How::Serials, &[]);
    }
    maker.ready()
}

struct Maker {
    table: Table,
    carried: Vec<Field>,
}

impl Maker {
    const fn new(source: Source, name: &'static str, kind: EventKind) -> Self {
        let table = Table {
            source,
            name,
            kind,
            signature: &[],
            swap: None,
            columns: Vec::new(),
            entries: Vec::new(),
            full: None,
            transport: None,
            is_guess: false,
            slots: Vec::new(),
        };
        Self { table, carried: Vec::new() }
    }

    fn carries(&mut self, name: &str) {
        self.carried.extend(Field::by_name(name));
    }

    /// A column for each field of the kind; those that nothing gives are as `otherwise` says, or never there.
    fn columns(&mut self, never: &[&str], otherwise: Missing) {
        let mut fields: Vec<Field> = proto::fields(self.table.kind).to_vec();
        fields.extend(&self.carried);
        fields.sort_unstable();
        fields.dedup();
        let from_flow = |field: &Field| INFO_FIELDS.contains(field) && !self.carried.contains(field);
        self.table.columns = fields
            .iter()
            .filter(|field| !from_flow(field) && !never.contains(&field.name()))
            .map(|field| {
                let missing = if self.carried.contains(field) { Missing::Absent } else { otherwise };
                Column { field: *field, missing, given: None }
            })
            .collect();
    }

    fn entry(&mut self, key: &[u8], to: &[&str], how: How, words: &'static [(&'static str, &'static str)]) {
        let mut places = [To::Nowhere; 4];
        for (place, name) in places.iter_mut().zip(to) {
            *place = self.place(name);
        }
        let number = self.table.entries.len() as u16;
        if let Some(before) = self.table.entries.iter_mut().rev().find(|entry| *entry.key == *key) {
            before.next = Some(number);
        }
        self.table.entries.push(Entry { key: key.into(), to: places, how, words, next: None });
    }

    fn place(&self, name: &str) -> To {
        match name {
            "@source.ip" => To::SourceIp,
            "@source.port" => To::SourcePort,
            "@destination.ip" => To::DestinationIp,
            "@destination.port" => To::DestinationPort,
            "@transport" => To::Transport,
            "@vlan" => To::Vlan,
            "@inner_vlan" => To::InnerVlan,
            "@time" => To::Time,
            "@after" => To::After,
            "@start" => To::Start,
            "@flow" => To::Flow,
            "@packet" => To::Packet,
            "@source.bits" => To::Bits(0),
            "@destination.bits" => To::Bits(1),
            "@unobserved" => To::Unobserved,
            field => Field::by_name(field)
                .and_then(|field| self.table.column(field))
                .map_or(To::Nowhere, To::Column),
        }
    }

    fn at(&mut self, name: &str) -> Option<&mut Column> {
        let column = self.table.column(Field::by_name(name)?)?;
        self.table.columns.get_mut(usize::from(column))
    }

    fn give(&mut self, name: &str, value: &'static str) {
        if name == "@transport" || name == "@guess" {
            self.table.transport = crate::convert::transport(value.as_bytes());
            self.table.is_guess = name == "@guess";
        }
        if let Some(column) = self.at(name) {
            column.given = Some(value);
        }
    }

    fn set_missing(&mut self, name: &str, missing: Missing) {
        if let Some(column) = self.at(name) {
            column.missing = missing;
        }
    }

    fn missing(&mut self, to: &[&str], with: &str) {
        let entry = self.table.entries.iter().position(|entry| *entry.key == *with.as_bytes());
        let missing = entry.map_or(Missing::Unobserved, |entry| Missing::With(entry as u16));
        to.iter().for_each(|name| self.set_missing(name, missing));
    }

    /// With the slots that keys are looked up in.
    fn ready(mut self) -> Table {
        let size = (4 * self.table.entries.len()).next_power_of_two().max(16);
        let mut slots = vec![NO_SLOT; size];
        for (number, entry) in self.table.entries.iter().enumerate() {
            if self.table.entries.iter().take(number).any(|before| before.key == entry.key) {
                continue;
            }
            let mut at = hash(b"", &entry.key) as usize;
            while slots.get(at & (size - 1)).is_some_and(|slot| *slot != NO_SLOT) {
                at += 1;
            }
            if let Some(slot) = slots.get_mut(at & (size - 1)) {
                *slot = number as u16;
            }
        }
        self.table.slots = slots;
        let has_full = self.table.kind == EventKind::Http && !matches!(self.table.source, Source::Bavn);
        self.table.full = self.table.column(Field::UrlFull).filter(|_| has_full);
        self.table
    }
}

/// True where a field's values are several.
pub(crate) fn is_list(field: Field) -> bool {
    field.def().list
}

/// The type of a field.
pub(crate) const fn type_of(field: Field) -> FieldType {
    field.def().ty
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
