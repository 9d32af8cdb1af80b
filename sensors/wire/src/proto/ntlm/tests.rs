//! Messages after the shape of [MS-NLMP] 4.2, with names of our own.

use super::*;
use crate::proto::testing::Recorder;

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Puts texts behind a head of `head` bytes, whose descriptors stand at the given places.
fn message(kind: u8, head: usize, flags_at: usize, flags: u32, texts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut out = b"NTLMSSP\0".to_vec();
    out.extend([kind, 0, 0, 0]);
    out.resize(head, 0);
    out[flags_at..flags_at + 4].copy_from_slice(&flags.to_le_bytes());
    for (place, text) in texts {
        let (len, at) = (text.len() as u16, out.len() as u32);
        out[*place..place + 2].copy_from_slice(&len.to_le_bytes());
        out[place + 2..place + 4].copy_from_slice(&len.to_le_bytes());
        out[place + 4..place + 8].copy_from_slice(&at.to_le_bytes());
        out.extend_from_slice(text);
    }
    out
}

fn pairs(list: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, value) in list {
        out.extend(kind.to_le_bytes());
        out.extend((value.len() as u16).to_le_bytes());
        out.extend_from_slice(value);
    }
    out.extend([0; 4]);
    out
}

const FLAGS: u32 = 0x0008_0201;

pub(crate) fn challenge() -> Vec<u8> {
    let (computer, domain, dns) = (wide("FILES"), wide("EXAMPLE"), wide("files.example"));
    let info =
        pairs(&[(2, &domain), (1, &computer), (3, &dns), (7, &116_444_736_010_000_000u64.to_le_bytes())]);
    message(2, 56, 20, FLAGS, &[(12, &domain), (40, &info)])
}

pub(crate) fn authenticate(user: &str, nt: &[u8]) -> Vec<u8> {
    let texts = [(28, wide("EXAMPLE")), (36, wide(user)), (44, wide("DESK11")), (20, nt.to_vec())];
    let texts: Vec<(usize, &[u8])> = texts.iter().map(|(at, text)| (*at, &text[..])).collect();
    message(3, 72, 60, FLAGS, &texts)
}

/// The secret parts are letters that can be looked for.
pub(crate) fn response2() -> Vec<u8> {
    let mut response = vec![b'S'; 44];
    response.extend(pairs(&[(6, &2u32.to_le_bytes()), (9, &wide("cifs/files"))]));
    response
}

fn run(tokens: &[&[u8]], outcome: Outcome) -> Recorder {
    let mut recorder = Recorder::new(FIELDS);
    let mut exchange = Exchange::default();
    for token in tokens {
        recorder.with(1, |cx| exchange.token(token, cx));
    }
    recorder.with(1, |cx| exchange.finish("smb", outcome, Some(b"STATUS_SUCCESS"), cx));
    recorder
}

#[test]
fn an_authentication_is_told_without_its_secrets() {
    let recorder = run(&[&challenge(), &authenticate("ann", &response2())], Outcome::Success);
    let event = recorder.events()[0];
    for (field, value) in [
        ("user.name", "ann"),
        ("user.domain", "EXAMPLE"),
        ("bavn.ntlm.workstation", "DESK11"),
        ("bavn.ntlm.response", "NTLMv2"),
        ("bavn.ntlm.server.netbios_computer", "FILES"),
        ("bavn.ntlm.server.dns_computer", "files.example"),
        ("bavn.ntlm.server.time", "1000000000"),
        ("bavn.ntlm.service", "cifs/files"),
        ("bavn.ntlm.mic", "true"),
        ("bavn.ntlm.success", "true"),
        ("bavn.ntlm.flags", "UNICODE|NTLM|EXTENDED_SESSIONSECURITY"),
    ] {
        assert_eq!(event.get(field), value, "{field}");
    }
    assert!(FIELDS.iter().all(|field| !event.get(field.name()).contains("SSS")));
}

#[test]
fn kinds_of_responses_follow_lengths_and_flags() {
    let kind = |user: &str, nt: &[u8]| {
        run(&[&authenticate(user, nt)], Outcome::Failure).events()[0].get("bavn.ntlm.response").to_owned()
    };
    assert_eq!(kind("ann", &[1; 24]), "NTLMv1 with session security");
    assert_eq!(kind("ann", &response2()), "NTLMv2");
    assert_eq!(kind("", b""), "anonymous");
    assert_eq!(kind("ann", b""), "none");
}

#[test]
fn what_was_not_seen_is_unobserved() {
    let recorder = run(&[&challenge()], Outcome::Unobserved);
    let event = recorder.events()[0];
    assert_eq!(event.get("user.name"), "?");
    assert_eq!(event.get("bavn.ntlm.success"), "?");
    let recorder = run(&[&authenticate("ann", &[1; 24])], Outcome::Unobserved);
    assert_eq!(recorder.events()[0].get("bavn.ntlm.server.netbios_computer"), "?");
}

#[test]
fn mechanisms_are_told_apart() {
    use mechanism::{Mechanism, offered, used};
    assert_eq!(used(&challenge()), Some(Mechanism::Ntlm));
    assert_eq!(
        used(b"\x60\x06\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e"),
        Some(Mechanism::Kerberos)
    );
    assert_eq!(used(b"\x60\x06"), None);
    let both =
        b"\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
    assert_eq!(offered(both), [Mechanism::Kerberos, Mechanism::Ntlm]);
}

#[test]
fn every_cut_and_every_changed_byte_is_borne() {
    for whole in [challenge(), authenticate("ann", &response2())] {
        for cut in 0..whole.len() {
            run(&[&whole[..cut]], Outcome::Unobserved);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = whole.clone();
                bad[at] = value;
                run(&[&bad], Outcome::Unobserved);
            }
        }
    }
    let recorder = run(&[b"NTLMSSP\0\x03\0\0\0"], Outcome::Unobserved);
    assert_eq!(recorder.weird(), ["ntlm_malformed"]);
}
