//! Conversations made by hand, after C706 12.6.

use super::*;
use crate::messages::Direction::{ToClient, ToServer};
use crate::proto::testing::Recorder;

const ALL_FIELDS: &[crate::fields::Field] = &{
    let lists = [event::FIELDS, crate::proto::ntlm::FIELDS];
    let mut all = [crate::fields::Field::UserName; event::FIELDS.len() + crate::proto::ntlm::FIELDS.len()];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            all[at] = lists[list][row];
            (at, row) = (at + 1, row + 1);
        }
        list += 1;
    }
    all
};

/// Writes numbers in one order or the other.
#[derive(Clone, Copy)]
struct Maker {
    is_big: bool,
}

impl Maker {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.is_big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.is_big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn fragment(self, kind: u8, flags: u8, call: u32, body: &[u8], auth: &[u8]) -> Vec<u8> {
        let mut out = vec![5, 0, kind, flags, if self.is_big { 0 } else { 0x10 }, 0, 0, 0];
        let trailer = if auth.is_empty() { 0 } else { 8 + auth.len() };
        out.extend(self.u16((16 + body.len() + trailer) as u16));
        out.extend(self.u16(auth.len() as u16));
        out.extend(self.u32(call));
        out.extend_from_slice(body);
        if !auth.is_empty() {
            out.extend([10, 6, 0, 0, 0, 0, 0, 0]);
            out.extend_from_slice(auth);
        }
        out
    }

    /// svcctl, version 2.0.
    fn bind(self, auth: &[u8]) -> Vec<u8> {
        let mut body = [self.u16(4280), self.u16(4280)].concat();
        body.extend([0; 4]);
        body.extend([1, 0, 0, 0]);
        body.extend(self.u16(3));
        body.extend([1, 0]);
        body.extend(self.u32(0x367a_bb81));
        body.extend(self.u16(0x9844));
        body.extend(self.u16(0x35f1));
        body.extend(0xad32_98f0_3800_1003u64.to_be_bytes());
        body.extend(self.u32(2));
        body.extend([0; 20]);
        self.fragment(11, 3, 1, &body, auth)
    }

    fn bind_ack(self) -> Vec<u8> {
        let mut body = [0; 8].to_vec();
        body.extend(self.u16(4));
        body.extend(b"135\0\0\0");
        body.extend([1, 0, 0, 0]);
        body.extend([0; 24]);
        self.fragment(12, 3, 1, &body, b"")
    }

    fn request(self, flags: u8, call: u32, number: u16, stub: &[u8]) -> Vec<u8> {
        let body = [&self.u32(0)[..], &self.u16(3), &self.u16(number), stub].concat();
        self.fragment(0, flags, call, &body, b"")
    }

    fn response(self, flags: u8, call: u32, stub: &[u8]) -> Vec<u8> {
        let body = [&self.u32(0)[..], &self.u16(3), &[0, 0], stub].concat();
        self.fragment(2, flags, call, &body, b"")
    }

    fn fault(self, call: u32, status: u32) -> Vec<u8> {
        let body = [&self.u32(0)[..], &self.u16(3), &[0, 0], &self.u32(status), &[0; 4]].concat();
        self.fragment(3, 3, call, &body, b"")
    }

    fn session(self) -> Vec<(Direction, Vec<u8>)> {
        vec![
            (ToServer, self.bind(b"")),
            (ToClient, self.bind_ack()),
            (ToServer, self.request(1, 2, 12, &[0; 100])),
            (ToServer, self.request(2, 2, 12, &[0; 50])),
            (ToClient, self.response(1, 2, &[0; 30])),
            (ToClient, self.response(2, 2, &[0; 7])),
            (ToServer, self.request(3, 3, 19, &[])),
            (ToClient, self.fault(3, 5)),
            (ToServer, self.request(3, 4, 0, &[])),
        ]
    }
}

fn run(messages: &[(Direction, Vec<u8>)], step: usize) -> Recorder {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut parser = DceRpc::default();
    for (way, message) in messages {
        for piece in message.chunks(step) {
            recorder.with(1, |cx| parser.data(*way, piece, cx));
        }
    }
    recorder.with(1, |cx| parser.close(Close::End, cx));
    recorder
}

fn told(recorder: &Recorder) -> Vec<String> {
    let names = ["endpoint", "operation", "opnum", "request_bytes", "response_bytes", "status", "fault"];
    let row = |seen: &&crate::proto::testing::Seen| {
        names.map(|name| seen.get(&format!("bavn.dce_rpc.{name}")).to_owned()).join(" ")
    };
    recorder.events().iter().map(row).collect()
}

#[test]
fn calls_are_told_in_both_orders_of_bytes_and_however_they_are_split() {
    for is_big in [false, true] {
        let session = Maker { is_big }.session();
        for step in (1..150).chain([usize::MAX]) {
            let recorder = run(&session, step);
            assert_eq!(
                told(&recorder),
                [
                    "svcctl CreateServiceW 12 150 37 response ",
                    "svcctl StartServiceW 19 0  fault nca_s_fault_access_denied",
                    "svcctl CloseServiceHandle 0 0 ? ? ",
                ]
            );
            let event = recorder.events()[0];
            assert_eq!(event.get("bavn.dce_rpc.interface.uuid"), "367abb81-9844-35f1-ad32-98f038001003");
            assert_eq!(event.get("bavn.dce_rpc.interface.version"), "2.0");
            assert_eq!(event.get("bavn.dce_rpc.auth_level"), "none");
            assert!(recorder.weird().is_empty());
        }
    }
}

