use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Collect {
    bytes: Vec<u8>,
    gaps: Vec<(usize, u64)>,
}

impl Receiver for Collect {
    fn data(&mut self, data: &[u8]) {
        assert!(!data.is_empty());
        self.bytes.extend_from_slice(data);
    }

    fn gap(&mut self, len: u64) {
        self.gaps.push((self.bytes.len(), len));
    }
}

struct Run {
    half: Half,
    next: u32,
    budget: Budget,
    out: Collect,
    time: u64,
    acked: Option<u32>,
}

impl Run {
    fn new(next: u32) -> Self {
        let budget = Budget { total: 1 << 20, per_stream: 1 << 18, used: 0 };
        Self { half: Half::default(), next, budget, out: Collect::default(), time: 0, acked: None }
    }

    fn push(&mut self, seq: u32, data: &[u8]) -> Findings {
        self.time += 1_000;
        let at = Arrival { seq, time: self.time, acked: self.acked };
        self.half.segment(&mut self.next, at, data, &mut self.budget, &mut self.out)
    }

    fn end(mut self) -> Collect {
        self.half.flush(&mut self.next, &mut self.budget, &mut self.out);
        assert_eq!((self.budget.used, self.half.held), (0, 0));
        self.out
    }
}

#[test]
fn in_order_passes_without_a_copy() {
    let mut run = Run::new(10);
    run.push(10, b"abc");
    run.push(13, b"def");
    assert!(run.half.pieces.is_empty() && run.half.pieces.capacity() == 0);
    assert_eq!(run.end().bytes, b"abcdef");
}

#[test]
fn sequence_numbers_wrap() {
    let mut run = Run::new(u32::MAX - 1);
    run.push(1, b"def");
    run.push(u32::MAX - 1, b"abc");
    assert_eq!(run.next, 4);
    let out = run.end();
    assert_eq!((out.bytes.as_slice(), out.gaps.len()), (&b"abcdef"[..], 0));
}

#[test]
fn first_copy_wins_and_the_conflict_is_told() {
    let mut run = Run::new(0);
    assert_eq!(run.push(3, b"DEF"), Findings::default());
    let findings = run.push(0, b"abcxyz!");
    assert!(findings.conflict && findings.again);
    assert_eq!(run.end().bytes, b"abcDEF!");
}

#[test]
fn other_bytes_after_they_were_passed_on_are_told() {
    let mut run = Run::new(0);
    run.push(0, b"GET /good");
    assert_eq!(run.push(0, b"GET /good"), Findings { again: true, ..Findings::default() });
    assert!(run.push(0, b"GET /evil").conflict);
    assert_eq!(run.end().bytes, b"GET /good");
}

#[test]
fn keep_alive_is_no_conflict() {
    let mut run = Run::new(0);
    run.push(0, b"ab");
    assert_eq!(run.push(1, b"\0"), Findings { again: true, ..Findings::default() });
    assert_eq!(run.end().bytes, b"ab");
}

#[test]
fn an_acknowledged_hole_is_a_gap_after_a_while() {
    let mut run = Run::new(0);
    run.acked = Some(8);
    run.push(4, b"efgh");
    assert!(run.out.gaps.is_empty());
    run.time += ACK_PATIENCE;
    run.push(8, b"ij");
    assert_eq!((run.out.gaps.as_slice(), run.out.bytes.as_slice()), (&[(0, 4)][..], &b"efghij"[..]));
}

#[test]
fn a_hole_that_nobody_acknowledges_is_given_up_by_age() {
    let mut run = Run::new(0);
    run.push(4, b"efgh");
    run.time += HOLE_PATIENCE - 2_000;
    run.push(8, b"i");
    assert!(run.out.gaps.is_empty());
    run.time += HOLE_PATIENCE;
    run.push(9, b"j");
    assert_eq!(run.out.bytes, b"efghij");
}

