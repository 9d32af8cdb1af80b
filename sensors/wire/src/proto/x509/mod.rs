//! Certificates (X.509, RFC 5280) that pass in clear, whatever carries them: one `x509` event each.

mod certificate;
mod event;
mod key;
pub mod limits;
mod names;

#[cfg(test)]
mod tests;

pub(crate) use certificate::Certificate;
pub use event::FIELDS;
pub(crate) use event::{Side, tell};
pub(crate) use names::{alternative_names, common_name, distinguished_name};

/// Its anomalies are told by the protocol that carries it.
pub const WEIRDS: &[(&str, &str)] = &[];
