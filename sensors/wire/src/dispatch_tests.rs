use proptest::prelude::*;

use super::*;
use crate::flow::crafted::{fragment, frame, ip, udp};

fn worker_of(data: &[u8]) -> usize {
    Dispatcher::new(64, &WireConfig::default()).route(&frame(1, data)).worker
}

/// A packet of IP in IP.
fn tunnelled(from: &str, to: &str, inner: &[u8]) -> Vec<u8> {
    ip(from, to, 4, inner)
}

proptest! {
    #[test]
    fn two_hosts_have_one_worker(a in any::<[u8; 4]>(), b in any::<[u8; 4]>(), ports in any::<[u16; 4]>()) {
        let name = |[w, x, y, z]: [u8; 4]| format!("{w}.{x}.{y}.{z}");
        let (a, b) = (name(a), name(b));
        prop_assume!(!dhcp::is_port([ports[0], ports[1]]) && !dhcp::is_port([ports[2], ports[3]]));
        let there = udp(&a, ports[0], &b, ports[1], b"x");
        let back = udp(&b, ports[2], &a, ports[3], b"x");
        prop_assert_eq!(worker_of(&there), worker_of(&back));
        let inside = tunnelled("192.0.2.1", "192.0.2.2", &there);
        prop_assert_eq!(worker_of(&there), worker_of(&inside), "a tunnel changes nothing");
    }

    #[test]
    fn workers_share_evenly(workers in 2usize..9, first in any::<u16>()) {
        let mut dispatcher = Dispatcher::new(workers, &WireConfig::default());
        let mut tally = vec![0; workers];
        for n in 0..4000u32 {
            let number = u32::from(first) + n;
            let from = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
            let data = udp(&from, 9999, "192.0.2.1", 9998, b"x");
            tally[dispatcher.route(&frame(1, &data)).worker] += 1;
        }
        prop_assert!(tally.iter().all(|one| (*one as usize).abs_diff(4000 / workers) < 400), "{:?}", tally);
    }

    #[test]
    fn random_bytes_go_somewhere(data in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(worker_of(&data) < 64);
    }
}

#[test]
fn fragments_go_where_their_datagram_goes() {
    let whole = udp("10.0.0.1", 4000, "192.0.2.1", 4001, &[7; 64]);
    let inside = tunnelled("198.51.100.1", "198.51.100.2", &whole);
    let body = &inside[20..];
    let mut dispatcher = Dispatcher::new(64, &WireConfig::default());
    let first = fragment("198.51.100.1", "198.51.100.2", 4, (7, 0, true), &body[..48]);
    let last = fragment("198.51.100.1", "198.51.100.2", 4, (7, 48, false), &body[48..]);
    let route = dispatcher.route(&frame(1, &first));
    assert_eq!(route, Route { part: OwnedPart::Pending, ..Route::default() });
    let route = dispatcher.route(&frame(2, &last));
    assert_eq!(route.worker, worker_of(&whole));
    assert_eq!(route.part.part(), Part::Whole(Transport(4), body));
    let other = fragment("198.51.100.1", "198.51.100.2", 17, (8, 0, true), &[1; 16]);
    assert!(!dispatcher.route(&frame(3, &other)).telling.overlap);
    let again = fragment("198.51.100.1", "198.51.100.2", 17, (8, 0, true), &[2; 16]);
    assert!(dispatcher.route(&frame(4, &again)).telling.overlap);
    dispatcher.finish();
    assert_eq!(dispatcher.counters().fragments_expired, 1);
}

#[test]
fn dhcp_and_what_is_no_packet_are_the_firsts() {
    for host in 0..50 {
        let data = udp(&format!("10.0.0.{host}"), 68, "255.255.255.255", 67, b"x");
        assert_eq!(worker_of(&data), 0);
    }
    assert_eq!(worker_of(b""), 0);
}

#[test]
fn time_ticks_once_a_second_and_follows_another_clock() {
    let mut dispatcher = Dispatcher::new(2, &WireConfig::default());
    let ticks = [100, 100, 101, 100, 99, 40, 41].map(|second| dispatcher.ticks(second * TICK));
    assert_eq!(ticks, [true, false, true, false, false, true, true]);
}

#[test]
fn one_sender_of_wrong_checksums_is_told_of_once() {
    let config = WireConfig { checksums: true, ..WireConfig::default() };
    let mut dispatcher = Dispatcher::new(4, &config);
    let told: Vec<_> = (0..100u16)
        .map(|n| {
            let data = udp("10.0.0.1", 4000 + n, &format!("192.0.2.{n}"), 4001, b"x");
            dispatcher.route(&frame(1, &data)).telling.offload
        })
        .collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
}
