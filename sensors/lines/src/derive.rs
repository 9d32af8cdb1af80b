//! What follows from the values of a line, and that its source does not write itself.

use bavn_wire::fields::Field;
use bavn_wire::messages::{EventKind, Transport};

use crate::convert::{self, Slot};
use crate::line::Row;
use crate::scan::Span;
use crate::table::{Source, Table};

/// Fills in what others leave to be worked out; bavn's own lines have it.
pub(crate) fn fill(row: &mut Row, table: &Table, line: &[u8], time: u64) {
    if table.source == Source::Bavn {
        return;
    }
    let mut derived = Derived { row, table, line };
    match table.kind {
        EventKind::Flow => derived.flow(time),
        EventKind::Dns => derived.dns(),
        EventKind::Http => derived.full(),
        EventKind::Tls => derived.tls(time),
        EventKind::Ftp => derived.ftp(),
        EventKind::Kerberos => derived.client(),
        _ => {}
    }
}

/// As docs.zeek.org has them for `conn_state`; `None` where the order of the bits would have to be known.
const fn tcp_state(from: u64, to: u64) -> Option<&'static str> {
    const FIN: u64 = 1;
    const SYN: u64 = 2;
    const RST: u64 = 4;
    Some(match (from & SYN != 0, to & SYN != 0, from & RST != 0, to & RST != 0) {
        (true, false, false, true) => "REJ",
        (true, false, true, false) if from & FIN == 0 => "RSTOS0",
        (true, false, false, false) => {
            if from & FIN == 0 {
                "S0"
            } else {
                "SH"
            }
        }
        (true, true, false, true) => "RSTR",
        (true, true, true, false) => "RSTO",
        (true, true, false, false) => match (from & FIN != 0, to & FIN != 0) {
            (true, true) => "SF",
            (true, false) => "S2",
            (false, true) => "S3",
            (false, false) => "S1",
        },
        _ => return None,
    })
}

struct Derived<'a> {
    row: &'a mut Row,
    table: &'a Table,
    line: &'a [u8],
}

