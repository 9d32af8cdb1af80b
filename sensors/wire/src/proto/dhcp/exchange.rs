//! Exchanges: the messages of one client with one transaction identifier, whichever flows they run in. Requests go to
//! everybody and answers come from one, so that they are flows of their own.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use super::is_port;
use super::limits::{COPY_WAIT, EXCHANGE_WAIT, MAX_EXCHANGES, MAX_LISTED, MAX_MESSAGES};
use super::message::{Message, MessageType, full_name, routes};
use crate::messages::FlowInfo;

/// What makes messages one exchange: identifier, hardware address, its length; on other ports than DHCP's own also the
/// two that speak.
pub(super) type Id = (u32, [u8; 16], u8, Option<[IpAddr; 2]>);

/// What one exchange has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    pub(super) id: Id,
    pub(super) kinds: Vec<MessageType>,
    /// It had more messages than are listed.
    pub(super) is_shortened: bool,
    /// It was told of; what comes now is a copy, or begins anew.
    is_told: bool,
    /// Time of the newest message.
    newest: u64,
    pub(super) asked: bool,
    pub(super) answered: bool,
    pub(super) client_ip: Option<Ipv4Addr>,
    pub(super) requested: Option<Ipv4Addr>,
    pub(super) host_name: Option<Vec<u8>>,
    pub(super) full_name: Option<Vec<u8>>,
    pub(super) client_id: Option<Vec<u8>>,
    pub(super) vendor: Option<Vec<u8>>,
    pub(super) parameters: Vec<u8>,
    pub(super) relay: Option<Ipv4Addr>,
    pub(super) circuit: Option<Vec<u8>>,
    pub(super) message: Option<Vec<u8>>,
    pub(super) assigned: Option<Ipv4Addr>,
    pub(super) lease: Option<u64>,
    pub(super) mask: Option<Ipv4Addr>,
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) dns: Vec<Ipv4Addr>,
    pub(super) domain: Option<Vec<u8>>,
    pub(super) wpad: Option<Vec<u8>>,
    pub(super) routes: Vec<Vec<u8>>,
    pub(super) next_server: Option<Ipv4Addr>,
    pub(super) boot_file: Option<Vec<u8>>,
    pub(super) server: Option<Ipv4Addr>,
    pub(super) servers: Vec<Ipv4Addr>,
}

fn renew<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

impl Exchange {
    /// Takes a message; `sender` is the address it came from.
    fn take(&mut self, message: &Message<'_>, sender: IpAddr) {
        self.list(message.kind);
        renew(&mut self.relay, message.address(24));
        renew(&mut self.message, message.text(56));
        if message.is_reply() { self.answer(message, sender) } else { self.ask(message) }
    }

    /// Lists a message; where the list is full a repeat goes, else the oldest: what ended the exchange is always there.
    fn list(&mut self, kind: MessageType) {
        if self.kinds.len() >= MAX_MESSAGES.get() {
            self.is_shortened = true;
            let repeat = self.kinds.windows(2).position(|pair| matches!(pair, [one, next] if one == next));
            self.kinds.remove(repeat.unwrap_or(0));
        }
        self.kinds.push(kind);
    }

    /// Another server ends it too, as one that nobody runs on purpose does.
    fn is_also_answered(&self, message: &Message<'_>, sender: IpAddr) -> bool {
        let server = server_of(message, sender).filter(|server| !self.servers.contains(server));
        message.is_reply() && message.kind.ends() && server.is_some() && self.servers.len() < MAX_LISTED.get()
    }

    fn ask(&mut self, message: &Message<'_>) {
        self.asked = true;
        renew(&mut self.client_ip, message.address(12));
        renew(&mut self.requested, message.addresses(50).first().copied());
        renew(&mut self.host_name, message.text(12));
        renew(&mut self.full_name, message.option(81).and_then(|value| full_name(&value)));
        renew(&mut self.client_id, message.option(61));
        renew(&mut self.vendor, message.text(60));
        renew(&mut self.circuit, message.option(82).and_then(|value| sub_option(&value, 1)));
        if let Some(parameters) = message.option(55) {
            self.parameters = parameters;
        }
        // Who releases or declines tells of whom.
        renew(&mut self.server, message.addresses(54).first().copied());
    }

    fn answer(&mut self, message: &Message<'_>, sender: IpAddr) {
        self.answered = true;
        let address = server_of(message, sender);
        renew(&mut self.server, address);
        let new = address.filter(|address| !self.servers.contains(address));
        self.servers.extend(new.filter(|_| !MAX_LISTED.is_reached(self.servers.len())));
        renew(&mut self.assigned, message.address(16));
        renew(&mut self.lease, message.number(51));
        renew(&mut self.mask, message.addresses(1).first().copied());
        renew(&mut self.domain, message.text(15));
        renew(&mut self.wpad, message.text(252));
        renew(&mut self.next_server, message.address(20));
        renew(&mut self.boot_file, message.text(67).or_else(|| message.file().map(<[u8]>::to_vec)));
        let (routers, dns) = (message.addresses(3), message.addresses(6));
        if !routers.is_empty() {
            self.routers = routers;
        }
        if !dns.is_empty() {
            self.dns = dns;
        }
        if let Some(value) = message.option(121) {
            self.routes = routes(&value);
        }
    }

    /// Where it stands in the order of those that go first.
    const fn place(&self) -> (bool, u64, Id) {
        (!self.is_told, self.newest, self.id)
    }

