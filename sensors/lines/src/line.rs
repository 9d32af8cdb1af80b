//! One line at a time: what it is, and its values by the table of its log.

use std::net::{IpAddr, Ipv4Addr};

use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::{Event, EventKind, FlowInfo, Transport, Value};

use crate::convert::{self, Given, How, Part, Slot, make, parts, typed};
use crate::derive;
use crate::ledger::{Ledger, Reason, behind};
use crate::scan::{Fault, Span, Tape, Token, What};
use crate::table::{Entry, MAX_ROWS, Missing, Source, Table, To, is_list, type_of};

/// Longest name of a key with the objects around it.
const MAX_AROUND: usize = 512;

/// What a line says of its flow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) source: Option<IpAddr>,
    pub(crate) destination: Option<IpAddr>,
    pub(crate) port: [Option<u16>; 2],
    pub(crate) transport: Option<Transport>,
    pub(crate) vlan: [Option<u16>; 2],
    pub(crate) time: Option<u64>,
    pub(crate) after: u64,
    pub(crate) start: Option<u64>,
    pub(crate) flow: u64,
    pub(crate) packet: Option<u64>,
    /// Control bits of TCP that each side sent.
    pub(crate) bits: [Option<u64>; 2],
}

/// The values of one line; kept for the next.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) ends: Ends,
    pub(crate) slots: Vec<Slot>,
    /// Cells of lists with their column, in the order of the line.
    loose: Vec<(u16, Slot)>,
    pub(crate) cells: Vec<Slot>,
    /// Texts that were made.
    pub(crate) made: Vec<u8>,
    /// Keys that were there.
    seen: [u64; MAX_ROWS / 64],
    /// Columns that the line itself calls unobserved.
    unobserved: Vec<u16>,
    swap: bool,
    around: Vec<u8>,
    name: Vec<u8>,
}

impl Row {
    /// Reads the values of a line.
    pub(crate) fn read(
        &mut self,
        table: &Table,
        line: &[u8],
        tape: &Tape,
        ledger: &mut Ledger,
    ) -> Result<(), Reason> {
        self.begin(table);
        let all = tape.tokens.first().map_or(Span::default(), |token| token.span);
        let mut walk = Walk { table, line, tape, ledger, row: self };
        walk.object(all, false)?;
        self.group(table);
        self.settle(table);
        Ok(())
    }

    fn begin(&mut self, table: &Table) {
        self.ends = Ends { transport: table.transport, ..Ends::default() };
        self.slots.clear();
        self.slots.resize(table.columns.len(), Slot::Absent);
        self.loose.clear();
        self.cells.clear();
        self.made.clear();
        self.unobserved.clear();
        self.around.clear();
        self.seen = [0; MAX_ROWS / 64];
        self.swap = false;
    }

    /// Notes a key; true where it was there before.
    #[inline]
    fn note(&mut self, entry: u16) -> bool {
        let bit = 1 << (entry & 63);
        match self.seen.get_mut(usize::from(entry >> 6)) {
            Some(word) => std::mem::replace(word, *word | bit) & bit != 0,
            None => false,
        }
    }

    fn has(&self, entry: u16) -> bool {
        self.seen.get(usize::from(entry >> 6)).is_some_and(|word| word >> (entry & 63) & 1 != 0)
    }

    fn set(&mut self, column: u16, slot: Slot) {
        // The first of several keys for one field wins.
        if let Some(place) = self.slots.get_mut(usize::from(column)).filter(|place| **place == Slot::Absent) {
            *place = slot;
        }
    }

