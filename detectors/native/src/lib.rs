//! The one binding between the packet loop and Python. Its whole face is the module `detectors._native`.

mod hub;
mod judge;
mod kernel;
#[cfg(target_os = "linux")]
mod ring;
mod settings;
mod source;
mod tables;
mod team;
mod worker;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bavn_engine::alert::AlertHead;
use bavn_engine::indicator::{Set, Watch};
use bavn_engine::owned::{self, OwnedEvent};
use bavn_engine::{Correlator, Matcher, Plan, RuleCounters, explain};
use bavn_wire::messages::{Event, EventKind, Frame, LinkType, Sink};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::judge::Judge;
use crate::settings::Settings;
use crate::source::{Problem, Source};
use crate::team::Team;
use crate::worker::{Output, Worker};

/// An error for Python: `ValueError(code, sentence)`.
fn error(code: &str, sentence: impl ToString) -> PyErr {
    PyValueError::new_err((code.to_owned(), sentence.to_string()))
}

fn problem((code, sentence): Problem) -> PyErr {
    error(&code, sentence)
}

/// An immutable plan, ready to match.
#[pyclass(frozen, module = "detectors._native")]
struct Engine {
    plan: Arc<Plan>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, plan: PyBackedBytes) -> PyResult<Self> {
        let (plan, refused) = py.detach(|| Plan::load(&plan)).map_err(|why| error(why.code(), &why))?;
        match refused.first() {
            Some(first) => Err(error(first.fault.code(), first)),
            None => Ok(Self { plan: Arc::new(plan) }),
        }
    }

    fn rules(&self) -> usize {
        self.plan.rules().len()
    }

    fn digest(&self) -> &str {
        self.plan.digest()
    }

    fn match_event(&self, event: &[u8]) -> PyResult<Vec<u32>> {
        let owned = OwnedEvent::from_json(event).map_err(|why| error("BAVN-E050", &why))?;
        let mut matcher = Matcher::new(Arc::clone(&self.plan));
        Ok(owned.with(|event| matcher.match_event(event).to_vec()))
    }

    /// Lets events pass in their order; for each, the rules that make an alert at it, correlations among them.
    fn replay(&self, py: Python<'_>, events: Vec<PyBackedBytes>) -> PyResult<Vec<Vec<u32>>> {
        py.detach(|| {
            let mut matcher = Matcher::new(Arc::clone(&self.plan));
            let mut correlator = Correlator::new(Arc::clone(&self.plan));
            let mut one = |json: &PyBackedBytes| {
                let owned = OwnedEvent::from_json(json).map_err(|why| error("BAVN-E050", &why))?;
                Ok(owned.with(|event| passed(&mut matcher, &mut correlator, event)))
            };
            events.iter().map(&mut one).collect()
        })
    }

    /// Matches parsed events so many times: nanoseconds of all rounds, and for each rule what it did in one.
    fn measure(
        &self,
        py: Python<'_>,
        events: Vec<PyBackedBytes>,
        rounds: u32,
    ) -> PyResult<(u64, Vec<RuleDid>)> {
        py.detach(|| {
            let read =
                |json: &PyBackedBytes| OwnedEvent::from_json(json).map_err(|why| error("BAVN-E050", &why));
            let events = events.iter().map(read).collect::<PyResult<Vec<_>>>()?;
            let mut matcher = Matcher::new(Arc::clone(&self.plan));
            let mut once =
                || events.iter().for_each(|event| event.with(|event| drop_count(matcher.match_event(event))));
            once();
            let started = Instant::now();
            (0..rounds).for_each(|_| once());
            let spent = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let rounds = u64::from(rounds) + 1;
            let each = |(candidates, matches, unobserved): RuleDid| {
                (candidates / rounds, matches / rounds, unobserved / rounds)
            };
            Ok((spent, matcher.counters().iter().map(did).map(each).collect()))
        })
    }

    fn explain<'py>(&self, py: Python<'py>, rule: usize, event: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let owned = OwnedEvent::from_json(event).map_err(|why| error("BAVN-E050", &why))?;
        let tree = owned.with(|event| explain::explain(&self.plan, rule, event));
        let tree = tree.ok_or_else(|| error("BAVN-E050", "the rule does not judge events of this kind"))?;
        Ok(PyBytes::new(py, tree.to_json().to_string().as_bytes()))
    }
}

/// Candidates, matches, and outcomes that were unknown.
type RuleDid = (u64, u64, u64);

const fn did(rule: &RuleCounters) -> RuleDid {
    (rule.candidates, rule.matches, rule.unobserved)
}

/// Keeps the optimiser from leaving out what nobody looks at.
fn drop_count(rules: &[u32]) {
    std::hint::black_box(rules.len());
}

