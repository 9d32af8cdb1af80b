//! NTLMSSP ([MS-NLMP]): one `ntlm` event per authentication, wherever its messages travel.
//!
//! The carrier (SMB, DCE/RPC, HTTP) gives the tokens to an [`Exchange`] and ends it when it knows how it came out.
//! Challenges and responses, from which passwords can be guessed, are measured and never kept.

mod event;
pub mod limits;
pub mod mechanism;
mod message;
#[cfg(test)]
pub(crate) mod tests;

pub use event::FIELDS;

use super::Context;
use message::{Authenticate, Challenge, Negotiate};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] =
    &[("ntlm_malformed", "An NTLMSSP message that contradicts itself; the detail says which")];

/// How an authentication came out, as far as the carrier shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server let the user in.
    Success,
    /// It did not.
    Failure,
    /// Its answer was not seen, or does not tell.
    Unobserved,
}

/// The messages of one authentication.
#[derive(Debug, Default)]
pub struct Exchange {
    negotiate: Option<Negotiate>,
    challenge: Option<Challenge>,
    authenticate: Option<Authenticate>,
}

impl Exchange {
    /// Takes a security token, bare or wrapped in SPNEGO. False where no NTLMSSP message is in it.
    pub fn token(&mut self, token: &[u8], cx: &mut Context<'_>) -> bool {
        let Some(message) = mechanism::ntlm_message(token) else { return false };
        if self.message(message).is_none() {
            let kind = message.get(8).map_or(b'?', |kind| kind.saturating_add(b'0'));
            cx.weird("ntlm", "ntlm_malformed", &[kind]);
        }
        true
    }

    fn message(&mut self, message: &[u8]) -> Option<()> {
        match super::little::u32_at(message, 8)? {
            1 => self.negotiate = Some(Negotiate::read(message)?),
            2 => self.challenge = Some(Challenge::read(message)?),
            3 => self.authenticate = Some(Authenticate::read(message)?),
            _ => return None,
        }
        Some(())
    }

    /// True where the token's message follows what was seen: one that repeats a step begins another authentication.
    #[must_use]
    pub fn takes(&self, token: &[u8]) -> bool {
        let kind = mechanism::ntlm_message(token).and_then(|message| super::little::u32_at(message, 8));
        match kind {
            Some(1) => self.is_empty(),
            Some(2) => self.challenge.is_none() && self.authenticate.is_none(),
            Some(3) => self.authenticate.is_none(),
            _ => true,
        }
    }

    /// True once the message that names the user was seen.
    #[must_use]
    pub fn has_user(&self) -> bool {
        self.authenticate.is_some()
    }

    /// True where nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.negotiate.is_none() && self.challenge.is_none() && self.authenticate.is_none()
    }

    /// Name and domain of the user; empty ones for an anonymous log-in.
    #[must_use]
    pub fn user(&self) -> Option<(&[u8], &[u8])> {
        self.authenticate.as_ref().map(|message| (&message.user[..], &message.domain[..]))
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub fn held(&self) -> usize {
        size_of::<Self>()
            + self.challenge.as_ref().map_or(0, Challenge::held)
            + self.authenticate.as_ref().map_or(0, Authenticate::held)
    }

    /// Gives out the event. `carrier` is the protocol that carried the messages; `status` its code for the outcome.
    pub fn finish(
        &self,
        carrier: &'static str,
        outcome: Outcome,
        status: Option<&[u8]>,
        cx: &mut Context<'_>,
    ) {
        if !self.is_empty() {
            event::emit(self, carrier, outcome, status, cx);
        }
    }
}
