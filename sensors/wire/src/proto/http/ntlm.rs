//! NTLM in HTTP (RFC 4559, [MS-NTHT]): it authenticates a connection, over two requests and the challenge between them.

use super::auth;
use super::head::Head;
use crate::proto::Context;
use crate::proto::ntlm::{Exchange, Outcome};

/// What a connection, or a proxy on it, has been told of a user.
#[derive(Debug, Default)]
pub(super) struct LogIn {
    exchange: Exchange,
    /// Number of the request that named the user.
    asked: Option<u64>,
}

impl LogIn {
    /// Takes a request's token; `depth` is the request's number.
    pub(super) fn request(&mut self, token: &[u8], depth: u64, cx: &mut Context<'_>) {
        self.token(token, cx);
        if self.exchange.has_user() {
            self.asked = Some(depth);
        }
    }

    /// Takes a server's token.
    pub(super) fn token(&mut self, token: &[u8], cx: &mut Context<'_>) {
        // What repeats a step begins anew.
        if !self.exchange.takes(token) {
            self.end(Outcome::Unobserved, None, cx);
        }
        self.exchange.token(token, cx);
    }

    /// The request of that number is answered: a server that is not content asks again.
    pub(super) fn answered(&mut self, depth: u64, code: u16, cx: &mut Context<'_>) {
        if self.asked.is_none_or(|asked| depth < asked) {
            return;
        }
        let outcome = if matches!(code, 401 | 407) { Outcome::Failure } else { Outcome::Success };
        self.end(outcome, Some(code), cx);
    }

    /// Gives out what was seen.
    pub(super) fn end(&mut self, outcome: Outcome, code: Option<u16>, cx: &mut Context<'_>) {
        self.asked = None;
        let code = code.map(|code| code.to_string());
        std::mem::take(&mut self.exchange).finish("http", outcome, code.as_deref().map(str::as_bytes), cx);
    }

    pub(super) fn held(&self) -> usize {
        self.exchange.held()
    }
}

/// Tokens that hold NTLM, of a request to server or proxy.
pub(super) fn of_request(head: &Head<'_>) -> impl Iterator<Item = Vec<u8>> {
    head.all("authorization").chain(head.all("proxy-authorization")).filter_map(auth::ntlm_token)
}

/// The same of a response.
pub(super) fn of_response(head: &Head<'_>) -> impl Iterator<Item = Vec<u8>> {
    head.all("www-authenticate").chain(head.all("proxy-authenticate")).filter_map(auth::ntlm_token)
}