    /// Bytes that it holds, its places in the tables included.
    fn held(&self) -> usize {
        let texts =
            [&self.host_name, &self.full_name, &self.client_id, &self.vendor, &self.circuit, &self.message];
        let given = [&self.domain, &self.wpad, &self.boot_file];
        let texts: usize =
            texts.iter().chain(&given).filter_map(|text| text.as_ref()).map(Vec::capacity).sum();
        let routes: usize = self.routes.iter().map(|route| route.capacity() + 24).sum();
        let lists = self.routers.capacity() + self.dns.capacity() + self.servers.capacity();
        size_of::<(Id, Self)>()
            + size_of::<(bool, u64, Id)>()
            + texts
            + routes
            + 4 * lists
            + self.parameters.capacity()
            + self.kinds.capacity()
    }
}

/// The server that says it: by its identifier, else by its address.
fn server_of(message: &Message<'_>, sender: IpAddr) -> Option<Ipv4Addr> {
    message.addresses(54).first().copied().or(match sender {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

fn sub_option(value: &[u8], wanted: u8) -> Option<Vec<u8>> {
    super::message::options(value).find(|(code, _)| *code == wanted).map(|(_, value)| value.to_vec())
}

/// All exchanges of a worker.
#[derive(Debug, Default)]
pub struct Exchanges {
    open: HashMap<Id, Exchange>,
    /// The same by whether they wait (those that were told come first) and by the time of their newest message, so that
    /// room is made without looking at them all.
    order: BTreeSet<(bool, u64, Id)>,
    /// Bytes that they hold together.
    held: usize,
}

/// What became of a message.
pub(super) enum Outcome {
    /// The exchange goes on; true where the message began it.
    Open(bool),
    /// It is over; or another had to go for it.
    Told(Box<Exchange>),
    /// A copy of what was told.
    Copy,
}

/// Identity of a message in that flow.
pub(super) fn id_of(message: &Message<'_>, flow: &FlowInfo) -> Id {
    let mut hardware = [0; 16];
    let shown = message.hardware();
    hardware.iter_mut().zip(shown).for_each(|(place, byte)| *place = *byte);
    let [a, b] = flow.ip;
    let between = (!is_port(flow.port)).then(|| [a.min(b), a.max(b)]);
    (message.id(), hardware, shown.len() as u8, between)
}

impl Exchanges {
    pub(super) fn take(&mut self, id: Id, message: &Message<'_>, sender: IpAddr, time: u64) -> Outcome {
        if let Some(known) = self.open.get(&id) {
            self.held = self.held.saturating_sub(known.held());
            self.order.remove(&known.place());
        }
        let outcome = self.told(id, message, sender, time);
        if let Some(known) = self.open.get(&id) {
            self.held += known.held();
            self.order.insert(known.place());
        }
        outcome
    }

    fn told(&mut self, id: Id, message: &Message<'_>, sender: IpAddr, time: u64) -> Outcome {
        let is_new = match self.open.get_mut(&id) {
            Some(known) if known.is_told => {
                let age = time.saturating_sub(known.newest);
                // Some clients renew with the identifier that they had; a relay or a mirror shows a message twice.
                let patience = if message.is_reply() { EXCHANGE_WAIT } else { COPY_WAIT };
                if age <= patience && known.is_also_answered(message, sender) {
                    known.is_told = false;
                } else if age <= patience && (message.is_reply() || known.kinds.contains(&message.kind)) {
                    return Outcome::Copy;
                } else {
                    *known = Exchange { id, ..Exchange::default() };
                }
                true
            }
            Some(_) => false,
            None => true,
        };
        let exchange = self.open.entry(id).or_insert_with(|| Exchange { id, ..Exchange::default() });
        exchange.newest = time;
        exchange.take(message, sender);
        if !message.kind.ends() {
            return Outcome::Open(is_new);
        }
        let told = exchange.clone();
        exchange.is_told = true;
        Outcome::Told(Box::new(told))
    }

    fn remove(&mut self, id: &Id) -> Option<Exchange> {
        let gone = self.open.remove(id)?;
        self.held = self.held.saturating_sub(gone.held());
        self.order.remove(&gone.place());
        Some(gone)
    }

    /// Takes out an exchange that has stood still, or any where `all`.
    pub(super) fn give_up(&mut self, id: &Id, now: u64, all: bool) -> Option<Exchange> {
        let known = self.open.get(id)?;
        let is_due = all || now.saturating_sub(known.newest) > EXCHANGE_WAIT;
        if is_due && !known.is_told { self.remove(id) } else { None }
    }

    /// True where it still waits.
    pub(super) fn waits(&self, id: &Id) -> bool {
        self.open.get(id).is_some_and(|known| !known.is_told)
    }

    /// Makes room for one: forgets what was told longest ago, else takes out what has stood still longest.
    pub(super) fn make_room(&mut self) -> Option<Exchange> {
        while self.open.len() >= MAX_EXCHANGES.get() {
            let (waits, _, id) = self.order.first().copied()?;
            let gone = self.remove(&id);
            if waits {
                return gone;
            }
        }
        None
    }

    /// Of what was told only copies would be known.
    pub(crate) fn forget_told(&mut self) {
        while let Some((false, _, id)) = self.order.first().copied() {
            self.remove(&id);
        }
    }

    /// Bytes that the exchanges hold.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// The same, counted anew.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.open.values().map(Exchange::held).sum()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}
