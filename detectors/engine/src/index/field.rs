//! All that is indexed of one field, for one kind of event.

use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::Value;

use super::ends::{End, Ends};
use super::grams::{LONG, Long, Short, User};
use super::table::Table;
use crate::predicate::network::{Network, address_bits, masked};
use crate::predicate::text::{fold_into, text_form};
use crate::predicate::{How, Needle, Predicate, Test, address, members};

/// Collects what goes into a [`FieldIndex`].
#[derive(Debug, Default)]
pub(super) struct FieldBuilder {
    exact: Vec<(Box<[u8]>, u32)>,
    numbers: Vec<(u64, u32)>,
    front: Vec<(Box<[u8]>, u32)>,
    back: Vec<(Box<[u8]>, u32)>,
    parts: Vec<(Box<[u8]>, u32)>,
    networks: Vec<((bool, u8, u128), u32)>,
    present: Vec<u32>,
    waiting: Vec<u32>,
}

impl FieldBuilder {
    /// Files a predicate; true where a find has to be verified by evaluating it.
    pub(super) fn add(&mut self, predicate: &Predicate, trigger: u32) -> bool {
        match &predicate.test {
            Test::Text(How::Equal, all) => {
                let address = predicate.field.def().ty == FieldType::Ip;
                all.iter().for_each(|needle| self.add_equal(needle, address, trigger));
                predicate.cased || address
            }
            Test::Text(..) | Test::Wildcard(_) | Test::Regex(_) => self.add_parts(predicate, trigger),
            Test::Network(all) => {
                all.iter().for_each(|(network, _)| self.add_network(*network, trigger));
                false
            }
            Test::Exists(_) | Test::Null => {
                self.present.push(trigger);
                false
            }
            Test::Compare(..) | Test::Time(..) | Test::Other(..) => {
                self.present.push(trigger);
                true
            }
        }
    }

    /// A rule that waits on some predicate of this field.
    pub(super) fn wait(&mut self, rule: u32) {
        self.waiting.push(rule);
    }

    fn add_equal(&mut self, needle: &Needle, address: bool, trigger: u32) {
        self.exact.push((needle.folded.clone(), trigger));
        // Only the form that a number is printed in can be equal to it.
        self.numbers.extend(needle.number.map(|number| (number, trigger)));
        if let Some(network) = Network::parse(&needle.text).filter(|_| address) {
            self.add_network(network, trigger);
        }
    }

    fn add_network(&mut self, network: Network, trigger: u32) {
        self.networks.push(((network.v6, network.len, network.bits), trigger));
    }

    fn add_parts(&mut self, predicate: &Predicate, trigger: u32) -> bool {
        let Some((how, literals, verify)) = literals(predicate) else {
            self.present.push(trigger);
            return true;
        };
        let list = match how {
            How::Starts => &mut self.front,
            How::Ends => &mut self.back,
            How::Contains | How::Equal => &mut self.parts,
        };
        list.extend(literals.into_iter().map(|literal| (literal.into(), trigger)));
        verify || predicate.cased
    }

    /// Builds the index of that number; long literals go to those of all fields.
    pub(super) fn build(
        mut self,
        field: Field,
        number: u16,
        long: &mut Vec<(Box<[u8]>, User)>,
    ) -> FieldIndex {
        self.waiting.sort_unstable();
        self.waiting.dedup();
        let mut prefix_lens: Vec<_> = self.networks.iter().map(|((v6, len, _), _)| (*v6, *len)).collect();
        prefix_lens.sort_unstable();
        prefix_lens.dedup();
        let lengths = self.exact.iter().fold(0, |lengths, (text, _)| lengths | length_bit(text.len()));
        let has_parts = !(self.front.is_empty() && self.back.is_empty() && self.parts.is_empty());
        let user = |trigger| User { field: number, trigger };
        let (short, longer) = self.parts.into_iter().partition::<Vec<_>, _>(|(text, _)| text.len() < LONG);
        let has_long = !longer.is_empty();
        long.extend(longer.into_iter().map(|(text, trigger)| (text, user(trigger))));
        FieldIndex {
            field,
            number,
            has_parts,
            has_long,
            exact: Table::new(self.exact),
            lengths,
            numbers: Table::new(self.numbers),
            front: Ends::new(End::Front, self.front),
            back: Ends::new(End::Back, self.back),
            short: Short::new(&mut short.iter().map(|(text, trigger)| (&**text, user(*trigger))).collect()),
            networks: Table::new(self.networks),
            prefix_lens,
            present: self.present.into(),
            waiting: self.waiting.into(),
        }
    }
}