impl Derived<'_> {
    fn get(&self, field: Field) -> Slot {
        let slot = self.table.column(field).and_then(|at| self.row.slots.get(usize::from(at)));
        slot.copied().unwrap_or(Slot::Absent)
    }

    /// Sets a field that the line does not give.
    fn set(&mut self, field: Field, value: Slot) {
        let slot = self.table.column(field).and_then(|at| self.row.slots.get_mut(usize::from(at)));
        if let Some(slot) = slot.filter(|slot| matches!(slot, Slot::Absent | Slot::Unobserved)) {
            *slot = value;
        }
    }

    fn text(&self, slot: Slot) -> Option<&[u8]> {
        match slot {
            Slot::Line(span) => Some(span.of(self.line)),
            Slot::Made(span) => Some(span.of(&self.row.made)),
            Slot::Given(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn flow(&mut self, time: u64) {
        let start = self.row.ends.start.unwrap_or(time);
        self.set(Field::EventStart, Slot::Time(start));
        self.set(Field::EventEnd, Slot::Time(time));
        self.set(Field::EventDuration, Slot::Number(time.saturating_sub(start)));
        self.sum(Field::NetworkBytes, Field::SourceBytes, Field::DestinationBytes);
        self.sum(Field::NetworkPackets, Field::SourcePackets, Field::DestinationPackets);
        self.state();
    }

    /// Zeek's word for how a conversation went, out of all the control bits of each side; of other transports out of who
    /// spoke at all.
    fn state(&mut self) {
        let packets = [Field::SourcePackets, Field::DestinationPackets].map(|field| match self.get(field) {
            Slot::Number(packets) => packets,
            _ => 0,
        });
        let state = match (self.row.ends.transport, self.row.ends.bits) {
            (Some(Transport::TCP), [Some(from), Some(to)]) => tcp_state(from, to),
            (Some(Transport::UDP), _) if packets[0] > 0 => Some(if packets[1] > 0 { "SF" } else { "S0" }),
            _ => None,
        };
        if let Some(state) = state {
            self.set(Field::FlowState, Slot::Given(state));
        }
    }

    /// A principal as Zeek writes it, `name/REALM`.
    fn client(&mut self) {
        let start = self.row.made.len();
        let (name, realm) = (self.get(Field::UserName), self.get(Field::UserDomain));
        let Some(whole) =
            self.text(name).zip(self.text(realm)).map(|(name, realm)| [name, b"/", realm].concat())
        else {
            return;
        };
        self.row.made.extend_from_slice(&whole);
        let made = Slot::Made(Span::new(start, self.row.made.len()));
        self.set(Field::KerberosClient, made);
    }

    /// A password is never kept.
    fn ftp(&mut self) {
        let command = self.get(Field::FtpCommand);
        if self.text(command).is_some_and(|command| command.eq_ignore_ascii_case(b"PASS")) {
            let argument =
                self.table.column(Field::FtpArgument).and_then(|at| self.row.slots.get_mut(usize::from(at)));
            argument.into_iter().for_each(|argument| *argument = Slot::Absent);
        }
    }

    fn sum(&mut self, to: Field, one: Field, other: Field) {
        if let (Slot::Number(one), Slot::Number(other)) = (self.get(one), self.get(other)) {
            self.set(to, Slot::Number(one.saturating_add(other)));
        }
    }

    fn dns(&mut self) {
        if let Some(name) = self.text(self.get(Field::DnsQuestionName)) {
            let length = name.len() as u64;
            self.set(Field::DnsQuestionLength, Slot::Number(length));
        }
        let answered = !matches!(self.get(Field::DnsResponseCode), Slot::Absent | Slot::Unobserved);
        self.set(Field::DnsType, Slot::Given(if answered { "answer" } else { "query" }));
        if !answered {
            return;
        }
        let cells = match self.get(Field::DnsAnswersData) {
            Slot::List(span) => span,
            _ => Span::default(),
        };
        let code = self.text(self.get(Field::DnsResponseCode)).unwrap_or_default();
        let is_rejected = !matches!(code, b"NOERROR" | b"NXDOMAIN") && cells.start == cells.end;
        self.set(Field::DnsRejected, Slot::Bool(is_rejected));
        self.addresses(cells);
    }

    /// The addresses among the answers.
    fn addresses(&mut self, cells: Span) {
        let start = self.row.cells.len();
        for at in cells.start as usize..cells.end as usize {
            let slot = self.row.cells.get(at).copied().unwrap_or(Slot::Absent);
            if let Some(ip) = self.text(slot).and_then(convert::ip) {
                self.row.cells.push(Slot::Ip(ip));
            }
        }
        let end = self.row.cells.len();
        self.set(
            Field::DnsResolvedIp,
            if end > start { Slot::List(Span::new(start, end)) } else { Slot::Absent },
        );
    }

    /// The whole address, put together as the wire does; without a host the target alone.
    fn full(&mut self) {
        let Some(column) = self.table.full else { return };
        if !matches!(self.row.slots.get(usize::from(column)), Some(Slot::Absent | Slot::Unobserved)) {
            return;
        }
        let target = self.get(Field::UrlOriginal);
        let (Some(path), start) = (self.text(target).map(<[u8]>::to_vec), self.row.made.len()) else {
            return;
        };
        let Some(host) =
            self.text(self.get(Field::UrlDomain)).map(<[u8]>::to_vec).filter(|_| path.starts_with(b"/"))
        else {
            return self.set(Field::UrlFull, target);
        };
        let is_v6 = host.contains(&b':');
        let made = &mut self.row.made;
        made.extend_from_slice(if is_v6 { b"http://[" } else { b"http://" });
        made.extend_from_slice(&host);
        made.extend_from_slice(if is_v6 { b"]" } else { b"" });
        if let Slot::Number(port) = self.get(Field::UrlPort) {
            self.row.made.extend_from_slice(format!(":{port}").as_bytes());
        }
        self.row.made.extend_from_slice(&path);
        let full = Slot::Made(Span::new(start, self.row.made.len()));
        self.set(Field::UrlFull, full);
    }

    fn tls(&mut self, time: u64) {
        if let (Slot::Time(from), Slot::Time(to)) =
            (self.get(Field::TlsServerNotBefore), self.get(Field::TlsServerNotAfter))
        {
            self.set(Field::TlsServerExpired, Slot::Bool(time < from || time > to));
        }
        let (subject, issuer) = (self.get(Field::TlsServerSubject), self.get(Field::TlsServerIssuer));
        if let (Some(subject), Some(issuer)) = (self.text(subject), self.text(issuer)) {
            let is_self_signed = subject == issuer;
            self.set(Field::TlsServerSelfSigned, Slot::Bool(is_self_signed));
        }
    }
}
