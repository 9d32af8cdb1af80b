//! The `ssh` event.

use super::limits::MAX_NAMES;
use sha2::{Digest, Sha256};

use super::kexinit::{self, KexInit};
use super::{Side, Ssh};
use crate::fields::Field;
use crate::messages::{Direction, EventKind, Value};
use crate::proto::{Context, base64};

/// Fields that an `ssh` event can carry beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::SshCipherClient,
    Field::SshCipherServer,
    Field::SshClientBanner,
    Field::SshClientHasshText,
    Field::SshClientHostKeys,
    Field::SshClientProtocol,
    Field::SshClientSoftware,
    Field::SshCompressionClient,
    Field::SshCompressionServer,
    Field::SshDisconnect,
    Field::SshHostKeyAlgorithm,
    Field::SshHostKeyFingerprint,
    Field::SshHostKeyType,
    Field::SshKex,
    Field::SshMacClient,
    Field::SshMacServer,
    Field::SshReversed,
    Field::SshServerBanner,
    Field::SshServerHasshText,
    Field::SshServerHostKeys,
    Field::SshServerProtocol,
    Field::SshServerSoftware,
    Field::SshStrictKex,
    Field::SshVersion,
    Field::SshClientHassh,
    Field::SshServerHassh,
];

/// What both sides agree on in one of their lists.
pub(super) fn chosen<'a>(ssh: &'a Ssh, list: impl Fn(&'a KexInit) -> &'a [u8]) -> Option<&'a [u8]> {
    let [client, server] = &*ssh.sides;
    kexinit::agree(list(client.kexinit.as_ref()?), list(server.kexinit.as_ref()?))
}

/// A side's values, put together before they are lent to the event.
struct Own<'a> {
    side: &'a Side,
    hassh_text: Option<Vec<u8>>,
    hassh: Option<[u8; 32]>,
    host_keys: Vec<Value<'a>>,
}

impl<'a> Own<'a> {
    fn new(side: &'a Side, direction: Direction) -> Self {
        let hassh_text = side.kexinit.as_ref().map(|kexinit| kexinit.hassh_text(direction));
        let hassh = hassh_text.as_deref().map(kexinit::hassh);
        let names = side.kexinit.as_ref().map_or(&[][..], KexInit::host_key);
        let host_keys = names.split(|byte| *byte == b',').filter(|name| !name.is_empty());
        Self { side, hassh_text, hassh, host_keys: MAX_NAMES.take(host_keys).map(Value::Text).collect() }
    }

    fn identification(&self) -> Option<Identification<'a>> {
        self.side.identification.as_deref().map(Identification::read)
    }
}

/// `SSH-protoversion-softwareversion SP comments` (RFC 4253 4.2).
struct Identification<'a> {
    line: &'a [u8],
    protocol: &'a [u8],
    software: &'a [u8],
}

impl<'a> Identification<'a> {
    fn read(line: &'a [u8]) -> Self {
        let rest = line.strip_prefix(b"SSH-").unwrap_or_default();
        let dash = memchr::memchr(b'-', rest).unwrap_or(rest.len());
        let software = rest.get(dash + 1..).unwrap_or_default();
        let space = memchr::memchr(b' ', software).unwrap_or(software.len());
        let (protocol, software) = (rest.get(..dash), software.get(..space));
        Self { line, protocol: protocol.unwrap_or_default(), software: software.unwrap_or_default() }
    }
}

struct Fields<'a>(Vec<(Field, Value<'a>)>);

impl<'a> Fields<'a> {
    fn put(&mut self, field: Field, value: Option<Value<'a>>, unseen: bool) {
        let otherwise = unseen.then_some(Value::Unobserved);
        self.0.extend(value.or(otherwise).map(|value| (field, value)));
    }

    fn text(&mut self, field: Field, value: Option<&'a [u8]>, unseen: bool) {
        self.put(field, value.map(Value::Text), unseen);
    }
}

/// Rows of a side: banner, text of the HASSH, host keys, protocol, software, HASSH.
const OF_CLIENT: [Field; 6] = [
    Field::SshClientBanner,
    Field::SshClientHasshText,
    Field::SshClientHostKeys,
    Field::SshClientProtocol,
    Field::SshClientSoftware,
    Field::SshClientHassh,
];
const OF_SERVER: [Field; 6] = [
    Field::SshServerBanner,
    Field::SshServerHasshText,
    Field::SshServerHostKeys,
    Field::SshServerProtocol,
    Field::SshServerSoftware,
    Field::SshServerHassh,
];

