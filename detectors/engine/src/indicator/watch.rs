//! Looks events through for indicators.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use bavn_wire::fields::{FIELDS, Field};
use bavn_wire::messages::{Event, EventKind, Transport, Value};
use bavn_wire::proto;
use foldhash::quality::FixedState;

use super::Type;
use super::canonical::{self, MAX_NAME};
use super::event::{Seen, tell};
use super::set::{Found, Hit, Set, endpoint_key, network_text};
use super::told::Told;

/// Flows whose addresses were looked up lately; a power of two.
const LATELY: usize = 8192;
const NS: u64 = 1_000_000_000;

/// What a field's values can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    No,
    /// An address, of flows looked up once.
    Ip,
    /// A name, or an address in its place.
    Name,
    Url,
    Ja4,
    /// A digest of that type.
    Digest(Type),
}

const fn look_of(field: Field) -> Look {
    match field {
        Field::SourceIp | Field::DestinationIp | Field::DnsResolvedIp => Look::Ip,
        Field::DnsQuestionName
        | Field::DnsAnswersData
        | Field::UrlDomain
        | Field::TlsClientServerName
        | Field::TlsServerAltNames
        | Field::X509AltNames
        | Field::X509SubjectCn => Look::Name,
        Field::UrlFull | Field::HttpResponseLocation => Look::Url,
        Field::TlsClientJa4 => Look::Ja4,
        Field::TlsClientJa3 => Look::Digest(Type::Ja3),
        Field::TlsServerJa3s => Look::Digest(Type::Ja3s),
        Field::SshClientHassh | Field::SshServerHassh => Look::Digest(Type::Hassh),
        Field::FileHashMd5 => Look::Digest(Type::Md5),
        Field::FileHashSha1 => Look::Digest(Type::Sha1),
        Field::FileHashSha256 => Look::Digest(Type::Sha256),
        Field::TlsServerHashMd5 | Field::X509HashMd5 => Look::Digest(Type::CertMd5),
        Field::TlsServerHashSha1 | Field::X509HashSha1 => Look::Digest(Type::CertSha1),
        Field::TlsServerHashSha256 | Field::X509HashSha256 => Look::Digest(Type::CertSha256),
        _ => Look::No,
    }
}

/// What a watch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values that were looked up.
    pub looked_up: u64,
    /// Indicators that were told of.
    pub matches: u64,
    /// Indicators that had been told of in the same flow.
    pub repeated: u64,
}

/// Looks events through for the indicators of a set. One for each worker.
pub struct Watch {
    set: Arc<Set>,
    /// What to look for in each field.
    looks: [Look; FIELDS.len()],
    /// Flows whose addresses were looked up lately, by the low bits of their number.
    lately: Box<[u64]>,
    told: Told,
    url: Vec<u8>,
    counts: Counts,
}

impl Watch {
    /// For that set; what an earlier watch has told of is not told again.
    #[must_use]
    pub fn new(set: Arc<Set>, before: Option<Self>) -> Self {
        let (told, counts) = before.map_or_else(Default::default, |before| (before.told, before.counts));
        let mut looks = [Look::No; FIELDS.len()];
        for field in Field::all() {
            looks[*field as usize] =
                Some(look_of(*field)).filter(|look| is_used(&set, *look)).unwrap_or(Look::No);
        }
        Self { set, looks, lately: vec![0; LATELY].into(), told, url: Vec::new(), counts }
    }

    /// The set.
    #[must_use]
    pub const fn set(&self) -> &Arc<Set> {
        &self.set
    }