/// The rules that make an alert at an event.
fn passed(matcher: &mut Matcher, correlator: &mut Correlator, event: &Event<'_>) -> Vec<u32> {
    let mut fired = Vec::new();
    correlator.advance(event.time, event.packet, &mut fired);
    let hits = matcher.match_event(event).to_vec();
    for rule in &hits {
        correlator.hit(*rule, event, &mut fired);
    }
    let rules = matcher.plan().rules();
    let is_told = |rule: &u32| rules.get(*rule as usize).is_some_and(|rule| !rule.quiet);
    hits.into_iter().chain(fired.into_iter().map(|one| one.rule)).filter(is_told).collect()
}

/// Indicators, ready to be looked up.
#[pyclass(frozen, module = "detectors._native")]
struct Indicators {
    set: Arc<Set>,
}

#[pymethods]
impl Indicators {
    #[new]
    fn new(py: Python<'_>, path: &str) -> PyResult<Self> {
        let set = py.detach(|| {
            let file = File::open(path).map_err(|why| error("BAVN-E095", format!("{path}: {why}")))?;
            let mut lines = BufReader::with_capacity(1 << 18, file);
            Set::load(&mut lines).map_err(|why| error("BAVN-E095", format!("{path}: {why}")))
        })?;
        Ok(Self { set: Arc::new(set) })
    }

    fn count(&self) -> usize {
        self.set.len()
    }

    fn digest(&self) -> &str {
        self.set.digest()
    }

    /// Bytes that it holds in memory.
    fn bytes(&self) -> usize {
        self.set.bytes()
    }

    /// Kinds of events in which one of them can stand.
    fn kinds(&self) -> Vec<&'static str> {
        let watch = Watch::new(Arc::clone(&self.set), None);
        EventKind::ALL.iter().filter(|kind| watch.wants(**kind)).map(|kind| kind.name()).collect()
    }

    /// Lets events pass in their order; for each, the events that tell of indicators in it.
    fn look(&self, py: Python<'_>, events: Vec<PyBackedBytes>) -> PyResult<Vec<Vec<Vec<u8>>>> {
        py.detach(|| {
            let mut watch = Watch::new(Arc::clone(&self.set), None);
            let mut one = |json: &PyBackedBytes| {
                let event = OwnedEvent::from_json(json).map_err(|why| error("BAVN-E050", &why))?;
                let mut told = Vec::new();
                let mut tell = |found: &Event<'_>| {
                    let mut line = Vec::new();
                    owned::write(&mut line, found);
                    told.push(line);
                };
                event.with(|event| watch.look_through(event, &mut tell));
                Ok(told)
            };
            events.iter().map(&mut one).collect()
        })
    }
}

/// What a step gave.
#[pyclass(frozen, module = "detectors._native")]
struct Batch {
    #[pyo3(get)]
    alerts: Py<PyList>,
    #[pyo3(get)]
    evidence: Py<PyList>,
    #[pyo3(get)]
    failures: Py<PyList>,
    #[pyo3(get)]
    heads: Py<PyList>,
    #[pyo3(get)]
    events: Py<PyBytes>,
    #[pyo3(get)]
    seen: Py<PyBytes>,
    #[pyo3(get)]
    problems: Vec<(String, String)>,
    #[pyo3(get)]
    more: bool,
}

impl Batch {
    /// Moves a step's output to Python; the worker gets its buffer back.
    fn new(py: Python<'_>, output: Output, worker: &mut Crew) -> PyResult<Self> {
        let bytes = |data: &Vec<u8>| PyBytes::new(py, data);
        let alerts = PyList::new(py, output.alerts.iter().map(|one| bytes(&one.alert)))?;
        let evidence = PyList::new(py, captures(py, &output))?;
        let failures = PyList::new(py, output.failures.iter().map(bytes))?;
        let head = |AlertHead { level, rule, source }: &AlertHead| {
            (*level, rule.to_string(), source.map(|ip| ip.to_string()).unwrap_or_default())
        };
        let heads = PyList::new(py, output.alerts.iter().map(|one| head(&one.head)))?;
        let events = PyBytes::new(py, &output.events).unbind();
        let seen = PyBytes::new(py, &output.seen).unbind();
        worker.recycle(output.events);
        Ok(Self {
            alerts: alerts.unbind(),
            evidence: evidence.unbind(),
            failures: failures.unbind(),
            heads: heads.unbind(),
            events,
            seen,
            problems: output.problems,
            more: output.more,
        })
    }
}