#[test]
fn a_call_without_its_bind_has_an_unobserved_interface() {
    let recorder = run(&Maker { is_big: false }.session()[2..], usize::MAX);
    let event = recorder.events()[0];
    assert_eq!(event.get("bavn.dce_rpc.interface.uuid"), "?");
    assert_eq!(event.get("bavn.dce_rpc.operation"), "?");
    assert_eq!(event.get("bavn.dce_rpc.opnum"), "12");
    assert_eq!(event.get("bavn.dce_rpc.auth_type"), "?");
}

#[test]
fn an_answer_without_its_call_is_told() {
    let recorder = run(&[(ToClient, Maker { is_big: false }.response(3, 9, &[1]))], usize::MAX);
    assert_eq!(told(&recorder), ["? ? ? ?  response "]);
}

#[test]
fn ntlm_in_a_bind_is_an_event_of_its_own() {
    use crate::proto::ntlm::tests::{authenticate, challenge, response2};
    let maker = Maker { is_big: false };
    let mut ack = maker.bind_ack();
    let token = challenge();
    let len = (ack.len() + 8 + token.len()) as u16;
    ack[8..10].copy_from_slice(&len.to_le_bytes());
    ack[10..12].copy_from_slice(&(token.len() as u16).to_le_bytes());
    ack.extend([10, 6, 0, 0, 0, 0, 0, 0]);
    ack.extend(token);
    let messages = [
        (ToServer, maker.bind(b"NTLMSSP\0\x01\0\0\0\x01\x02\0\0")),
        (ToClient, ack),
        (ToServer, maker.fragment(16, 3, 1, &[0; 4], &authenticate("ann", &response2()))),
        (ToServer, maker.request(3, 2, 15, &[])),
        (ToClient, maker.response(3, 2, &[])),
    ];
    let recorder = run(&messages, usize::MAX);
    let events = recorder.events();
    assert_eq!(events[0].kind, EventKind::Ntlm);
    assert_eq!(events[0].get("user.name"), "ann");
    assert_eq!(events[0].get("bavn.ntlm.carrier"), "dce_rpc");
    assert_eq!(events[0].get("bavn.ntlm.success"), "true");
    assert_eq!(events[1].get("bavn.dce_rpc.operation"), "OpenSCManagerW");
    assert_eq!(events[1].get("user.name"), "ann");
    assert_eq!(events[1].get("bavn.dce_rpc.encrypted"), "true");
}

#[test]
fn a_gap_costs_what_it_hides() {
    let maker = Maker { is_big: false };
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut parser = DceRpc::default();
    let long = maker.request(3, 2, 12, &[0; 500]);
    recorder.with(1, |cx| parser.data(ToServer, &maker.bind(b""), cx));
    recorder.with(1, |cx| parser.data(ToServer, &long[..100], cx));
    recorder.with(1, |cx| parser.gap(ToServer, 300, cx));
    recorder.with(1, |cx| parser.data(ToServer, &long[400..], cx));
    recorder.with(1, |cx| parser.data(ToServer, &maker.request(3, 3, 19, &[]), cx));
    recorder.with(1, |cx| parser.gap(ToServer, 999, cx));
    recorder.with(1, |cx| parser.data(ToServer, b"in the midst of something", cx));
    recorder.with(1, |cx| parser.data(ToServer, &maker.request(3, 4, 2, &[]), cx));
    recorder.with(1, |cx| parser.close(Close::End, cx));
    let numbers: Vec<_> =
        recorder.events().iter().map(|event| event.get("bavn.dce_rpc.opnum").to_owned()).collect();
    assert_eq!(numbers, ["12", "19", "2"]);
}

#[test]
fn limits_are_counted_and_told() {
    let maker = Maker { is_big: false };
    let calls =
        (0..limits::MAX_CALLS.get() as u32 + 3).map(|call| (ToServer, maker.request(3, call + 10, 1, &[])));
    let recorder = run(&calls.collect::<Vec<_>>(), usize::MAX);
    assert_eq!(recorder.events().len(), limits::MAX_CALLS.get() + 3);
    assert_eq!(recorder.counters.parser_limit, 3);
    assert_eq!(recorder.weird(), ["dce_rpc_limit"]);
}

#[test]
fn changed_bytes_and_noise_are_borne() {
    for is_big in [false, true] {
        let session = Maker { is_big }.session();
        for (row, (_, message)) in session.iter().enumerate() {
            for at in 0..message.len() {
                for value in [0, 1, 0x80, 0xff] {
                    let mut bad = session.clone();
                    bad[row].1[at] = value;
                    run(&bad, usize::MAX);
                }
            }
        }
    }
}

#[test]
fn probe_wants_the_whole_header_to_fit() {
    let bind = Maker { is_big: false }.bind(b"");
    assert_eq!(pdu::probe(&bind), Probe::Yes);
    assert_eq!(pdu::probe(&bind[..9]), Probe::More);
    // SOCKS 5.
    assert_eq!(pdu::probe(b"\x05\x01\x00\x05\x01\x00\x00\x01\x7f"), Probe::No);
    assert_eq!(pdu::probe(b"\x05\x00\x0b\x03\x10\x00\x00\x00\x0f\x00\x00\x00\x01\x00\x00\x00"), Probe::No);
}
