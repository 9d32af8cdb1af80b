use super::*;

fn frame(time: u64, data: &[u8]) -> Frame<'_> {
    Frame {
        time,
        link: LinkType::ETHERNET,
        interface: 0,
        wire_len: data.len() as u32 + 4,
        vlan_tci: None,
        data,
    }
}

/// Time and data of each packet of a file.
fn packets(pcap: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_3c4d, 1));
    let mut at = 24;
    let mut out = Vec::new();
    while at < pcap.len() {
        let len = word(at + 8) as usize;
        assert!(word(at + 12) as usize >= len);
        out.push((
            u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4)),
            pcap[at + 16..at + 16 + len].to_vec(),
        ));
        at += 16 + len;
    }
    out
}

fn record(ring: &mut Ring, slot: u32, n: u64) {
    ring.advance(n);
    ring.record(slot, u64::from(slot) + 1, &frame(n, format!("{slot:03}:{n:012}.").as_bytes()));
}

fn times(evidence: &Evidence) -> Vec<u64> {
    let packets = packets(&evidence.pcap);
    assert_eq!(packets.len(), evidence.packets as usize);
    packets.into_iter().map(|(time, _)| time).collect()
}

#[test]
fn first_before_and_after_are_kept_of_that_flow_only() {
    let mut ring = Ring::new(1 << 20);
    for n in 0..100 {
        record(&mut ring, (n % 2) as u32, n);
    }
    let pin = ring.pin(0, 1, 100, false, false).unwrap();
    for n in 100..140 {
        record(&mut ring, (n % 2) as u32, n);
    }
    let all = ring.take();
    assert_eq!((all.len(), all[0].pin, all[0].flow), (1, pin, 1));
    let want: Vec<u64> = (0..32).chain(68..116).filter(|n| n % 2 == 0).collect();
    assert_eq!(times(&all[0]), want);
    assert_eq!(packets(&all[0].pcap)[0].1, b"000:000000000000.");
}

#[test]
fn a_pin_is_complete_after_a_second_or_with_its_flow() {
    let mut ring = Ring::new(1 << 20);
    record(&mut ring, 0, 1);
    record(&mut ring, 1, 2);
    ring.pin(0, 1, 2, false, false).unwrap();
    ring.pin(1, 2, 2, false, false).unwrap();
    ring.flow_over(2);
    assert_eq!(ring.take().len(), 1);
    ring.advance(PATIENCE + 1);
    assert!(ring.take().is_empty());
    ring.advance(PATIENCE + 2);
    assert_eq!(ring.take().len(), 1);
}

#[test]
fn what_was_written_over_is_not_given() {
    let mut ring = Ring::new(1000);
    for n in 0..1000 {
        record(&mut ring, (n % 3) as u32, n);
    }
    ring.pin(0, 1, 0, true, false).unwrap();
    let times = times(&ring.take()[0]);
    assert!(!times.is_empty() && times.len() < 10);
    assert!(times.iter().all(|time| time % 3 == 0 && *time > 900), "{times:?}");
}

#[test]
fn a_flow_that_was_replaced_in_its_slot_can_still_be_pinned() {
    let mut ring = Ring::new(1 << 16);
    ring.record(0, 1, &frame(5, b"old"));
    ring.record(0, 2, &frame(6, b"new"));
    ring.pin(0, 1, 6, true, false).unwrap();
    assert_eq!(times(&ring.take()[0]), [5]);
    assert_eq!(ring.pin(0, 77, 6, true, false), None);
}

#[test]
fn a_tag_that_the_kernel_took_off_is_put_back() {
    let mut ring = Ring::new(1 << 16);
    let mut tagged = frame(5, b"aaaaaabbbbbb\x08\x00rest");
    tagged.vlan_tci = Some(0x2064);
    ring.record(0, 1, &tagged);
    ring.pin(0, 1, 5, true, false).unwrap();
    assert_eq!(packets(&ring.take()[0].pcap)[0].1, b"aaaaaabbbbbb\x81\x00\x20\x64\x08\x00rest");
}

#[test]
fn pins_are_bounded() {
    let mut ring = Ring::new(1 << 16);
    ring.record(0, 1, &frame(5, b"x"));
    for _ in 0..MAX_WAITING.get() + MAX_FINISHED.get() {
        assert!(ring.pin(0, 1, 5, false, false).is_some());
    }
    assert_eq!((ring.waiting.len(), ring.finished.len()), (MAX_WAITING.get(), MAX_FINISHED.get()));
    assert_eq!((ring.pin(0, 1, 5, false, false), ring.tally.refused), (None, 1));
    // What was promised once is kept.
    ring.finish_all();
    assert_eq!(ring.take().len(), MAX_WAITING.get() + MAX_FINISHED.get());
    assert_eq!(ring.held, 0);
}

#[test]
fn bytes_of_all_pins_are_bounded() {
    let mut ring = Ring::new(16 << 20);
    let large = vec![7; MAX_FRAME];
    for n in 0..40 {
        ring.advance(n);
        ring.record(0, 1, &frame(n, &large));
    }
    let pins = (0..100).filter(|_| ring.pin(0, 1, 40, false, false).is_some()).count();
    for n in 40..60 {
        ring.record(0, 1, &frame(n, &large));
    }
    ring.finish_all();
    let tally = ring.tally;
    assert!(tally.cut > 0 && pins as u64 + tally.refused == 100);
    let all = ring.take();
    assert_eq!(all.len(), pins);
    let bytes: usize = all.iter().map(|evidence| evidence.pcap.len()).sum();
    assert!(bytes <= MAX_EVIDENCE.get() + pins * 24 && bytes > MAX_EVIDENCE.get() / 2, "{bytes}");
}

#[test]
fn a_pin_does_not_wait_for_a_clock_that_was_set_back() {
    let mut ring = Ring::new(1 << 20);
    let hour = 3600 * PATIENCE;
    record(&mut ring, 0, hour);
    ring.pin(0, 1, hour, false, false).unwrap();
    ring.advance(hour - PATIENCE / 2);
    assert!(ring.take().is_empty(), "packets out of order are no other clock");
    ring.advance(5);
    assert_eq!(ring.take().len(), 1);
}

#[test]
fn no_ring_keeps_nothing() {
    let mut ring = Ring::new(0);
    assert!(!ring.is_on());
    assert_eq!(ring.pin(0, 1, 5, false, false), None);
}
