//! Correlations: rules over the hits of other rules, grouped, within a span of packet time.
//!
//! A condition that more hits can only make truer (`gt`, `gte`, all temporal ones without *not*) is judged at each hit
//! over the span that ends there, and tells of a group at most once a span. Every other (`lt`, `lte`, `eq`, `neq`, an
//! expression with *not*) is judged when the span that began with a group's first hit has passed; then the group
//! begins anew. Time is the packets' own; memory is bounded a group, a correlation and in all.

mod key;
mod raw;
mod report;
mod table;
mod window;

use std::sync::Arc;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind};

use crate::plan::Plan;
pub(crate) use raw::RawCorrelation;
pub use report::{Fired, Moment};
use table::Table;

/// Rules that one correlation may name.
pub const MAX_INPUTS: usize = 100;
/// Fields that one correlation may group by.
pub const MAX_GROUP: usize = 16;
/// Groups of all correlations together; with more, of the correlation with most of them the one that would end first goes:
/// the one that was quiet longest, or whose span began first.
pub const MAX_GROUPS: usize = 1 << 20;
/// Values or times that one group keeps; a threshold beyond it is refused.
pub const MAX_VALUES: usize = 10_000;
/// The longest span: 31 days, in nanoseconds.
pub const MAX_SPAN: u64 = 31 * 86_400 * 1_000_000_000;

/// What is counted or sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Hits.
    EventCount,
    /// Different values of a field.
    ValueCount,
    /// Sum of a field's values.
    Sum,
    /// Their mean.
    Average,
    /// The value that so many percent lie at or under, by nearest rank.
    Percentile(u8),
    /// Each rule at least once, or an expression over them.
    Temporal,
    /// Each rule at least once, in their order.
    Ordered,
}

/// How a measure is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Less.
    Lt,
    /// At most.
    Lte,
    /// More.
    Gt,
    /// At least.
    Gte,
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
}

impl Op {
    /// True where the number fits.
    #[must_use]
    pub fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Lt => number < bound,
            Self::Lte => number <= bound,
            Self::Gt => number > bound,
            Self::Gte => number >= bound,
            Self::Eq => (number - bound).abs() < f64::EPSILON,
            Self::Neq => (number - bound).abs() >= f64::EPSILON,
        }
    }

    /// Sigma's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Eq => "eq",
            Self::Neq => "neq",
        }
    }
}

/// An expression over the inputs of a temporal correlation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// That input was hit.
    Input(usize),
    /// Not that.
    Not(Box<Expression>),
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
}

impl Expression {
    fn holds(&self, seen: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Input(input) => seen(*input),
            Self::Not(inner) => !inner.holds(seen),
            Self::And(all) => all.iter().all(|one| one.holds(seen)),
            Self::Or(all) => all.iter().any(|one| one.holds(seen)),
        }
    }

    fn has_not(&self) -> bool {
        match self {
            Self::Input(_) => false,
            Self::Not(_) => true,
            Self::And(all) | Self::Or(all) => all.iter().any(Self::has_not),
        }
    }
}

/// Where an input's events have what is grouped by and measured. A name leads to several fields where the first that
/// is present counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Kind of the event.
    pub kind: EventKind,
    /// One list of fields a name that is grouped by.
    pub group: Vec<Vec<Field>>,
    /// Fields of the value that is measured.
    pub value: Vec<Field>,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A rule over events.
    Events(Vec<View>),
    /// A correlation: for each name that is grouped by, its place in that correlation's group.
    Chain(Vec<usize>),
}

/// One rule that a correlation is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its place in the plan.
    pub rule: u32,
    /// Where its values are.
    pub source: Source,
}

/// A correlation as the plan has it.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// What is measured.
    pub measure: Measure,
    /// Span in nanoseconds.
    pub span: u64,
    /// The comparison; none for temporal ones.
    pub condition: Option<(Op, f64)>,
    /// Expression over the inputs; none where all are asked for.
    pub expression: Option<Expression>,
    /// The rules.
    pub inputs: Vec<Input>,
}

impl Correlation {
    /// True where it is judged when a span has passed, and not at each hit.
    #[must_use]
    pub fn is_late(&self) -> bool {
        match self.condition {
            Some((op, _)) => !matches!(op, Op::Gt | Op::Gte),
            None => self.expression.as_ref().is_some_and(Expression::has_not),
        }
    }

    /// Hits or values a group must keep for the condition to be judged exactly, as far as limits allow.
    fn kept(&self) -> usize {
        let enough = match (self.measure, self.condition) {
            (Measure::EventCount | Measure::ValueCount, Some((Op::Gt, bound))) => bound as usize + 1,
            (Measure::EventCount | Measure::ValueCount, Some((_, bound))) => bound as usize,
            _ => MAX_VALUES,
        };
        enough.clamp(1, MAX_VALUES)
    }
}

/// What became of hits that correlations looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that live.
    pub groups: u64,
    /// Groups that went because there were too many.
    pub evicted: u64,
    /// Hits that lack, or do not show, what is grouped by or measured.
    pub without_group: u64,
    /// Hits too late for their group's span, and values beyond the limit a group.
    pub lost: u64,
}

