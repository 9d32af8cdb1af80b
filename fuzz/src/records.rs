//! Mutation of inputs that are a head and then records with a length each, as `bavn_wire::fuzzing` takes them: blind
//! insertions would put every later record out of step.

use libfuzzer_sys::fuzzer_mutate;

use crate::chance::Chance;

/// How an input is laid out.
pub struct Layout {
    /// Bytes before the first record.
    pub head: usize,
    /// Bytes of a record before its body.
    pub prefix: usize,
    /// Where in them the body's length stands (2 bytes, little-endian).
    pub length_at: usize,
    /// Bits of a prefix's first byte that say that no body follows.
    pub bodiless: u8,
}

/// Steps of a conversation with a parser.
pub const STEPS: Layout = Layout { head: 9, prefix: 3, length_at: 1, bodiless: 4 };
/// Frames.
pub const FRAMES: Layout = Layout { head: 2, prefix: 4, length_at: 0, bodiless: 0 };

/// Bodies longer than this are not made: a length has two bytes.
const MAX_BODY: usize = u16::MAX as usize;

#[derive(Clone)]
struct Record {
    prefix: Vec<u8>,
    body: Vec<u8>,
}

/// Mutates `data[..size]` in place; gives its new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, layout: &Layout) -> usize {
    let mut chance = Chance::new(seed);
    let (head, mut records) = cut(&data[..size], layout);
    let mut head = head.to_vec();
    if records.is_empty() || chance.below(8) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..=chance.below(3) {
        change(&mut head, &mut records, max_size, &mut chance, layout);
    }
    let out = head.iter().copied().chain(records.iter().flat_map(|record| written(record, layout)));
    let mut len = 0;
    for (place, byte) in data.iter_mut().take(max_size).zip(out) {
        *place = byte;
        len += 1;
    }
    len
}

fn cut<'a>(input: &'a [u8], layout: &Layout) -> (&'a [u8], Vec<Record>) {
    let Some((head, mut rest)) = input.split_at_checked(layout.head) else {
        return (input, Vec::new());
    };
    let mut records = Vec::new();
    while let Some((prefix, after)) = rest.split_at_checked(layout.prefix) {
        let len = u16::from_le_bytes([prefix[layout.length_at], prefix[layout.length_at + 1]]);
        let has_body = prefix[0] & layout.bodiless == 0;
        let (body, after) = after.split_at(if has_body { usize::from(len).min(after.len()) } else { 0 });
        records.push(Record { prefix: prefix.to_vec(), body: body.to_vec() });
        rest = after;
    }
    (head, records)
}

/// A record's bytes, its length made right.
fn written(record: &Record, layout: &Layout) -> Vec<u8> {
    let mut prefix = record.prefix.clone();
    if prefix[0] & layout.bodiless == 0 {
        let len = record.body.len().min(MAX_BODY) as u16;
        prefix[layout.length_at..layout.length_at + 2].copy_from_slice(&len.to_le_bytes());
        prefix.extend(&record.body[..usize::from(len)]);
    }
    prefix
}

fn change(head: &mut [u8], records: &mut Vec<Record>, room: usize, chance: &mut Chance, layout: &Layout) {
    let at = chance.below(records.len());
    match chance.below(12) {
        0 => records.insert(chance.below(records.len() + 1), records[at].clone()),
        1 if records.len() > 1 => drop(records.remove(at)),
        2 => {
            let other = chance.below(records.len());
            records.swap(at, other);
        }
        3 => split(records, at, chance),
        4 if at + 1 < records.len() => {
            let next = records.remove(at + 1);
            records[at].body.extend(next.body);
        }
        5 => records[at].prefix[chance.below(layout.prefix)] ^= 1 << chance.below(8),
        6 => head[layout.head - 1] ^= 1 << chance.below(8),
        7 => lose(&mut records[at].body, chance),
        _ => rewrite(&mut records[at].body, room),
    }
}

/// The same bytes in two records.
fn split(records: &mut Vec<Record>, at: usize, chance: &mut Chance) {
    let here = chance.below(records[at].body.len());
    let body = records[at].body.split_off(here);
    let prefix = records[at].prefix.clone();
    records.insert(at + 1, Record { prefix, body });
}

/// The end or the beginning of a body goes.
fn lose(body: &mut Vec<u8>, chance: &mut Chance) {
    let here = chance.below(body.len());
    if chance.below(2) == 0 { body.truncate(here) } else { drop(body.drain(..here)) }
}

fn rewrite(body: &mut Vec<u8>, room: usize) {
    let len = body.len();
    let most = (len + 64).min(room).max(len).max(1);
    body.resize(most, 0);
    let len = fuzzer_mutate(body, len, most);
    body.truncate(len);
}