    /// Puts the cells of each list together.
    fn group(&mut self, table: &Table) {
        if self.loose.is_empty() {
            return;
        }
        let mut loose = std::mem::take(&mut self.loose);
        if loose.windows(2).any(|pair| pair[0].0 > pair[1].0) {
            loose.sort_by_key(|(column, _)| *column);
        }
        for cells in loose.chunk_by(|a, b| a.0 == b.0) {
            let start = self.cells.len();
            self.cells.extend(cells.iter().map(|(_, slot)| *slot));
            let (Some((column, _)), end) = (cells.first(), self.cells.len()) else { continue };
            let is_flag = table
                .columns
                .get(usize::from(*column))
                .is_some_and(|column| type_of(column.field) == FieldType::Bool);
            let any = cells.iter().any(|(_, slot)| *slot == Slot::Bool(true));
            let is_plain =
                table.columns.get(usize::from(*column)).is_some_and(|column| !is_list(column.field));
            self.set(
                *column,
                if is_flag && is_plain { Slot::Bool(any) } else { Slot::List(Span::new(start, end)) },
            );
        }
        self.loose = loose;
    }

    /// Says what the columns are that the line does not speak of.
    fn settle(&mut self, table: &Table) {
        for (at, column) in table.columns.iter().enumerate() {
            if self.slots.get(at) != Some(&Slot::Absent) {
                continue;
            }
            let slot = match (column.given, column.missing) {
                (Some(value), _) => Slot::Given(value),
                (None, Missing::Unobserved) => Slot::Unobserved,
                (None, Missing::With(entry)) if !self.has(entry) => Slot::Unobserved,
                (None, Missing::False) => Slot::Bool(false),
                (None, Missing::Absent | Missing::With(_)) => continue,
            };
            self.set(at as u16, slot);
        }
        for column in std::mem::take(&mut self.unobserved) {
            self.unobserve(column);
        }
    }

    /// A list that was seen in part ends with what stands for the rest.
    fn unobserve(&mut self, column: u16) {
        let Some(slot) = self.slots.get_mut(usize::from(column)) else { return };
        let Slot::List(span) = *slot else {
            *slot = Slot::Unobserved;
            return;
        };
        let start = self.cells.len();
        self.cells.extend_from_within(span.start as usize..span.end as usize);
        self.cells.push(Slot::Unobserved);
        *slot = Slot::List(Span::new(start, self.cells.len()));
    }