/// Gives out the event of a connection.
pub(super) fn emit(ssh: &Ssh, cx: &mut Context<'_>) {
    let [client, server] = &*ssh.sides;
    let own = [Own::new(client, Direction::ToServer), Own::new(server, Direction::ToClient)];
    let fingerprint = ssh.host_key.as_deref().map(fingerprint);
    let mut fields = Fields(Vec::with_capacity(FIELDS.len()));
    for (own, rows) in own.iter().zip([OF_CLIENT, OF_SERVER]) {
        of_side(own, rows, &mut fields);
    }
    agreed(ssh, &mut fields);
    let unseen = ssh.sides.iter().any(Side::is_unseen);
    fields.text(Field::SshHostKeyFingerprint, fingerprint.as_deref(), unseen || server.is_unseen());
    fields.text(Field::SshHostKeyType, ssh.host_key.as_deref().map(kexinit::string), server.is_unseen());
    fields.text(Field::SshDisconnect, ssh.disconnect.as_deref(), false);
    let reversed = ssh.host_key.is_some() && ssh.asker == Some(Direction::ToClient);
    fields.put(Field::SshReversed, reversed.then_some(Value::Bool(true)), false);
    fields.text(Field::SshVersion, version(ssh), unseen);
    fields.0.sort_unstable_by_key(|(field, _)| *field);
    cx.emit(EventKind::Ssh, &fields.0);
}

fn of_side<'a>(own: &'a Own<'a>, rows: [Field; 6], fields: &mut Fields<'a>) {
    let [banner, text, host_keys, protocol, software, hassh] = rows;
    let (unseen, told) = (own.side.is_unseen(), own.identification());
    fields.text(banner, told.as_ref().map(|told| told.line), unseen);
    fields.text(protocol, told.as_ref().map(|told| told.protocol), unseen);
    fields.text(software, told.as_ref().map(|told| told.software), unseen);
    fields.text(text, own.hassh_text.as_deref(), unseen);
    fields.text(hassh, own.hassh.as_ref().map(|hassh| &hassh[..]), unseen);
    fields.put(host_keys, (!own.host_keys.is_empty()).then_some(Value::List(&own.host_keys)), unseen);
}

/// What the two KEXINITs agree on.
fn agreed<'a>(ssh: &'a Ssh, fields: &mut Fields<'a>) {
    use Direction::{ToClient, ToServer};
    let unseen = ssh.sides.iter().any(Side::is_unseen);
    let ciphers = [ToServer, ToClient].map(|way| chosen(ssh, move |kexinit| kexinit.cipher(way)));
    let macs = [ToServer, ToClient].map(|way| match ciphers[way.index()] {
        Some(cipher) if kexinit::is_authenticated(cipher) => Some(&b"implicit"[..]),
        _ => chosen(ssh, move |kexinit| kexinit.mac(way)),
    });
    let compressions = [ToServer, ToClient].map(|way| chosen(ssh, move |kexinit| kexinit.compression(way)));
    fields.text(Field::SshKex, chosen(ssh, KexInit::kex), unseen);
    fields.text(Field::SshHostKeyAlgorithm, chosen(ssh, KexInit::host_key), unseen);
    fields.text(Field::SshCipherClient, ciphers[0], unseen);
    fields.text(Field::SshCipherServer, ciphers[1], unseen);
    fields.text(Field::SshMacClient, macs[0], unseen);
    fields.text(Field::SshMacServer, macs[1], unseen);
    fields.text(Field::SshCompressionClient, compressions[0], unseen);
    fields.text(Field::SshCompressionServer, compressions[1], unseen);
    let [client, server] = ssh.sides.each_ref().map(|side| side.kexinit.as_ref().map(KexInit::is_strict));
    let strict = client.zip(server).map(|(client, server)| Value::Bool(client && server));
    fields.put(Field::SshStrictKex, strict, unseen);
}

/// `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it.
fn fingerprint(key: &[u8]) -> Vec<u8> {
    [&b"SHA256:"[..], &base64::encode(&Sha256::digest(key))].concat()
}

/// Version 1 where either side knows no other.
fn version(ssh: &Ssh) -> Option<&'static [u8]> {
    if ssh.sides.iter().any(Side::is_protocol_1) {
        return Some(b"1");
    }
    let known = ssh.sides.iter().all(|side| side.identification.is_some());
    known.then_some(&b"2"[..])
}
