//! Data connections that control connections have announced: by who opens them, to whom, and the port.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::limits::{ANNOUNCEMENT_WAIT, MAX_ANNOUNCED};

/// Originator, responder and responder's port of a data connection.
pub(crate) type Ends = ([IpAddr; 2], u16);

/// A data connection, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Time of the announcement.
    since: u64,
    /// Its flow has begun.
    pub(crate) is_open: bool,
    /// Its flow is over.
    pub(crate) is_over: bool,
    pub(crate) bytes: u64,
    /// The file that it carries; none for a listing.
    pub(crate) file: Option<Vec<u8>>,
}

impl Link {
    /// True where nothing more comes of it.
    fn is_done(&self, now: u64) -> bool {
        self.is_over || (!self.is_open && now.saturating_sub(self.since) > ANNOUNCEMENT_WAIT)
    }

    /// Bytes that it holds, its place in the table included.
    fn held(&self) -> usize {
        size_of::<(Ends, Self)>() + size_of::<(u64, Ends)>() + self.file.as_ref().map_or(0, Vec::capacity)
    }
}

/// All announced data connections of a worker.
#[derive(Debug, Default)]
pub struct Links {
    links: HashMap<Ends, Link>,
    /// Each by the time of its announcement.
    oldest: BTreeSet<(u64, Ends)>,
    /// Bytes that they hold together.
    held: usize,
}

impl Links {
    /// Takes note of an announcement; false where another had to go for it.
    pub(crate) fn expect(&mut self, ends: Ends, time: u64) -> bool {
        self.remove(&ends);
        let fits = self.links.len() < MAX_ANNOUNCED.get() || self.make_room(time);
        let link = Link { since: time, ..Link::default() };
        self.held += link.held();
        self.oldest.insert((time, ends));
        self.links.insert(ends, link);
        fits
    }

    /// The link of a flow that begins now, where one was announced and is not taken yet.
    pub(crate) fn claim(&mut self, ends: &Ends, time: u64) -> bool {
        let Some(link) = self.links.get_mut(ends) else { return false };
        let fits = !link.is_open && time.saturating_sub(link.since) <= ANNOUNCEMENT_WAIT;
        link.is_open |= fits;
        fits
    }

    /// A transfer is asked for: its file has a name.
    pub(crate) fn name(&mut self, ends: &Ends, file: Vec<u8>) {
        let Some(link) = self.links.get_mut(ends) else { return };
        let before = link.held();
        link.file = Some(file);
        self.held = self.held.saturating_sub(before) + link.held();
    }

    pub(crate) fn get(&mut self, ends: &Ends) -> Option<&mut Link> {
        self.links.get_mut(ends)
    }

    pub(crate) fn remove(&mut self, ends: &Ends) -> Option<Link> {
        let gone = self.links.remove(ends)?;
        self.oldest.remove(&(gone.since, *ends));
        self.held = self.held.saturating_sub(gone.held());
        Some(gone)
    }

    /// Bytes that the links hold.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// True where any flow may be a data connection.
    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Forgets the oldest as far as they have waited too long; true where that made room, else the oldest of all goes.
    /// Each is looked at once, so that many announcements cost no more each than few.
    fn make_room(&mut self, now: u64) -> bool {
        let before = self.links.len();
        while let Some((_, ends)) = self.oldest.first().copied() {
            let is_done = self.links.get(&ends).is_none_or(|link| link.is_done(now));
            if !is_done {
                break;
            }
            self.remove(&ends);
        }
        if self.links.len() < before {
            return true;
        }
        let oldest = self.oldest.first().map(|(_, ends)| *ends);
        oldest.map(|ends| self.remove(&ends));
        false
    }

    /// Forgets what has waited too long or is over.
    pub(crate) fn forget_old(&mut self, now: u64) {
        self.links.retain(|_, link| !link.is_done(now));
        let links = &self.links;
        self.oldest.retain(|(_, ends)| links.contains_key(ends));
        self.held = self.links.values().map(Link::held).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(port: u16) -> Ends {
        (["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()], port)
    }

    #[test]
    fn an_announcement_is_taken_once_and_expires() {
        let mut links = Links::default();
        assert!(links.expect(ends(2000), 5) && !links.is_empty());
        assert!(!links.claim(&ends(2001), 6));
        assert!(links.claim(&ends(2000), 6));
        assert!(!links.claim(&ends(2000), 7), "taken");
        links.expect(ends(2002), 5);
        assert!(!links.claim(&ends(2002), 6 + ANNOUNCEMENT_WAIT));
        assert!(links.remove(&ends(2000)).is_some());
    }

    #[test]
    fn announcements_are_bounded() {
        let mut links = Links::default();
        let fits = (0..2 * MAX_ANNOUNCED.get()).filter(|port| links.expect(ends(*port as u16), 1)).count();
        assert_eq!((fits, links.links.len()), (MAX_ANNOUNCED.get(), MAX_ANNOUNCED.get()));
        assert!(links.expect(ends(60_000), 2 + ANNOUNCEMENT_WAIT), "the old ones have expired");
        assert_eq!(links.links.len(), 1);
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_announced_anew_is_young() {
        let mut links = Links::default();
        let most = MAX_ANNOUNCED.get() as u16;
        assert!((0..most).all(|port| links.expect(ends(port), u64::from(port))));
        assert!(links.expect(ends(0), u64::from(most)), "in the place of itself");
        assert!(!links.expect(ends(most), u64::from(most)), "one had to go for it");
        assert!(links.get(&ends(1)).is_none() && links.get(&ends(0)).is_some());
    }

    #[test]
    fn what_is_over_makes_room_and_what_is_open_stays() {
        let mut links = Links::default();
        for port in 0..MAX_ANNOUNCED.get() as u16 {
            links.expect(ends(port), u64::from(port));
        }
        links.get(&ends(0)).unwrap().is_over = true;
        assert!(links.claim(&ends(1), 1));
        assert!(links.expect(ends(60_000), 2000), "that which is over went");
        assert!(links.get(&ends(0)).is_none());
        assert!(!links.expect(ends(60_001), 10 * ANNOUNCEMENT_WAIT), "the oldest is open: it alone goes");
        assert!(links.get(&ends(1)).is_none() && links.get(&ends(2)).is_some());
    }

    #[test]
    fn what_is_held_is_counted_whatever_happens() {
        let mut links = Links::default();
        let count = |links: &Links| links.links.values().map(Link::held).sum::<usize>();
        for port in 0..3000 {
            links.expect(ends(port / 2), u64::from(port));
            links.name(&ends(port / 2), vec![b'a'; usize::from(port % 100)]);
            if port % 7 == 0 {
                links.remove(&ends(port / 3));
            }
            assert_eq!(links.held(), count(&links), "{port}");
        }
        links.forget_old(ANNOUNCEMENT_WAIT * 2);
        assert_eq!((links.held(), links.links.len()), (0, 0));
    }
}