/// Each alert's capture; one that several share becomes one object.
fn captures<'py>(py: Python<'py>, output: &Output) -> Vec<Option<Bound<'py, PyBytes>>> {
    let mut last: Option<(Arc<Vec<u8>>, Bound<'py, PyBytes>)> = None;
    let mut capture = |pcap: &Arc<Vec<u8>>| match &last {
        Some((same, object)) if Arc::ptr_eq(same, pcap) => object.clone(),
        _ => last.insert((Arc::clone(pcap), PyBytes::new(py, pcap))).1.clone(),
    };
    output.alerts.iter().map(|one| one.evidence.as_ref().map(&mut capture)).collect()
}

/// One worker in the calling thread, or several in threads of their own.
enum Crew {
    One(Box<Worker>),
    Many(Box<Team>),
}

macro_rules! each {
    ($crew:expr, $name:ident => $run:expr) => {
        match $crew {
            Crew::One($name) => $run,
            Crew::Many($name) => $run,
        }
    };
}

impl Crew {
    fn new(plan: Option<Arc<Plan>>, settings: Settings) -> Result<Self, String> {
        Ok(match settings.workers {
            1 => Self::One(Box::new(Worker::new(plan, &settings)?)),
            _ => Self::Many(Box::new(Team::new(plan.as_ref(), settings)?)),
        })
    }

    fn recycle(&mut self, events: Vec<u8>) {
        each!(self, crew => crew.recycle(events));
    }

    /// What a judge of Python's raised.
    fn failure(&mut self) -> Option<PyErr> {
        match self {
            Self::One(worker) => worker.judge_mut()?.take_failure(),
            Self::Many(_) => None,
        }
    }
}

/// One or several workers over one source. For one thread at a time.
#[pyclass(module = "detectors._native")]
struct Loop {
    // Python's types must be `Sync`; the lock is never waited for, since every method has the loop to itself.
    worker: Mutex<Crew>,
}

impl Loop {
    fn worker(&mut self) -> &mut Crew {
        self.worker.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker, where there is one alone: what others add to what it says has its place there only.
    fn alone(&mut self) -> PyResult<&mut Worker> {
        match self.worker() {
            Crew::One(worker) => Ok(worker),
            Crew::Many(_) => {
                Err(error("BAVN-E002", "workers: others may add to what one worker says, not to several's"))
            }
        }
    }
}

#[pymethods]
impl Loop {
    #[new]
    #[pyo3(signature = (engine, settings, judge=None))]
    fn new(engine: Option<&Bound<'_, Engine>>, settings: &[u8], judge: Option<Py<PyAny>>) -> PyResult<Self> {
        let settings = Settings::read(settings).map_err(|why| error("BAVN-E002", why))?;
        let plan = engine.map(|engine| Arc::clone(&engine.get().plan));
        let worker = Crew::new(plan, settings).map_err(|why| error("BAVN-E002", why))?;
        let mut own = Self { worker: Mutex::new(worker) };
        if let Some(judge) = judge {
            own.alone()?.set_judge(Judge::new(judge));
        }
        Ok(own)
    }

    /// Opens a file, which may be a pipe that waits for its writer: Python's other threads go on meanwhile.
    fn open_file(&mut self, py: Python<'_>, path: &str) -> PyResult<()> {
        let source = py.detach(|| Source::file(Path::new(path))).map_err(problem)?;
        if source.is_lines() && matches!(self.worker(), Crew::Many(_)) {
            return Err(error("BAVN-E409", "lines are read by one worker, and there are several"));
        }
        each!(self.worker(), crew => crew.attach(source));
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn attach_ring(&mut self, fd: i32, link: u16, skip_outgoing: bool) -> PyResult<()> {
        let ring =
            ring::Ring::attach(fd, LinkType(link), skip_outgoing).map_err(|why| error("BAVN-E103", why))?;
        each!(self.worker(), crew => crew.attach(Source::Ring(ring)));
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self)]
    fn attach_ring(&mut self, _fd: i32, _link: u16, _skip_outgoing: bool) -> PyResult<()> {
        Err(error("BAVN-E103", "the ring exists on Linux only"))
    }

    fn push(&mut self, py: Python<'_>, frames: Vec<(u64, u16, PyBackedBytes)>, now_ns: u64) {
        let worker = self.worker();
        py.detach(|| {
            for (time, link, data) in &frames {
                let wire_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
                let link = LinkType(*link);
                let frame = Frame { time: *time, link, interface: 0, wire_len, vlan_tci: None, data };
                each!(worker, crew => crew.frame(&frame, now_ns));
            }
        });
    }

    fn step(&mut self, py: Python<'_>, now_ns: u64, budget_ms: u64) -> PyResult<Batch> {
        let worker = self.worker();
        let budget = Duration::from_millis(budget_ms);
        let output = py.detach(|| each!(worker, crew => crew.step(now_ns, budget)));
        worker.failure().map_or(Ok(()), Err)?;
        Batch::new(py, output, worker)
    }