    /// What it did so far, and those before it.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// True where events of that kind can hold an indicator of the set.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Packet | EventKind::Indicator | EventKind::Score | EventKind::Weird => false,
            EventKind::Flow => has_addresses(&self.set),
            _ => proto::fields(kind).iter().any(|field| self.look(*field) != Look::No),
        }
    }

    /// True where the set has digests of files that are dear to make.
    #[must_use]
    pub fn wants_old_digests(&self) -> bool {
        self.set.has(Type::Md5) || self.set.has(Type::Sha1)
    }

    /// Calls `then` with an event for each indicator that `event` holds and that its flow has not shown before.
    pub fn look_through(&mut self, event: &Event<'_>, then: &mut dyn FnMut(&Event<'_>)) {
        if matches!(event.kind, EventKind::Packet | EventKind::Indicator | EventKind::Score) {
            return;
        }
        if event.flow.id != 0 && self.is_new_flow(event.flow.id) {
            self.ends(event, then);
        }
        for (field, value) in event.fields {
            let look = self.look(*field);
            if look == Look::No {
                continue;
            }
            match value {
                Value::List(items) => {
                    items.iter().for_each(|item| self.value(event, *field, look, item, then))
                }
                value => self.value(event, *field, look, value, then),
            }
        }
    }

    fn look(&self, field: Field) -> Look {
        self.looks.get(field as usize).copied().unwrap_or(Look::No)
    }

    /// False where the flow's addresses were looked up lately.
    #[inline]
    fn is_new_flow(&mut self, flow: u64) -> bool {
        let place = self.lately.get_mut(flow as usize % LATELY);
        place.is_some_and(|place| std::mem::replace(place, flow) != flow)
    }

    /// The ends of an event's flow.
    fn ends(&mut self, event: &Event<'_>, then: &mut dyn FnMut(&Event<'_>)) {
        let flow = event.flow;
        for (field, ip, port) in
            [(Field::SourceIp, flow.ip[0], flow.port[0]), (Field::DestinationIp, flow.ip[1], flow.port[1])]
        {
            let ip = ip.to_canonical();
            self.address(event, field, &Value::Ip(ip), ip, then);
            let has_port = matches!(flow.transport, Transport::TCP | Transport::UDP | Transport::SCTP);
            if has_port && self.set.has(Type::Endpoint) {
                let found = self.set.find(Type::Endpoint, &endpoint_key(ip, port), event.time / NS);
                let text = || std::net::SocketAddr::new(ip, port).to_string();
                let seen = Seen { field, value: &Value::Ip(ip), ip: Some(ip) };
                self.found(event, &seen, Type::Endpoint, found, text, then);
            }
        }
    }

    fn value(
        &mut self,
        event: &Event<'_>,
        field: Field,
        look: Look,
        value: &Value<'_>,
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        match (look, value) {
            (Look::Ip, _) => {
                if let Some(ip) = canonical::address_of(value) {
                    self.address(event, field, value, ip, then);
                }
            }
            (Look::Name, Value::Text(text)) => match canonical::address(text) {
                Some(ip) => self.address(event, field, value, ip, then),
                None => self.name(event, field, value, text, then),
            },
            (Look::Url, Value::Text(text)) => self.url(event, field, value, text, then),
            (Look::Ja4, Value::Text(text)) => self.plain(event, field, value, Type::Ja4, text, then),
            (Look::Digest(ty), Value::Text(text)) => self.plain(event, field, value, ty, text, then),
            _ => {}
        }
    }

    fn address(
        &mut self,
        event: &Event<'_>,
        field: Field,
        value: &Value<'_>,
        ip: IpAddr,
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        self.counts.looked_up += 1;
        if let Some((key, hit)) = self.set.network(ip, event.time / NS) {
            let (ty, text) = network_text(&key);
            self.found(event, &Seen { field, value, ip: Some(ip) }, ty, Some(hit), || text, then);
        }
    }

    /// The name alone, or the nearest name above it that a list has.
    fn name(
        &mut self,
        event: &Event<'_>,
        field: Field,
        value: &Value<'_>,
        text: &[u8],
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        let mut room = [0; MAX_NAME];
        let Some(name) = canonical::name(text, &mut room) else { return };
        self.counts.looked_up += 1;
        let now = event.time / NS;
        let seen = Seen { field, value, ip: None };
        let alone = self.set.find(Type::Host, name, now);
        self.found(event, &seen, Type::Host, alone, || lossy(name), then);
        for part in canonical::and_above(name) {
            if let Some(hit) = self.set.find(Type::Domain, part, now) {
                self.found(event, &seen, Type::Domain, Some(hit), || lossy(part), then);
                return;
            }
        }
    }

    /// The URL itself, and without its query.
    fn url(
        &mut self,
        event: &Event<'_>,
        field: Field,
        value: &Value<'_>,
        text: &[u8],
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        let mut url = std::mem::take(&mut self.url);
        if canonical::url(text, &mut url) {
            for key in [Some(url.as_slice()), canonical::without_query(&url)].into_iter().flatten() {
                self.counts.looked_up += 1;
                let hit = self.set.find(Type::Url, key, event.time / NS);
                self.found(event, &Seen { field, value, ip: None }, Type::Url, hit, || lossy(key), then);
            }
        }
        self.url = url;
    }

    fn plain(
        &mut self,
        event: &Event<'_>,
        field: Field,
        value: &Value<'_>,
        ty: Type,
        text: &[u8],
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        self.counts.looked_up += 1;
        let now = event.time / NS;
        let hit = match ty.digest_bytes() {
            None => self.set.find(ty, text, now),
            Some(size) => canonical::digest(text, size)
                .and_then(|(bytes, size)| self.set.find(ty, bytes.get(..size)?, now)),
        };
        self.found(
            event,
            &Seen { field, value, ip: None },
            ty,
            hit,
            || lossy(text).to_ascii_lowercase(),
            then,
        );
    }

    #[inline]
    fn found(
        &mut self,
        event: &Event<'_>,
        seen: &Seen<'_>,
        ty: Type,
        hit: Option<Hit>,
        value: impl FnOnce() -> String,
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        let Some(hit) = hit else { return };
        let found = Found { ty, value: value(), said: self.set.said(&hit) };
        if !self.told.is_new(event.flow.id, number_of(ty, &found.value)) {
            self.counts.repeated += 1;
            return;
        }
        self.counts.matches += 1;
        tell(event, seen, &found, then);
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// A number for an indicator that stays the same from set to set.
fn number_of(ty: Type, value: &str) -> u64 {
    let mut hasher = FixedState::with_seed(ty as u64).build_hasher();
    hasher.write(value.as_bytes());
    hasher.finish()
}

fn has_addresses(set: &Set) -> bool {
    [Type::Ip, Type::Cidr, Type::Endpoint].iter().any(|ty| set.has(*ty))
}

fn is_used(set: &Set, look: Look) -> bool {
    match look {
        Look::No => false,
        Look::Ip => set.has(Type::Ip) || set.has(Type::Cidr),
        Look::Name => {
            set.has(Type::Domain) || set.has(Type::Host) || set.has(Type::Ip) || set.has(Type::Cidr)
        }
        Look::Url => set.has(Type::Url),
        Look::Ja4 => set.has(Type::Ja4),
        Look::Digest(ty) => set.has(ty),
    }
}
