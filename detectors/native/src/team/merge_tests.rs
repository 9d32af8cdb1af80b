use bavn_wire::counters::Counters;
use proptest::prelude::*;

use super::*;
use crate::hub::{COUNTERS, Found, Phase};

fn counts() -> Counts {
    let (wire, hub) = (Counters::default(), [("", 0); COUNTERS]);
    Counts { wire, hub, live_flows: 0, first_time: 0, last_time: 0, kinds: Vec::new(), rules: Vec::new() }
}

fn merger(lanes: usize) -> Merger {
    let mut merger = Merger::new(vec![counts(); lanes], None);
    merger.sent();
    merger
}

/// A report of events at these places; each event is its place's text.
fn report(places: &[Place], until: Place, is_done: bool) -> Report {
    let mut found = Found::default();
    for place in places {
        found.events.extend(format!("{place:?}\n").into_bytes());
        found.ends.push((*place, found.events.len()));
        found.failures.push((*place, format!("{place:?}\n").into_bytes()));
    }
    Report { found, until, items_until: until, is_pressing: false, done: is_done.then(|| Box::new(counts())) }
}

fn place(turn: u64, flow: u64) -> Place {
    Place { turn, phase: Phase::Due, flow }
}

fn text(places: impl Iterator<Item = Place>) -> String {
    places.map(|place| format!("{place:?}\n")).collect()
}

proptest! {
    #[test]
    fn lanes_fall_into_one_order(
        finds in prop::collection::vec((1u64..20, 0usize..3), 0..60),
        cuts in prop::collection::vec(0u64..22, 0..6),
        order in any::<u64>(),
    ) {
        // A flow is one worker's, so that no place is in two lanes.
        let all: Vec<(Place, usize)> =
            finds.iter().map(|(turn, lane)| (place(*turn, *lane as u64 + 1), *lane)).collect();
        let mut cuts = cuts;
        cuts.extend([0, 22]);
        cuts.sort_unstable();
        let mut merger = merger(3);
        let mut reports = Vec::new();
        for lane in 0..3 {
            for pair in cuts.windows(2) {
                let (from, to) = (place(pair[0], 0), place(pair[1], 0));
                let mut own: Vec<_> = all.iter().filter(|(_, of)| *of == lane).map(|(at, _)| *at).collect();
                own.retain(|at| (from..to).contains(at));
                own.sort_unstable();
                reports.push((lane, report(&own, to, pair[1] == 22)));
            }
        }
        // Lanes take turns at random; each lane's own reports stay in their order.
        let mut lanes: Vec<VecDeque<Report>> = (0..3).map(|_| VecDeque::new()).collect();
        reports.into_iter().for_each(|(lane, report)| lanes[lane].push_back(report));
        let mut state = order;
        while lanes.iter().any(|lane| !lane.is_empty()) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let lane = (state >> 33) as usize % 3;
            if let Some(report) = lanes[lane].pop_front() {
                merger.take(lane, report);
            }
            merger.merge(|_| false);
        }
        let mut sorted: Vec<_> = all.iter().map(|(place, _)| *place).collect();
        sorted.sort_unstable();
        let want = text(sorted.into_iter());
        prop_assert_eq!(String::from_utf8(merger.out.events.clone()).unwrap(), want.clone());
        prop_assert_eq!(String::from_utf8(merger.out.failures.concat()).unwrap(), want);
        prop_assert_eq!(merger.open(), 0);
    }
}

#[test]
fn nothing_goes_out_before_what_may_still_come() {
    let mut merger = merger(2);
    merger.take(0, report(&[place(1, 4), place(2, 4)], place(3, 0), true));
    merger.merge(|_| false);
    assert!(merger.out.events.is_empty(), "the other worker has said nothing");
    merger.take(1, report(&[], place(2, 0), false));
    merger.merge(|_| false);
    assert_eq!(merger.out.events, text([place(1, 4)].into_iter()).into_bytes());
    merger.take(1, report(&[place(2, 3)], place(3, 0), true));
    merger.merge(|_| false);
    let want = text([place(1, 4), place(2, 3), place(2, 4)].into_iter());
    assert_eq!(merger.out.events, want.into_bytes());
}
