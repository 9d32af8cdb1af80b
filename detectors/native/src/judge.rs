//! Rules judged by an object of Python, where it stands in place of matcher and correlations: called at each event,
//! and when the time that it asked for has come.

use bavn_engine::Plan;
use bavn_engine::correlate::{Fired, Moment};
use bavn_engine::owned;
use bavn_wire::messages::{Event, EventKind};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A correlation that holds: rule, what was measured, the group's texts, (time, packet, kind), whether a span's end
/// brought it.
type Told = (u32, f64, Vec<String>, (u64, u64, String), bool);

/// The object, and what it waits for.
pub(crate) struct Judge {
    object: Py<PyAny>,
    /// The newest time that packets have brought, nanoseconds since the epoch.
    newest: u64,
    /// When it wants to be told of the time.
    due: u64,
    line: Vec<u8>,
    /// What it raised, and the loop has not: the first.
    failed: Option<PyErr>,
}

impl Judge {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self { object, newest: 0, due: u64::MAX, line: Vec::new(), failed: None }
    }

    /// Another object from the next event on, which knows at the next packet what the time is.
    pub(crate) fn replace(&mut self, object: Py<PyAny>) {
        self.object = object;
        self.due = 0;
    }

    /// Rules that match an event; correlations that hold by it are appended.
    pub(crate) fn event(&mut self, event: &Event<'_>, plan: &Plan, fired: &mut Vec<Fired>) -> Vec<u32> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        owned::write(&mut line, event);
        let newest = self.newest;
        let said = self.ask(|py, object| {
            let args = (PyBytes::new(py, &line), newest);
            object.call_method1("judge", args)?.extract::<(Vec<u32>, Vec<Told>, Option<u64>)>()
        });
        self.line = line;
        let Some((rules, told, due)) = said else { return Vec::new() };
        self.due = due.unwrap_or(u64::MAX);
        fired.extend(told.into_iter().filter_map(|one| found(plan, one)));
        rules
    }

    /// Takes note of the time; correlations whose spans have passed and that hold are appended.
    #[inline]
    pub(crate) fn pass_time(&mut self, time: u64, packet: u64, plan: &Plan, fired: &mut Vec<Fired>) {
        self.newest = self.newest.max(time);
        if self.newest >= self.due {
            self.end_due(packet, plan, fired);
        }
    }

    #[inline(never)]
    fn end_due(&mut self, packet: u64, plan: &Plan, fired: &mut Vec<Fired>) {
        let newest = self.newest;
        let said = self.ask(|_, object| {
            object.call_method1("pass_time", (newest, packet))?.extract::<(Vec<Told>, Option<u64>)>()
        });
        let Some((told, due)) = said else { return };
        self.due = due.unwrap_or(u64::MAX);
        fired.extend(told.into_iter().filter_map(|one| found(plan, one)));
    }

    /// What it raised since the last call.
    pub(crate) fn take_failure(&mut self) -> Option<PyErr> {
        self.failed.take()
    }

    /// Calls it; after it has raised, no more until that was told.
    fn ask<R>(&mut self, call: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<R>) -> Option<R> {
        if self.failed.is_some() {
            return None;
        }
        let said = Python::attach(|py| call(py, self.object.bind(py)));
        said.map_err(|why| self.failed = Some(why)).ok()
    }
}

fn found(plan: &Plan, (rule, measured, group, (time, packet, kind), is_late): Told) -> Option<Fired> {
    let kind = EventKind::by_name(&kind)?;
    let fired = Fired::told(plan, rule, measured, group, Moment { time, packet, kind })?;
    Some(Fired { is_late, ..fired })
}
