//! Where the reading thread and the workers meet: parcels go in, reports come out, both bounded.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::member::Report;
use super::parcel::Parcel;

/// Reports of one worker that nobody took; with more, it waits.
const MAX_REPORTS: usize = 8;
/// With so many, the reading thread is woken for them.
const MANY_REPORTS: usize = MAX_REPORTS / 2;
/// Parcels kept for their buffers.
const MAX_SPARE: usize = 32;

/// Shared by the reading thread and the workers.
pub(super) struct Desk {
    state: Mutex<State>,
    /// Something came for a worker, or there is room for its report.
    to_workers: Condvar,
    /// A report came.
    to_reader: Condvar,
}

struct State {
    seats: Vec<Seat>,
    spare: Vec<Parcel>,
    /// The reading thread waits until no worker has more parcels before it.
    enough: usize,
    is_over: bool,
    /// A worker has died.
    is_broken: bool,
}

#[derive(Default)]
struct Seat {
    inbox: VecDeque<Parcel>,
    outbox: VecDeque<Report>,
    is_urged: bool,
    /// What it was urged for lies in its outbox.
    is_pressing: bool,
    /// Parcels that it was given and whose last report is not in the outbox.
    open: usize,
}

impl Seat {
    fn is_worth_a_look(&self) -> bool {
        let has_nothing_to_do = self.open == 0 && !self.outbox.is_empty();
        self.is_pressing || has_nothing_to_do || self.outbox.len() >= MANY_REPORTS
    }
}

impl State {
    fn has_few(&self) -> bool {
        self.seats.iter().all(|seat| seat.open <= self.enough)
    }
}

/// What a worker is woken for.
pub(super) enum Call {
    Parcel(Box<Parcel>),
    /// Others wait for what it holds back: captures are complete as they are.
    Urged,
}

impl Desk {
    pub(super) fn new(workers: usize) -> Self {
        let seats = (0..workers).map(|_| Seat::default()).collect();
        let state = State { seats, spare: Vec::new(), enough: 0, is_over: false, is_broken: false };
        Self { state: Mutex::new(state), to_workers: Condvar::new(), to_reader: Condvar::new() }
    }

    /// Hands each worker its parcel.
    pub(super) fn send(&self, parcels: impl IntoIterator<Item = Parcel>) {
        let mut state = self.lock();
        for (seat, parcel) in state.seats.iter_mut().zip(parcels) {
            seat.inbox.push_back(parcel);
            seat.open += 1;
        }
        self.to_workers.notify_all();
    }

    /// An empty parcel.
    pub(super) fn spare(&self) -> Parcel {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Asks every worker for what it holds back.
    pub(super) fn urge(&self) {
        self.lock().seats.iter_mut().for_each(|seat| seat.is_urged = true);
        self.to_workers.notify_all();
    }

    /// The next report of a worker.
    pub(super) fn report(&self, worker: usize) -> Option<Report> {
        let mut state = self.lock();
        let seat = state.seats.get_mut(worker)?;
        let is_full = seat.outbox.len() >= MAX_REPORTS;
        let report = seat.outbox.pop_front();
        seat.is_pressing &= !seat.outbox.is_empty();
        drop(state);
        if is_full {
            self.to_workers.notify_all();
        }
        report
    }

    /// Waits, so long at most, until each worker has so few parcels before it, or one of those wanted has many reports
    /// or a pressing one; false where a worker has died. To wake for each report would cost more than it is worth.
    pub(super) fn wait(&self, most: Duration, parcels: usize, wanted: &dyn Fn(usize) -> bool) -> bool {
        let mut state = self.lock();
        state.enough = parcels;
        let is_idle = |state: &mut State| {
            let mut seats = state.seats.iter().enumerate();
            let is_any = seats.any(|(worker, seat)| wanted(worker) && seat.is_worth_a_look());
            !state.is_broken && !is_any && !state.has_few()
        };
        let waited = self.to_reader.wait_timeout_while(state, most, is_idle);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_broken
    }

    /// What a worker is to do next; none where all is over.
    pub(super) fn call(&self, worker: usize) -> Option<Call> {
        let is_idle = |state: &mut State| {
            let seat = state.seats.get(worker);
            !state.is_over && seat.is_some_and(|seat| seat.inbox.is_empty() && !seat.is_urged)
        };
        let waited = self.to_workers.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return None;
        }
        let seat = state.seats.get_mut(worker)?;
        if std::mem::take(&mut seat.is_urged) {
            return Some(Call::Urged);
        }
        seat.inbox.pop_front().map(|parcel| Call::Parcel(Box::new(parcel)))
    }

    /// Hands in a report, as soon as there is room for it.
    pub(super) fn hand_in(&self, worker: usize, report: Report) {
        let is_full = |state: &mut State| {
            let seat = state.seats.get(worker);
            !state.is_over && seat.is_some_and(|seat| seat.outbox.len() >= MAX_REPORTS)
        };
        let waited = self.to_workers.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(seat) = state.seats.get_mut(worker) else { return };
        seat.open -= usize::from(report.done.is_some());
        seat.is_pressing |= report.is_pressing;
        seat.outbox.push_back(report);
        let is_awaited = seat.is_worth_a_look() || state.has_few();
        drop(state);
        if is_awaited {
            self.to_reader.notify_one();
        }
    }

    /// Takes a parcel's buffers back.
    pub(super) fn give_back(&self, parcel: Parcel) {
        let parcel = parcel.cleared();
        let mut state = self.lock();
        if state.spare.len() < MAX_SPARE {
            state.spare.push(parcel);
        }
    }

    /// Sends all workers home.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.to_workers.notify_all();
    }

    /// A worker has died.
    pub(super) fn is_dead(&self) {
        self.lock().is_broken = true;
        self.to_reader.notify_one();
    }

    // Nothing panics while it holds the lock; the state is whole after each statement.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
