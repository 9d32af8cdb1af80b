//! A protocol for tests: streams that begin with `ECHO`; each piece of data is told as a `weird` of that detail.

use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};

#[derive(Debug, Default)]
pub(crate) struct Echo {
    said: [Vec<u8>; 2],
}

impl StreamParser for Echo {
    const KINDS: &'static [EventKind] = &[EventKind::Weird];
    const FIRST: FirstBytes = FirstBytes::of(b"E");

    fn probe(data: &[u8], _: Direction) -> Probe {
        let len = data.len().min(4);
        match (data.get(..len) == b"ECHO".get(..len), len) {
            (true, 4) => Probe::Yes,
            (true, _) => Probe::More,
            _ => Probe::No,
        }
    }

    fn data(&mut self, direction: Direction, data: &[u8], _: &mut Context<'_>) -> Next {
        self.said[direction.index()].extend_from_slice(data);
        assert!(!data.ends_with(b"PANIC"), "asked to");
        if data.ends_with(b"DONE") { Next::Done } else { Next::More }
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.said[direction.index()].extend_from_slice(format!("<{len}>").as_bytes());
        Next::More
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        let [to_server, to_client] = std::mem::take(&mut self.said);
        cx.weird("echo", "to_server", &to_server);
        if !to_client.is_empty() {
            cx.weird("echo", "to_client", &to_client);
        }
        let _ = why;
    }

    fn held(&self) -> usize {
        self.said.iter().map(Vec::capacity).sum()
    }
}