/// Folded literals of which a value must have one for the predicate to hold, where it must have them, and whether
/// the predicate asks for more than that; `None` where there are none.
fn literals(predicate: &Predicate) -> Option<(How, Vec<&[u8]>, bool)> {
    let (how, all, verify) = match &predicate.test {
        Test::Text(how, all) => (*how, all.iter().map(|needle| &*needle.folded).collect::<Vec<_>>(), false),
        Test::Wildcard(all) if !predicate.cased => {
            let longest = all.iter().map(|(pattern, _)| pattern.literals().max_by_key(|l| l.len()));
            (How::Contains, longest.collect::<Option<Vec<_>>>()?, true)
        }
        Test::Regex(all) => {
            let sets: Option<Vec<_>> = all.iter().map(|one| one.required.as_deref()).collect();
            (How::Contains, sets?.into_iter().flatten().map(|literal| &**literal).collect(), true)
        }
        _ => return None,
    };
    all.iter().all(|literal| !literal.is_empty()).then_some((how, all, verify))
}

const fn length_bit(len: usize) -> u64 {
    1 << if len < 63 { len } else { 63 }
}

/// From a value of the field to the triggers that it sets off.
#[derive(Debug)]
pub(crate) struct FieldIndex {
    pub(super) field: Field,
    number: u16,
    /// There are literals that may be a part of the value.
    has_parts: bool,
    /// There are some among those of all fields.
    pub(super) has_long: bool,
    exact: Table<Box<[u8]>>,
    /// A bit for each length that an exact literal has, the last for 63 and more.
    lengths: u64,
    numbers: Table<u64>,
    front: Ends,
    back: Ends,
    short: Short,
    networks: Table<(bool, u8, u128)>,
    prefix_lens: Vec<(bool, u8)>,
    /// What is set off wherever the field is present.
    present: Box<[u32]>,
    /// Rules to wake where the field is unobserved.
    pub(crate) waiting: Box<[u32]>,
}

impl FieldIndex {
    /// Pushes the triggers that the value sets off, some perhaps more than once. True where part of it is unobserved.
    pub(super) fn scan(&self, value: &Value<'_>, walk: &mut Walk<'_>) -> bool {
        if matches!(value, Value::Unobserved) {
            return true;
        }
        walk.found.extend_from_slice(&self.present);
        let mut unobserved = false;
        for item in members(value) {
            match item {
                Value::Unobserved => unobserved = true,
                Value::Text(text) => self.scan_text(text, walk),
                other => self.scan_typed(other, walk),
            }
        }
        unobserved
    }

    /// The same of a text, given folded too, whose long literals were searched before.
    pub(super) fn scan_rest(&self, text: &[u8], folded: &[u8], found: &mut Vec<u32>) {
        found.extend_from_slice(&self.present);
        self.scan_folded(folded, found);
        if !self.prefix_lens.is_empty() {
            self.scan_address(&Value::Text(text), found);
        }
    }

    fn scan_text(&self, text: &[u8], walk: &mut Walk<'_>) {
        if self.has_parts || self.lengths & length_bit(text.len()) != 0 || !text.is_ascii() {
            walk.folded.clear();
            fold_into(walk.folded, text);
            self.scan_all(walk);
        }
        if !self.prefix_lens.is_empty() {
            self.scan_address(&Value::Text(text), walk.found);
        }
    }

    fn scan_typed(&self, value: &Value<'_>, walk: &mut Walk<'_>) {
        let own_table = match value {
            Value::Number(number) => {
                walk.found.extend_from_slice(self.numbers.get(number));
                true
            }
            Value::Ip(_) => {
                self.scan_address(value, walk.found);
                self.field.def().ty == FieldType::Ip
            }
            _ => false,
        };
        if self.has_parts || !own_table && !self.exact.is_empty() {
            walk.folded.clear();
            if text_form(value, walk.folded) {
                walk.folded.make_ascii_lowercase();
                self.scan_all(walk);
            }
        }
    }

    /// Searches for all that is sought in the folded text of the walk.
    fn scan_all(&self, walk: &mut Walk<'_>) {
        self.scan_folded(walk.folded, walk.found);
        if self.has_long {
            walk.long.scan(walk.folded, &mut |found| {
                let mine = found.users.iter().filter(|user| user.field == self.number);
                walk.found.extend(mine.map(|user| user.trigger));
            });
        }
    }

    fn scan_folded(&self, text: &[u8], found: &mut Vec<u32>) {
        if self.lengths & length_bit(text.len()) != 0 {
            found.extend_from_slice(self.exact.get(text));
        }
        self.front.scan(text, found);
        self.back.scan(text, found);
        self.short.scan(text, &mut |one| found.extend(one.users.iter().map(|user| user.trigger)));
    }

    fn scan_address(&self, value: &Value<'_>, found: &mut Vec<u32>) {
        let Some((v6, bits)) = address(value).map(address_bits) else { return };
        for (_, len) in self.prefix_lens.iter().filter(|(family, _)| *family == v6) {
            found.extend_from_slice(self.networks.get(&(v6, *len, masked(bits, *len))));
        }
    }
}

/// What a walk over an event's values reads and writes.
pub(super) struct Walk<'a> {
    pub(super) long: &'a Long,
    pub(super) folded: &'a mut Vec<u8>,
    pub(super) found: &'a mut Vec<u32>,
}