    /// The event, given to `then`.
    pub(crate) fn event(
        &mut self,
        table: &Table,
        line: &[u8],
        number: u64,
        buffers: &mut Buffers,
        then: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Reason> {
        let begin = self.ends.time.ok_or(Reason::NoTime)?;
        let time = begin.saturating_add(self.ends.after);
        self.ends.start = self.ends.start.or((self.ends.after > 0).then_some(begin));
        derive::fill(self, table, line, time);
        let flow = self.flow(table, time);
        let value = |slot: &Slot| value(*slot, line, &self.made);
        let mut cells = recycled(std::mem::take(&mut buffers.cells));
        cells.extend(self.cells.iter().map(value));
        let mut fields = recycled(std::mem::take(&mut buffers.fields));
        for (column, slot) in table.columns.iter().zip(&self.slots) {
            match slot {
                Slot::Absent => {}
                Slot::List(span) => {
                    let list = cells.get(span.start as usize..span.end as usize).unwrap_or_default();
                    fields.push((column.field, Value::List(list)));
                }
                single => fields.push((column.field, value(single))),
            }
        }
        let packet = self.ends.packet.unwrap_or(number);
        then(&Event { kind: table.kind, time, packet, flow: &flow, fields: &fields });
        buffers.fields = recycled(fields);
        buffers.cells = recycled(cells);
        Ok(())
    }

    fn flow(&self, table: &Table, time: u64) -> FlowInfo {
        let ends = &self.ends;
        let [mut source, mut destination] = [ends.source, ends.destination];
        let [mut from, mut to] = ends.port;
        let is_lower = table.swap.is_some_and(|(_, values)| values.contains(&"@lower")) && from < to;
        if self.swap || is_lower {
            std::mem::swap(&mut source, &mut destination);
            std::mem::swap(&mut from, &mut to);
        }
        let (Some(source), Some(destination)) = (source, destination) else { return no_flow(ends) };
        let mut flow = FlowInfo {
            ip: [source, destination],
            port: [from.unwrap_or(0), to.unwrap_or(0)],
            transport: ends.transport.unwrap_or(Transport(0)),
            vlan: ends.vlan,
            tunnel: 0,
            start: ends.start.unwrap_or(time),
            last: time,
            packets: [0; 2],
            bytes: [0; 2],
            id: ends.flow,
        };
        if flow.id == 0 && table.source != Source::Bavn {
            flow.id = id_of(&flow);
        }
        flow
    }
}

/// Vectors that are kept for the next line, empty.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    cells: Vec<Value<'static>>,
    fields: Vec<(Field, Value<'static>)>,
}

/// An empty vector in the memory of another, whose contents lived as long as another line.
fn recycled<A, B>(mut old: Vec<A>) -> Vec<B> {
    old.clear();
    old.into_iter().filter_map(|_| None).collect()
}

fn value<'a>(slot: Slot, line: &'a [u8], made: &'a [u8]) -> Value<'a> {
    match slot {
        Slot::Absent | Slot::Unobserved => Value::Unobserved,
        Slot::Bool(truth) => Value::Bool(truth),
        Slot::Number(number) => Value::Number(number),
        Slot::Float(number) => Value::Float(number),
        Slot::Time(time) => Value::Time(time),
        Slot::Ip(ip) => Value::Ip(ip),
        Slot::Line(span) => Value::Text(span.of(line)),
        Slot::Made(span) => Value::Text(span.of(made)),
        Slot::Given(text) => Value::Text(text.as_bytes()),
        Slot::List(_) => Value::List(&[]),
    }
}

const fn no_flow(ends: &Ends) -> FlowInfo {
    FlowInfo {
        ip: [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2],
        port: [0; 2],
        transport: Transport(0),
        vlan: ends.vlan,
        tunnel: 0,
        start: 0,
        last: 0,
        packets: [0; 2],
        bytes: [0; 2],
        id: 0,
    }
}

/// Numbers of flows stay below this, so that readers of JSON need no more than a float.
const ID_BITS: u64 = (1 << 53) - 1;

/// A number for what tells a flow apart: the same in each run (FNV-1a, 64 bits).
fn fnv(parts: &[&[u8]]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = parts.iter().flat_map(|part| part.iter()).fold(0xcbf2_9ce4_8422_2325, mix);
    (hash & ID_BITS).max(1)
}

fn id_of(flow: &FlowInfo) -> u64 {
    let octets = flow.ip.map(|ip| match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    });
    let [from, to] = flow.port.map(u16::to_be_bytes);
    fnv(&[&octets[0], &from, &octets[1], &to, &[flow.transport.0]])
}

struct Walk<'a> {
    table: &'a Table,
    line: &'a [u8],
    tape: &'a Tape,
    ledger: &'a mut Ledger,
    row: &'a mut Row,
}

