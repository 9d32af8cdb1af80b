//! Which log a line is of, by what it says itself: `_path` (Zeek), `event_type` (EVE), `event.dataset` (ECS), else by keys that only one
//! of Zeek's logs has together.

use bavn_wire::messages::EventKind;

use crate::ledger::Reason;
use crate::scan::{Tape, Token, What};
use crate::table::{Table, Tables};

/// What the outermost keys say.
#[derive(Default)]
struct Said<'l> {
    path: Option<&'l [u8]>,
    event_type: Option<&'l [u8]>,
    dataset: Option<&'l [u8]>,
    protocol: Option<&'l [u8]>,
    has_timestamp: bool,
    has_ts: bool,
}

/// Finds the table of each line.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// Of the last line that did not name its log.
    last: usize,
    /// Name of the file, for lines that say nothing of themselves.
    pub(crate) file: Vec<u8>,
}

/// Names of the same in other ECS.
const NAMES: [(&str, EventKind); 14] = [
    ("conn", EventKind::Flow),
    ("connection", EventKind::Flow),
    ("flow", EventKind::Flow),
    ("ssl", EventKind::Tls),
    ("tls", EventKind::Tls),
    ("files", EventKind::File),
    ("fileinfo", EventKind::File),
    ("smb_files", EventKind::Smb),
    ("smb_mapping", EventKind::Smb),
    ("smb_cmd", EventKind::Smb),
    ("dhcpv4", EventKind::Dhcp),
    ("krb5", EventKind::Kerberos),
    ("dcerpc", EventKind::DceRpc),
    ("x509", EventKind::X509),
];

impl Finder {
    /// The table of a line; else why it is none, and its name in its source.
    pub(crate) fn find<'t>(
        &mut self,
        tables: &'t Tables,
        line: &[u8],
        tape: &Tape,
    ) -> Result<&'t Table, (Reason, Vec<u8>)> {
        let said = Said::of(line, tape);
        if let Some(name) = said.path {
            return by_name(&tables.zeek, "Zeek", name);
        }
        if let Some(name) = said.event_type {
            return by_name(&tables.suricata, "EVE", name);
        }
        if said.dataset.is_some() || said.has_timestamp {
            return ecs(tables, &said);
        }
        if said.has_ts {
            return self.by_keys(&tables.zeek, line, tape);
        }
        Err((Reason::Unknown, Vec::new()))
    }

    /// Zeek's logs have no name in plain JSON.
    fn by_keys<'t>(
        &mut self,
        tables: &'t [Table],
        line: &[u8],
        tape: &Tape,
    ) -> Result<&'t Table, (Reason, Vec<u8>)> {
        let fits = |table: &&Table| table.signature.iter().all(|key| has(line, tape, key.as_bytes()));
        let named = |table: &&Table| !table.signature.is_empty();
        if let Some(table) = tables.get(self.last).filter(named).filter(fits) {
            return Ok(table);
        }
        let found = tables.iter().position(|table| named(&table) && fits(&table));
        let found = found.or_else(|| tables.iter().position(|table| table.name.as_bytes() == self.file));
        self.last = found.unwrap_or(self.last);
        found.and_then(|at| tables.get(at)).ok_or((Reason::Unknown, Vec::new()))
    }
}

fn by_name<'t>(tables: &'t [Table], source: &str, name: &[u8]) -> Result<&'t Table, (Reason, Vec<u8>)> {
    let found = tables.iter().find(|table| table.name.as_bytes() == name);
    found.ok_or_else(|| (Reason::Other, [source.as_bytes(), b" ", name].concat()))
}

fn ecs<'t>(tables: &'t Tables, said: &Said<'_>) -> Result<&'t Table, (Reason, Vec<u8>)> {
    let dataset = said.dataset.unwrap_or_default();
    let of = |tables: &'t [Table], kind: EventKind| tables.get(kind as usize);
    if let Some(own) = dataset.strip_prefix(b"bavn.") {
        let kind = std::str::from_utf8(own).ok().and_then(EventKind::by_name);
        return kind.and_then(|kind| of(&tables.bavn, kind)).ok_or_else(|| (Reason::Other, dataset.to_vec()));
    }
    let last = dataset.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let kind = kind_of(last).or_else(|| said.protocol.and_then(kind_of));
    let other =
        || (if dataset.is_empty() { Reason::Unknown } else { Reason::Other }, [b"ECS ", dataset].concat());
    kind.and_then(|kind| of(&tables.ecs, kind)).ok_or_else(other)
}

fn kind_of(name: &[u8]) -> Option<EventKind> {
    let name = std::str::from_utf8(name).ok()?;
    let known = NAMES.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind);
    known.or_else(|| EventKind::by_name(name))
}

/// The outermost tokens.
fn outer(tape: &Tape) -> impl Iterator<Item = &Token> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let token = tape.tokens.get(at)?;
        at = after(token, at);
        Some(token)
    })
}

const fn after(token: &Token, at: usize) -> usize {
    match token.what {
        What::Object | What::List => token.span.end as usize,
        _ => at + 1,
    }
}

fn has(line: &[u8], tape: &Tape, key: &[u8]) -> bool {
    outer(tape).any(|token| token.key.of(line) == key)
}

impl<'l> Said<'l> {
    fn of(line: &'l [u8], tape: &Tape) -> Self {
        let mut said = Self::default();
        for token in outer(tape) {
            let text = (token.what == What::Text).then(|| token.span.of(line));
            match token.key.of(line) {
                b"_path" => said.path = text,
                b"event_type" => said.event_type = text,
                b"ts" => said.has_ts = true,
                b"@timestamp" => said.has_timestamp = true,
                b"event.dataset" => said.dataset = text,
                b"network.protocol" => said.protocol = text,
                b"event" if token.what == What::Object => {
                    said.dataset = inner(line, tape, token, b"dataset").or(said.dataset)
                }
                b"network" if token.what == What::Object => {
                    said.protocol = inner(line, tape, token, b"protocol").or(said.protocol)
                }
                _ => continue,
            }
            if said.path.is_some() || said.event_type.is_some() {
                break;
            }
        }
        said
    }
}

fn inner<'l>(line: &'l [u8], tape: &Tape, object: &Token, key: &[u8]) -> Option<&'l [u8]> {
    let mut at = object.span.start as usize;
    while at < object.span.end as usize {
        let token = tape.tokens.get(at)?;
        if token.what == What::Text && token.key.of(line) == key {
            return Some(token.span.of(line));
        }
        at = after(token, at);
    }
    None
}
