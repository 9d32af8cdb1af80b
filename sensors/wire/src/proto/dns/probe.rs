//! Is it DNS? Decided by content: a sane header, questions and records that parse.

use super::limits::PROBE_RECORDS;
use super::parse::{Header, Malformed, Question, Record};
use crate::proto::Probe;

/// Probe: questions that one message may reasonably have.
const MAX_QUESTIONS: u16 = 32;
/// Probe: the same where all of them can be looked at: multicast DNS asks for many services at once.
const MAX_KNOWN_QUESTIONS: u16 = 256;

/// Looks at one whole message.
pub(super) fn message(bytes: &[u8], port_53: bool) -> Probe {
    let Ok(header) = Header::read(bytes) else { return Probe::No };
    let yes = if port_53 { lenient(bytes, &header) } else { strict(bytes, &header) };
    if yes { Probe::Yes } else { Probe::No }
}

/// Looks at the begin of a stream: length, then a message that may not be whole yet.
pub(super) fn stream(bytes: &[u8]) -> Probe {
    let Some((&length, body)) = bytes.split_first_chunk::<2>() else { return Probe::More };
    let length = usize::from(u16::from_be_bytes(length));
    if length <= Header::LEN {
        return Probe::No;
    }
    let body = body.get(..length).unwrap_or(body);
    let Ok(header) = Header::read(body) else { return Probe::More };
    if !plausible(&header, MAX_QUESTIONS) || header.counts[0] == 0 {
        return Probe::No;
    }
    match first_question(body) {
        Ok(known) => {
            if known {
                Probe::Yes
            } else {
                Probe::No
            }
        }
        Err(Malformed::Truncated) if body.len() < length => Probe::More,
        Err(_) => Probe::No,
    }
}

/// On port 53 odd types, classes, flags and broken answers are let in: they are what an analyst wants to see.
fn lenient(bytes: &[u8], header: &Header) -> bool {
    match header.counts[0] {
        0 => header.flags.is_response() && header.flags.opcode() <= 6,
        1..=MAX_QUESTIONS => Question::skip(bytes, Header::LEN).is_ok(),
        _ => false,
    }
}

fn strict(bytes: &[u8], header: &Header) -> bool {
    plausible(header, MAX_KNOWN_QUESTIONS) && sections(bytes, header).unwrap_or(false) && !is_netbios(bytes)
}

fn plausible(header: &Header, most: u16) -> bool {
    let [questions, answers, _, additional] = header.counts;
    let opcode = matches!(header.flags.opcode(), 0 | 1 | 2 | 4 | 5);
    let some = if header.flags.is_response() { questions > 0 || answers > 0 } else { questions > 0 };
    let update = header.flags.opcode() == 5;
    let few = questions <= most && (update || header.flags.is_response() || additional <= 16);
    opcode && some && few
}

fn first_question(bytes: &[u8]) -> Result<bool, Malformed> {
    Question::skip(bytes, Header::LEN).map(|question| known_class(question.qclass))
}

/// Walks questions and records; false where a class is none we know.
fn sections(bytes: &[u8], header: &Header) -> Result<bool, Malformed> {
    let mut at = Header::LEN;
    for _ in 0..header.counts[0] {
        let question = Question::skip(bytes, at)?;
        if question.qtype == 0 || !known_class(question.qclass) {
            return Ok(false);
        }
        at = question.next;
    }
    for _ in 0..header.records().min(PROBE_RECORDS) {
        let record = Record::read(bytes, at)?;
        // The class of OPT is a buffer size (RFC 6891 6.1.2).
        if record.rtype != 41 && !known_class(record.class) {
            return Ok(false);
        }
        at = record.next;
    }
    Ok(true)
}

/// The top bit is multicast DNS's (RFC 6762 5.4, 10.2).
fn known_class(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

/// NetBIOS name service has DNS's form, with names of 32 letters A to P (RFC 1001 14.1).
fn is_netbios(bytes: &[u8]) -> bool {
    let name = bytes.get(Header::LEN..).and_then(<[u8]>::split_first);
    let Some((&32, label)) = name else { return false };
    let encoded = label.get(..32).is_some_and(|label| label.iter().all(|byte| (b'A'..=b'P').contains(byte)));
    let first = Question::skip(bytes, Header::LEN);
    encoded && first.is_ok_and(|question| matches!(question.qtype, 0x20 | 0x21))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(count: u16) -> Vec<u8> {
        let head = [&[0; 4][..], &count.to_be_bytes(), &[0; 6]].concat();
        [head, [&[1, b'a'][..], &[0, 0, 33, 0, 1]].concat().repeat(usize::from(count))].concat()
    }

    #[test]
    fn multicast_asks_many_questions_in_one_datagram_alone() {
        for (count, is_dns) in [(1, Probe::Yes), (81, Probe::Yes), (256, Probe::Yes), (257, Probe::No)] {
            assert_eq!(message(&asking(count), false), is_dns, "{count}");
        }
        let many = asking(81);
        assert_eq!(stream(&[&(many.len() as u16).to_be_bytes()[..], &many].concat()), Probe::No);
    }
}