/// Evaluates the correlations of a plan. One for each worker.
#[derive(Debug)]
pub struct Correlator {
    plan: Arc<Plan>,
    /// One for each rule of the plan that is a correlation.
    tables: Vec<Table>,
    /// Inputs of correlations that a rule feeds: table and input.
    feeds: Vec<Vec<(usize, usize)>>,
    counts: Counts,
    most: usize,
    /// The newest time that packets have brought.
    newest: u64,
    /// When the next group ends.
    due: u64,
}

impl Correlator {
    /// For that plan.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        Self::with_limit(plan, MAX_GROUPS)
    }

    /// For that plan, with another limit on groups.
    #[must_use]
    pub fn with_limit(plan: Arc<Plan>, most: usize) -> Self {
        let mut feeds = vec![Vec::new(); plan.rules().len()];
        let mut tables = Vec::new();
        for (rule, correlation) in
            plan.rules().iter().enumerate().filter_map(|(n, rule)| Some((n, rule.correlation.as_ref()?)))
        {
            for (input, of) in correlation.inputs.iter().enumerate() {
                if let Some(list) = feeds.get_mut(of.rule as usize) {
                    list.push((tables.len(), input));
                }
            }
            tables.push(Table::new(rule as u32, correlation.clone()));
        }
        Self { plan, tables, feeds, counts: Counts::default(), most, newest: 0, due: u64::MAX }
    }

    /// Takes over the groups of correlations that are the same in an earlier plan.
    #[must_use]
    pub fn continuing(mut self, before: Option<Self>) -> Self {
        let Some(before) = before else { return self };
        (self.counts, self.newest) = (before.counts, before.newest);
        let old = before.plan;
        for table in before.tables {
            let same = self.tables.iter_mut().find(|new| new.is_same(&self.plan, &table, &old));
            if let Some(same) = same {
                same.take_over(table);
            }
        }
        self.plan_next();
        self
    }

    /// True where the plan has correlations.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.tables.is_empty()
    }

    /// True where that rule's hits feed a correlation.
    #[must_use]
    pub fn is_fed_by(&self, rule: u32) -> bool {
        self.feeds.get(rule as usize).is_some_and(|feeds| !feeds.is_empty())
    }

    /// What became of the hits so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { groups: self.tables.iter().map(|table| table.len() as u64).sum(), ..self.counts }
    }

    /// Takes the hit of a rule; correlations that it completes are appended.
    pub fn hit(&mut self, rule: u32, event: &Event<'_>, fired: &mut Vec<Fired>) {
        if self.feeds.get(rule as usize).is_none_or(Vec::is_empty) {
            return;
        }
        let from = fired.len();
        for table in &mut self.tables {
            table.pass_time(self.newest);
        }
        self.feed(rule, event, fired);
        self.follow(from, fired);
        self.shrink();
        self.plan_next();
    }

    /// Judges the spans that have passed at that time; `packet` is the number of the packet that brought it.
    #[inline]
    pub fn advance(&mut self, now: u64, packet: u64, fired: &mut Vec<Fired>) {
        self.newest = self.newest.max(now);
        if self.newest >= self.due {
            self.end_due(packet, fired);
        }
    }

    #[inline(never)]
    fn end_due(&mut self, packet: u64, fired: &mut Vec<Fired>) {
        let from = fired.len();
        for table in &mut self.tables {
            table.advance(self.newest, packet, &self.plan, fired);
        }
        self.follow(from, fired);
        self.plan_next();
    }

    /// When the next group of any correlation ends: until then packets bring nothing.
    fn plan_next(&mut self) {
        self.due = self.tables.iter().map(Table::due).min().unwrap_or(u64::MAX);
    }

    fn feed(&mut self, rule: u32, event: &Event<'_>, fired: &mut Vec<Fired>) {
        let Some(feeds) = self.feeds.get(rule as usize) else { return };
        // From the last: where a rule stands at several places of an order, one hit takes one step only.
        for (table, input) in feeds.iter().rev() {
            if let Some(table) = self.tables.get_mut(*table) {
                table.event(*input, event, &self.plan, &mut self.counts, fired);
            }
        }
    }

    /// Lets what has fired feed the correlations over it; the loader allows no circles.
    fn follow(&mut self, from: usize, fired: &mut Vec<Fired>) {
        let mut at = from;
        while let Some(next) = fired.get(at).cloned() {
            at += 1;
            let Some(feeds) = self.feeds.get(next.rule as usize) else { continue };
            for (table, input) in feeds {
                if let Some(table) = self.tables.get_mut(*table) {
                    table.chained(*input, &next, &self.plan, &mut self.counts, fired);
                }
            }
        }
    }

    fn shrink(&mut self) {
        let mut groups: usize = self.tables.iter().map(Table::len).sum();
        while groups > self.most {
            let Some(largest) = self.tables.iter_mut().max_by_key(|table| table.len()) else { return };
            if !largest.evict() {
                return;
            }
            self.counts.evicted += 1;
            groups -= 1;
        }
    }
}
