//! The tables of logs as they are written (`tables/<source>/<log>.toml`); [`crate::table`] makes them ready.

/// A log of another sensor.
#[derive(Debug)]
pub(crate) struct Log {
    /// The sensor: zeek, suricata.
    pub(crate) source: &'static str,
    /// The log's name there: Zeek's path, EVE's event type.
    pub(crate) name: &'static str,
    /// Kind of event that its lines are.
    pub(crate) kind: &'static str,
    /// Keys that every line of it has and that no other log has together.
    pub(crate) signature: &'static [&'static str],
    /// The key, and its values with which the first address is the server's.
    pub(crate) swap: Option<(&'static str, &'static [&'static str])>,
    /// Fields that its events are without, whereas all others that it does not give are unobserved.
    pub(crate) never: &'static [&'static str],
    /// What keys give.
    pub(crate) rows: &'static [Row],
    /// Keys that are known and give nothing.
    pub(crate) ignored: &'static [&'static str],
    /// Fields that each of its lines says by being one.
    pub(crate) given: &'static [(&'static str, &'static str)],
}

/// What one key gives.
#[derive(Debug)]
pub(crate) struct Row {
    /// Dotted, from the outermost object.
    pub(crate) key: &'static str,
    /// Fields, or parts of the flow (`@source.ip`).
    pub(crate) to: &'static [&'static str],
    /// How the value is read where it is not taken as it is.
    pub(crate) how: &'static str,
    /// A key: where the line lacks it too, the field is unobserved, not absent.
    pub(crate) with: &'static str,
    /// Values with another name here.
    pub(crate) words: &'static [(&'static str, &'static str)],
}

include!(concat!(env!("OUT_DIR"), "/logs.rs"));
