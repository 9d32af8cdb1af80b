//! Where the reading thread and the workers meet: parcels go in, reports come out, both bounded.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::member::Report;
use super::parcel::Parcel;

/// Reports of one worker that nobody took; with more, it waits.
const MAX_REPORTS: usize = 8;
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
    is_over: bool,
    /// A worker has died.
    is_broken: bool,
}

#[derive(Default)]
struct Seat {
    inbox: VecDeque<Parcel>,
    outbox: VecDeque<Report>,
    is_urged: bool,
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
        let state = State { seats, spare: Vec::new(), is_over: false, is_broken: false };
        Self { state: Mutex::new(state), to_workers: Condvar::new(), to_reader: Condvar::new() }
    }

    /// Hands each worker its parcel.
    pub(super) fn send(&self, parcels: impl IntoIterator<Item = Parcel>) {
        let mut state = self.lock();
        for (seat, parcel) in state.seats.iter_mut().zip(parcels) {
            seat.inbox.push_back(parcel);
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
        let report = self.lock().seats.get_mut(worker)?.outbox.pop_front();
        if report.is_some() {
            self.to_workers.notify_all();
        }
        report
    }

    /// Waits for a report of one of those workers, so long at most; false where a worker has died.
    pub(super) fn wait(&self, most: Duration, wanted: &dyn Fn(usize) -> bool) -> bool {
        let is_idle = |state: &mut State| {
            let mut seats = state.seats.iter().enumerate();
            !state.is_broken && !seats.any(|(worker, seat)| wanted(worker) && !seat.outbox.is_empty())
        };
        let waited = self.to_reader.wait_timeout_while(self.lock(), most, is_idle);
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
        if let Some(seat) = state.seats.get_mut(worker) {
            seat.outbox.push_back(report);
        }
        drop(state);
        self.to_reader.notify_one();
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