#[test]
fn a_spent_budget_gives_the_oldest_hole_up() {
    let mut run = Run::new(0);
    run.budget.per_stream = 300;
    run.push(10, &[1; 100]);
    let findings = run.push(200, &[2; 100]);
    assert_eq!(findings.evicted, 1);
    assert_eq!(run.out.gaps, [(0, 10)]);
    assert_eq!(run.push(110, &[3; 90]).evicted, 0);
    let out = run.end();
    assert_eq!((out.bytes.len(), out.gaps.len()), (290, 1));
}

#[test]
fn pieces_are_bounded() {
    let mut run = Run::new(0);
    for n in 0..10_000u32 {
        run.push(2 * n + 1, b"x");
        assert!(run.half.pieces.len() <= MAX_SEGMENTS.get());
        assert!(run.half.held <= run.budget.per_stream);
    }
}

#[test]
fn far_ahead_is_ignored() {
    let mut run = Run::new(0);
    assert!(run.push(MAX_WINDOW + 5, b"x").out_of_window);
    run.push(0, b"ab");
    assert_eq!(run.end().bytes, b"ab");
}

/// A cut of the stream: segments that together hold each byte at least once, in any order.
fn segments(len: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let extra = prop::collection::vec((0..len, 1..40usize), 0..20);
    // At least 4 bytes each on average: more pieces than MAX_SEGMENTS would spend the budget.
    (prop::collection::vec(4..30usize, 1..40), extra).prop_flat_map(move |(sizes, extra)| {
        let mut all = Vec::new();
        let mut at = 0;
        for size in sizes.iter().cycle() {
            let end = (at + size).min(len);
            all.push((at, end));
            at = end;
            if at == len {
                break;
            }
        }
        all.extend(extra.into_iter().map(|(from, size)| (from, (from + size).min(len))));
        Just(all).prop_shuffle()
    })
}

proptest! {
    #[test]
    fn split_reorder_duplicate_overlap_give_the_same_bytes(parts in segments(500), start in any::<u32>()) {
        let stream: Vec<u8> = (0..500u32).map(|n| (n * 7 % 251) as u8).collect();
        let mut run = Run::new(start);
        for (from, to) in parts {
            let findings = run.push(start.wrapping_add(from as u32), &stream[from..to]);
            prop_assert!(!findings.conflict && findings.evicted == 0);
        }
        let out = run.end();
        prop_assert_eq!(out.bytes, stream);
        prop_assert!(out.gaps.is_empty());
    }

    #[test]
    fn lost_segments_are_gaps_of_their_length(parts in segments(300), lost in prop::collection::vec(any::<bool>(), 100)) {
        let stream: Vec<u8> = (0..300u32).map(|n| n as u8).collect();
        let mut seen = [false; 300];
        let mut run = Run::new(7);
        for ((from, to), _) in parts.iter().zip(lost).filter(|(_, lost)| !lost) {
            seen[*from..*to].fill(true);
            run.push(7 + *from as u32, &stream[*from..*to]);
        }
        let last = seen.iter().rposition(|seen| *seen).map_or(0, |last| last + 1);
        let out = run.end();
        let want: Vec<u8> = stream.iter().zip(seen).filter(|(_, seen)| *seen).map(|(byte, _)| *byte).collect();
        prop_assert_eq!(out.bytes, want);
        prop_assert_eq!(out.gaps.iter().map(|(_, len)| len).sum::<u64>() as usize, seen[..last].iter().filter(|s| !**s).count());
    }

    #[test]
    fn whatever_comes_is_bounded_and_in_order(
        parts in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 1..50)), 0..300),
        per_stream in 0usize..2000,
    ) {
        let mut run = Run::new(0);
        run.budget.per_stream = per_stream;
        for (seq, data) in parts {
            run.push(u32::from(seq), &data);
            prop_assert!(run.half.held <= per_stream + MAX_SEGMENTS.get() * PIECE_OVERHEAD);
        }
        run.end();
    }
}