    fn finish(&mut self, py: Python<'_>, now_ns: u64) -> PyResult<Batch> {
        let worker = self.worker();
        let output = py.detach(|| each!(worker, crew => crew.finish(now_ns)));
        worker.failure().map_or(Ok(()), Err)?;
        Batch::new(py, output, worker)
    }

    /// Takes events that others made, as if the wire had: they are printed and judged.
    fn take_events(&mut self, py: Python<'_>, events: Vec<PyBackedBytes>, now_ns: u64) -> PyResult<()> {
        let worker = self.alone()?;
        py.detach(|| {
            let owned: Result<Vec<_>, _> = events.iter().map(|event| OwnedEvent::from_json(event)).collect();
            let owned = owned.map_err(|why| error("BAVN-E050", &why))?;
            worker.add(now_ns, |hub| owned.iter().for_each(|event| event.with(|event| hub.event(event))));
            Ok(())
        })
    }

    #[pyo3(signature = (engine, judge=None))]
    fn swap(&mut self, py: Python<'_>, engine: &Bound<'_, Engine>, judge: Option<Py<PyAny>>) {
        let plan = Arc::clone(&engine.get().plan);
        match self.worker() {
            Crew::One(worker) => {
                if let (Some(old), Some(judge)) = (worker.judge_mut(), judge) {
                    old.replace(judge);
                }
                worker.swap(plan);
            }
            Crew::Many(team) => py.detach(|| team.swap(&plan)),
        }
    }

    /// Looks for other indicators from the next packet on, or for none.
    #[pyo3(signature = (indicators))]
    fn set_indicators(&mut self, py: Python<'_>, indicators: Option<&Bound<'_, Indicators>>) {
        let set = indicators.map(|indicators| Arc::clone(&indicators.get().set));
        match self.worker() {
            Crew::One(worker) => worker.set_indicators(set),
            Crew::Many(team) => py.detach(|| team.set_indicators(set.as_ref())),
        }
    }

    /// For each rule of the plan what it did since the plan runs.
    fn rules(&mut self) -> Vec<RuleDid> {
        each!(self.worker(), crew => crew.rules()).iter().map(did).collect()
    }

    /// Events that came, by kind; kinds that no rule judges and nobody prints are never made.
    fn kinds<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let kinds = PyDict::new(py);
        for (name, count) in each!(self.worker(), crew => crew.kinds()) {
            kinds.set_item(name, count)?;
        }
        Ok(kinds)
    }

    /// What became of lines of other sensors, by name.
    fn line_names(&mut self) -> Vec<(&'static str, Vec<(String, u64)>)> {
        match self.worker() {
            Crew::One(worker) => worker.line_names().into(),
            Crew::Many(_) => Vec::new(),
        }
    }

    fn counters<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let worker = self.worker();
        let counts = py.detach(|| each!(worker, crew => crew.counters()));
        let counters = PyDict::new(py);
        for (name, count) in counts {
            counters.set_item(name, count)?;
        }
        // Limits of the readers that were hit, by their names.
        for limit in bavn_wire::limits::all().filter(|limit| limit.hits() > 0) {
            counters.set_item(limit.name(), limit.hits())?;
        }
        Ok(counters)
    }
}

/// Version of the compiled part.
#[pyfunction]
const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The field table as JSON.
#[pyfunction]
fn fields(py: Python<'_>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, tables::fields().to_string().as_bytes())
}

/// The counters and their meaning as JSON.
#[pyfunction]
fn counters_doc(py: Python<'_>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, tables::counters().to_string().as_bytes())
}

/// The anomalies that `weird` events name, and their meaning, as JSON.
#[pyfunction]
fn weirds(py: Python<'_>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, tables::weirds().to_string().as_bytes())
}

/// Kinds of events, by name.
#[pyfunction]
fn event_kinds() -> Vec<&'static str> {
    tables::kinds()
}

/// True where a file is JSON Lines.
#[pyfunction]
fn is_lines(py: Python<'_>, path: &str) -> bool {
    py.detach(|| Source::file(Path::new(path)).is_ok_and(|source| source.is_lines()))
}

/// Budgets and limits that can be made to bite, with what then happens.
#[pyfunction]
fn simulations() -> Vec<(String, String)> {
    tables::simulations()
}

/// Limits of the readers: name, meaning, value, unit.
#[pyfunction]
fn limits() -> Vec<(String, &'static str, usize, &'static str)> {
    bavn_wire::limits::all().map(|it| (it.name(), it.doc.trim(), it.value, it.unit)).collect()
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{
        Batch, Engine, Indicators, Loop, counters_doc, event_kinds, fields, is_lines, limits, simulations,
        version, weirds,
    };
}