impl Walk<'_> {
    fn object(&mut self, members: Span, in_list: bool) -> Result<(), Reason> {
        let mut at = members.start as usize;
        while at < members.end as usize {
            let Some(token) = self.tape.tokens.get(at).copied() else { break };
            at = match token.what {
                What::Object | What::List => token.span.end as usize,
                _ => at + 1,
            };
            if token.is_key_escaped {
                self.unmapped(token.key);
                continue;
            }
            self.member(&token, in_list)?;
        }
        Ok(())
    }

    fn member(&mut self, token: &Token, in_list: bool) -> Result<(), Reason> {
        match token.what {
            What::Object => self.inside(token, in_list),
            What::List => self.list(token),
            _ => {
                let Some(number) = self.table.find(&self.row.around, token.key.of(self.line)) else {
                    self.unmapped(token.key);
                    return Ok(());
                };
                if self.row.note(number) && !in_list {
                    return Err(Reason::Twice);
                }
                self.give(number, token, in_list);
                Ok(())
            }
        }
    }

    /// The members of an object inside.
    fn inside(&mut self, token: &Token, in_list: bool) -> Result<(), Reason> {
        let before = self.row.around.len();
        if before + token.key.of(self.line).len() >= MAX_AROUND {
            self.unmapped(token.key);
            return Ok(());
        }
        if before > 0 {
            self.row.around.push(b'.');
        }
        self.row.around.extend_from_slice(token.key.of(self.line));
        let done = self.object(token.span, in_list);
        self.row.around.truncate(before);
        done
    }

    fn list(&mut self, token: &Token) -> Result<(), Reason> {
        let number = self.table.find(&self.row.around, token.key.of(self.line));
        if number.is_some_and(|number| self.row.note(number)) {
            return Err(Reason::Twice);
        }
        let mut at = token.span.start as usize;
        if at == token.span.end as usize {
            self.empty(number);
        }
        while at < token.span.end as usize {
            let Some(item) = self.tape.tokens.get(at).copied() else { break };
            at = match item.what {
                What::Object | What::List => item.span.end as usize,
                _ => at + 1,
            };
            match (item.what, number) {
                (What::Object, _) if self.named(token, &item) => {}
                (What::Object, _) => self.inside(&Token { key: token.key, ..item }, true)?,
                (What::List, _) => self.unmapped(token.key),
                (_, Some(number)) => self.give(number, &item, true),
                (_, None) => {
                    self.unmapped(token.key);
                    break;
                }
            }
        }
        Ok(())
    }

    /// A header as `{"name":"Cookie","value":"a=1"}`: its key is that of the list with the name behind it, `headers[cookie]`.
    fn named(&mut self, list: &Token, item: &Token) -> bool {
        let members =
            self.tape.tokens.get(item.span.start as usize..item.span.end as usize).unwrap_or_default();
        let [name, value] = members else { return false };
        if name.key.of(self.line) != b"name" || value.key.of(self.line) != b"value" || name.what != What::Text
        {
            return false;
        }
        let mut key = std::mem::take(&mut self.row.name);
        key.clear();
        key.extend_from_slice(&self.row.around);
        key.push(b'.');
        key.extend_from_slice(list.key.of(self.line));
        key.push(b'[');
        key.extend(name.span.of(self.line).iter().map(u8::to_ascii_lowercase));
        key.push(b']');
        let found = self.table.find(b"", &key);
        self.row.name = key;
        if let Some(number) = found {
            // A header may stand several times; the first counts.
            self.row.note(number);
            self.give(number, value, false);
        }
        found.is_some()
    }

    /// A list with nothing in it: bavn means a field that is present without a value, others one that is absent.
    fn empty(&mut self, entry: Option<u16>) {
        let entry = entry.and_then(|number| self.table.entries.get(usize::from(number)));
        if let (Some(To::Column(column)), Source::Bavn) = (entry.map(|entry| entry.to[0]), self.table.source)
        {
            self.row.set(column, Slot::List(Span::default()));
        }
    }

    fn unmapped(&mut self, key: Span) {
        let Row { around, name, .. } = &mut *self.row;
        behind(self.table.source, self.table.name, around, key.of(self.line), name);
        self.ledger.unmapped.count(name);
    }

    fn misfit(&mut self, entry: &Entry) {
        let Row { name, .. } = &mut *self.row;
        behind(self.table.source, self.table.name, b"", &entry.key, name);
        self.ledger.misfits.count(name);
    }

    /// Gives a value to all that its key stands for.
    fn give(&mut self, first: u16, token: &Token, in_list: bool) {
        let text = self.text(token);
        if let Some((swap, values)) = self.table.swap {
            let is_swap = |value: &&str| value.as_bytes() == self.bytes(text);
            self.row.swap |= swap == first && values.iter().any(is_swap);
        }
        let mut next = Some(first);
        while let Some(entry) = next.and_then(|number| self.table.entries.get(usize::from(number))) {
            next = entry.next;
            if token.what == What::Null {
                self.null(entry, in_list);
            } else if !self.put(entry, text, in_list) {
                self.misfit(entry);
            }
        }
    }

    /// A text's place; one with escapes is unescaped first.
    fn text(&mut self, token: &Token) -> Slot {
        if token.what != What::Escaped {
            return Slot::Line(token.span);
        }
        let start = self.row.made.len();
        crate::text::unescape(token.span.of(self.line), &mut self.row.made);
        if self.table.source == Source::Bavn {
            crate::text::bytes_again(&mut self.row.made, start);
        }
        Slot::Made(Span::new(start, self.row.made.len()))
    }

    fn bytes(&self, text: Slot) -> &[u8] {
        match text {
            Slot::Line(span) => span.of(self.line),
            Slot::Made(span) => span.of(&self.row.made),
            _ => &[],
        }
    }

    fn null(&mut self, entry: &Entry, in_list: bool) {
        if let (To::Column(column), Source::Bavn) = (entry.to[0], self.table.source) {
            if in_list {
                self.row.loose.push((column, Slot::Unobserved));
            } else {
                self.row.set(column, Slot::List(Span::default()));
            }
        }
    }

    /// True where the value fits.
    fn put(&mut self, entry: &Entry, text: Slot, in_list: bool) -> bool {
        match entry.to[0] {
            To::Column(column) => self.fill(entry, column, text, in_list),
            To::Nowhere => true,
            end => self.end(end, text),
        }
    }

    fn end(&mut self, to: To, text: Slot) -> bool {
        let bytes = match text {
            Slot::Line(span) => span.of(self.line),
            Slot::Made(span) => span.of(&self.row.made),
            _ => return false,
        };
        let port = || convert::number(bytes).and_then(|number| u16::try_from(number).ok());
        let ends = &mut self.row.ends;
        match to {
            To::SourceIp => is_set(&mut ends.source, convert::ip(bytes)),
            To::DestinationIp => is_set(&mut ends.destination, convert::ip(bytes)),
            To::SourcePort => is_set(&mut ends.port[0], port()),
            To::DestinationPort => is_set(&mut ends.port[1], port()),
            To::Transport => is_set(&mut ends.transport, convert::transport(bytes)),
            To::Vlan => is_set(&mut ends.vlan[0], port()),
            To::InnerVlan => is_set(&mut ends.vlan[1], port()),
            To::Time => is_set(&mut ends.time, convert::time(bytes)),
            To::Start => is_set(&mut ends.start, convert::time(bytes)),
            To::Packet => is_set(&mut ends.packet, convert::number(bytes)),
            To::Bits(side) => {
                ends.bits.get_mut(usize::from(side)).is_some_and(|bits| is_set(bits, hex(bytes)))
            }
            To::After => convert::seconds(bytes).map(|after| ends.after = after).is_some(),
            To::Flow => {
                ends.flow = convert::number(bytes).map_or_else(|| fnv(&[bytes]), |number| number & ID_BITS);
                true
            }
            To::Unobserved => {
                let field = std::str::from_utf8(bytes).ok().and_then(Field::by_name);
                let column = field.and_then(|field| self.table.column(field));
                self.row.unobserved.extend(column);
                column.is_some()
            }
            To::Column(_) | To::Nowhere => true,
        }
    }

    fn fill(&mut self, entry: &Entry, column: u16, text: Slot, in_list: bool) -> bool {
        let Some(field) = self.table.columns.get(usize::from(column)).map(|column| column.field) else {
            return true;
        };
        let word = entry.words.iter().find(|(from, _)| from.as_bytes() == self.bytes(text));
        // A value without a word here says nothing: `<none>`, or one that the row does not list.
        if word.is_some_and(|(_, word)| word.is_empty()) || (word.is_none() && entry.how == How::Words) {
            return true;
        }
        let text = word.map_or(text, |(_, word)| Slot::Given(word));
        if let Slot::Given(word) = text {
            let slot = typed(type_of(field), Given { bytes: word.as_bytes(), slot: text });
            return slot.map(|slot| self.put_slot(column, field, slot, in_list)).is_some();
        }
        let slot = match entry.how {
            How::Plain => typed(type_of(field), Given { bytes: self.bytes(text), slot: text }),
            How::Seconds => convert::seconds(self.bytes(text)).map(Slot::Number),
            How::Any => Some(Slot::Bool(!self.bytes(text).is_empty())),
            How::Hex => hex(self.bytes(text)).map(Slot::Number),
            How::Reserved => hex(self.bytes(text)).map(|flags| Slot::Number(flags >> 4 & 7)),
            How::Has(word) => Some(Slot::Bool(self.bytes(text) == word)),
            How::Serials => return self.serials(column, text),
            How::Lower | How::Upper | How::Digits { .. } | How::Mac | How::Turned => {
                self.make(entry.how, text)
            }
            how => return self.several(entry, how, text, in_list),
        };
        match slot {
            Some(slot) => self.put_slot(column, field, slot, in_list),
            // What is there and cannot be read is not known, which is not the same as absent.
            None => self.row.set(column, Slot::Unobserved),
        }
        slot.is_some()
    }

    fn put_slot(&mut self, column: u16, field: Field, slot: Slot, in_list: bool) {
        if in_list || is_list(field) {
            self.row.loose.push((column, slot));
        } else {
            self.row.set(column, slot);
        }
    }

    fn serials(&mut self, column: u16, text: Slot) -> bool {
        self.row.loose.push((column, text));
        let bytes = self.bytes(text);
        let zeros = bytes.iter().take_while(|byte| **byte == b'0').count() as u32;
        let stripped = match text {
            Slot::Line(span) => Slot::Line(Span { start: span.start + zeros, ..span }),
            Slot::Made(span) => Slot::Made(Span { start: span.start + zeros, ..span }),
            other => other,
        };
        if zeros > 0 {
            self.row.loose.push((column, stripped));
        }
        true
    }

    fn make(&mut self, how: How, text: Slot) -> Option<Slot> {
        let start = self.row.made.len();
        let bytes = match text {
            Slot::Made(span) => span.of(&self.row.made).to_vec(),
            _ => self.bytes(text).to_vec(),
        };
        make(how, &bytes, &mut self.row.made).then(|| Slot::Made(Span::new(start, self.row.made.len())))
    }

    /// Parts of one value for several fields.
    fn several(&mut self, entry: &Entry, how: How, text: Slot, in_list: bool) -> bool {
        let bytes = self.bytes(text);
        let part = |part: Part<'_>| match part {
            Part::Number(number) => Slot::Number(number),
            Part::Text(part) => {
                let span = inside(bytes, part);
                match text {
                    Slot::Line(whole) => Slot::Line(span.moved(whole.start)),
                    Slot::Made(whole) => Slot::Made(span.moved(whole.start)),
                    other => other,
                }
            }
        };
        let slots = parts(how, bytes).map(|found| found.map(part));
        for (to, slot) in entry.to.iter().zip(slots) {
            if let (To::Column(column), Some(slot)) = (to, slot)
                && let Some(field) = self.table.columns.get(usize::from(*column)).map(|column| column.field)
            {
                let slot = match (type_of(field), slot) {
                    (FieldType::Text, slot) | (_, slot @ Slot::Number(_)) => Some(slot),
                    (ty, slot) => typed(ty, Given { bytes: self.bytes(slot), slot }),
                };
                slot.into_iter().for_each(|slot| self.put_slot(*column, field, slot, in_list));
            }
        }
        true
    }
}

impl Span {
    const fn moved(self, by: u32) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}

/// Place of a part in what it is a part of.
fn inside(whole: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len());
    Span::new(start, start + part.len())
}

fn is_set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    if place.is_none() || fits {
        *place = value;
    }
    fits
}

fn hex(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Why a line that is no object is passed over.
pub(crate) const fn reason(fault: Fault) -> Reason {
    match fault {
        Fault::Grammar(_) | Fault::NotAnObject => Reason::NotJson,
        Fault::TooDeep => Reason::TooDeep,
        Fault::TooMany => Reason::TooMany,
    }
}

/// True where a line of that kind would be an event that somebody wants.
pub(crate) type Wants<'w> = &'w dyn Fn(EventKind) -> bool;
