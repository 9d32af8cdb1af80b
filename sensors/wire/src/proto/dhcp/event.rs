//! The `dhcp` event.

use std::net::{IpAddr, Ipv4Addr};

use super::exchange::Exchange;
use super::limits::MAX_MESSAGES;
use super::message::MessageType;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Fields that a `dhcp` event can carry beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::DhcpAssignedIp,
    Field::DhcpBootFile,
    Field::DhcpCircuitId,
    Field::DhcpClientFqdn,
    Field::DhcpClientId,
    Field::DhcpClientIp,
    Field::DhcpDns,
    Field::DhcpDomain,
    Field::DhcpHostName,
    Field::DhcpLeaseTime,
    Field::DhcpMessage,
    Field::DhcpMessageTypes,
    Field::DhcpNextServer,
    Field::DhcpParameters,
    Field::DhcpRelayIp,
    Field::DhcpRequestedIp,
    Field::DhcpRouters,
    Field::DhcpServers,
    Field::DhcpStaticRoutes,
    Field::DhcpSubnetMask,
    Field::DhcpTransactionId,
    Field::DhcpVendorClass,
    Field::DhcpWpad,
    Field::ClientMac,
    Field::ServerIp,
];

struct Fields<'a> {
    all: Vec<(Field, Value<'a>)>,
    no_client: bool,
    no_server: bool,
}

impl<'a> Fields<'a> {
    fn put(&mut self, field: Field, value: Option<Value<'a>>, unseen: bool) {
        self.all.extend(value.or(unseen.then_some(Value::Unobserved)).map(|value| (field, value)));
    }

    fn asked(&mut self, field: Field, value: Option<Value<'a>>) {
        self.put(field, value, self.no_client);
    }

    fn asked_text(&mut self, field: Field, value: &'a Option<Vec<u8>>) {
        self.asked(field, value.as_deref().map(Value::Text));
    }

    fn given(&mut self, field: Field, value: Option<Value<'a>>) {
        self.put(field, value, self.no_server);
    }

    fn given_text(&mut self, field: Field, value: &'a Option<Vec<u8>>) {
        self.given(field, value.as_deref().map(Value::Text));
    }
}

fn ip(address: Option<Ipv4Addr>) -> Option<Value<'static>> {
    address.map(|address| Value::Ip(IpAddr::V4(address)))
}

fn list<'a>(values: &'a [Value<'a>]) -> Option<Value<'a>> {
    (!values.is_empty()).then_some(Value::List(values))
}

fn ips(addresses: &[Ipv4Addr]) -> Vec<Value<'static>> {
    addresses.iter().filter_map(|address| ip(Some(*address))).collect()
}

fn hex(bytes: &[u8], separator: &str) -> Vec<u8> {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(separator).into_bytes()
}

/// Gives out the event of an exchange.
pub(super) fn emit(exchange: &Exchange, cx: &mut Context<'_>) {
    cx.hit(exchange.is_shortened.then_some(&MAX_MESSAGES));
    if !cx.sink.wants(EventKind::Dhcp) {
        return;
    }
    let (id, hardware, len, _) = exchange.id;
    let mac = hex(hardware.get(..usize::from(len)).unwrap_or_default(), "-");
    let transaction = format!("0x{id:08x}");
    let client_id = exchange.client_id.as_deref().map(|bytes| hex(bytes, "").to_ascii_lowercase());
    let kinds: Vec<Value<'_>> =
        exchange.kinds.iter().map(|kind| Value::Text(kind.name().as_bytes())).collect();
    let parameters: Vec<Value<'_>> =
        exchange.parameters.iter().map(|code| Value::Number((*code).into())).collect();
    let routes: Vec<Value<'_>> = exchange.routes.iter().map(|route| Value::Text(route)).collect();
    let [dns, routers, servers] = [&exchange.dns, &exchange.routers, &exchange.servers].map(|all| ips(all));
    // A release or refusal by the client wants no answer.
    let last = exchange.kinds.last().copied().unwrap_or_default();
    let wants_none = matches!(last, MessageType::RELEASE | MessageType::DECLINE);
    let no_server = !exchange.answered && !wants_none;
    let mut fields = Fields { all: Vec::with_capacity(FIELDS.len()), no_client: !exchange.asked, no_server };
    fields.asked_text(Field::DhcpClientFqdn, &exchange.full_name);
    fields.asked(Field::DhcpClientId, client_id.as_deref().map(Value::Text));
    fields.asked(Field::DhcpClientIp, ip(exchange.client_ip));
    fields.asked_text(Field::DhcpHostName, &exchange.host_name);
    fields.asked(Field::DhcpParameters, list(&parameters));
    fields.asked(Field::DhcpRequestedIp, ip(exchange.requested));
    fields.asked_text(Field::DhcpVendorClass, &exchange.vendor);
    fields.asked_text(Field::DhcpCircuitId, &exchange.circuit);
    given(exchange, &mut fields);
    fields.given(Field::DhcpDns, list(&dns));
    fields.given(Field::DhcpRouters, list(&routers));
    fields.given(Field::DhcpServers, list(&servers));
    fields.given(Field::DhcpStaticRoutes, list(&routes));
    fields.put(Field::DhcpMessage, exchange.message.as_deref().map(Value::Text), false);
    fields.put(Field::DhcpRelayIp, ip(exchange.relay), false);
    fields.put(Field::DhcpMessageTypes, list(&kinds), false);
    fields.put(Field::DhcpTransactionId, Some(Value::Text(transaction.as_bytes())), false);
    fields.put(Field::ClientMac, Some(Value::Text(&mac)).filter(|_| len > 0), false);
    fields.all.sort_unstable_by_key(|(field, _)| *field);
    cx.emit(EventKind::Dhcp, &fields.all);
}

fn given<'a>(exchange: &'a Exchange, fields: &mut Fields<'a>) {
    fields.given(Field::DhcpAssignedIp, ip(exchange.assigned));
    fields.given_text(Field::DhcpBootFile, &exchange.boot_file);
    fields.given_text(Field::DhcpDomain, &exchange.domain);
    fields.given(Field::DhcpLeaseTime, exchange.lease.map(Value::Number));
    fields.given(Field::DhcpNextServer, ip(exchange.next_server));
    fields.given(Field::DhcpSubnetMask, ip(exchange.mask));
    fields.given_text(Field::DhcpWpad, &exchange.wpad);
    fields.given(Field::ServerIp, ip(exchange.server));
}
