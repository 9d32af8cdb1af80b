use proptest::prelude::*;

use super::*;
use crate::flow::crafted;

const LIMITS: Limits = Limits { datagrams: 64, bytes: 1 << 20 };

fn fragments(limits: Limits) -> Fragments {
    Fragments::new(limits, ahash::RandomState::with_seeds(1, 2, 3, 4))
}

fn piece(id: u16, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    crafted::fragment("10.0.0.1", "10.0.0.2", 17, (id, offset, more), data)
}

fn take(table: &mut Fragments, time: u64, bytes: &[u8]) -> (Outcome, Findings) {
    let packet = crafted::decode_raw(bytes);
    let crate::decode::Upper::Fragment(place) = packet.upper else { panic!("no fragment") };
    table.take(&packet, place, time)
}

#[test]
fn out_of_order_fragments_are_put_together() {
    let mut table = fragments(LIMITS);
    assert_eq!(take(&mut table, 0, &piece(1, 8, false, b"rest")).0, Outcome::Pending);
    assert_eq!(take(&mut table, 0, &piece(2, 0, true, b"another!")).0, Outcome::Pending);
    let (outcome, findings) = take(&mut table, 0, &piece(1, 0, true, b"beginnin"));
    assert_eq!(outcome, Outcome::Whole(Transport::UDP, b"beginninrest".to_vec()));
    assert_eq!((findings, table.pending()), (Findings::default(), 1));
}

#[test]
fn first_copy_wins_and_the_overlap_is_told() {
    let mut table = fragments(LIMITS);
    take(&mut table, 0, &piece(1, 0, true, b"ABCDEFGHIJKLMNOP"));
    assert!(!take(&mut table, 0, &piece(1, 8, true, b"IJKLMNOP")).1.conflict);
    assert!(take(&mut table, 0, &piece(1, 8, true, b"ijklmnop")).1.conflict);
    let (outcome, _) = take(&mut table, 0, &piece(1, 16, false, b"end"));
    assert_eq!(outcome, Outcome::Whole(Transport::UDP, b"ABCDEFGHIJKLMNOPend".to_vec()));
}

#[test]
fn a_second_end_is_a_conflict() {
    let mut table = fragments(LIMITS);
    take(&mut table, 0, &piece(1, 16, false, b"end"));
    assert!(take(&mut table, 0, &piece(1, 24, false, b"end")).1.conflict);
}

#[test]
fn old_datagrams_expire_by_packet_time() {
    let mut table = fragments(LIMITS);
    take(&mut table, 0, &piece(1, 0, true, b"12345678"));
    let (_, findings) = take(&mut table, TIMEOUT, &piece(2, 0, true, b"12345678"));
    assert_eq!((findings.expired, table.pending()), (1, 1));
    assert_eq!(table.give_up(), 1);
}

#[test]
fn the_table_is_bounded_and_the_oldest_goes() {
    let mut table = fragments(Limits { datagrams: 4, bytes: 1 << 20 });
    let evicted: u64 =
        (0..100).map(|id| take(&mut table, 0, &piece(id, 0, true, b"12345678")).1.evicted).sum();
    assert_eq!((evicted, table.pending()), (96, 4));
    let mut table = fragments(Limits { datagrams: 1000, bytes: 4000 });
    for id in 0..100 {
        take(&mut table, 0, &piece(id, 0, true, &[0; 1000]));
        assert!(table.used <= 4000);
    }
}

#[test]
fn finished_datagrams_leave_no_trail() {
    let mut table = fragments(Limits { datagrams: 4, bytes: 1 << 20 });
    for id in 0..1000 {
        take(&mut table, 0, &piece(id, 0, true, b"12345678"));
        assert!(matches!(take(&mut table, 0, &piece(id, 8, false, b"9")).0, Outcome::Whole(..)));
    }
    assert!(table.order.len() <= 10 && table.used == 0);
}

#[test]
fn too_many_pieces_drop_the_datagram() {
    let mut table = fragments(LIMITS);
    let evicted: u64 = (0..=MAX_FRAGMENTS.get() as u16)
        .map(|n| take(&mut table, 0, &piece(1, n * 16, true, b"12345678")).1.evicted)
        .sum();
    assert_eq!((evicted, table.pending()), (1, 0));
}

proptest! {
    #[test]
    fn any_cut_in_any_order_gives_the_datagram(
        cut in (1usize..60, prop::collection::vec(1usize..8, 1..20)),
        order in any::<prop::sample::Index>(),
    ) {
        let (tail, sizes) = cut;
        let length = sizes.iter().sum::<usize>() * 8 + tail;
        let whole: Vec<u8> = (0..length).map(|n| (n * 31 % 256) as u8).collect();
        let mut parts = Vec::new();
        let mut at = 0;
        for size in &sizes {
            parts.push((at, at + size * 8, true));
            at += size * 8;
        }
        parts.push((at, length, false));
        let turn = order.index(parts.len());
        parts.rotate_left(turn);
        parts.reverse();
        let mut table = fragments(LIMITS);
        let mut done = Vec::new();
        for (from, to, more) in parts {
            let (outcome, findings) = take(&mut table, 0, &piece(9, from as u16, more, &whole[from..to]));
            prop_assert_eq!(findings, Findings::default());
            if let Outcome::Whole(_, payload) = outcome {
                done.push(payload);
            }
        }
        prop_assert_eq!(done, vec![whole]);
    }
}
