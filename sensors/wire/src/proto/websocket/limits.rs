//! Limits of the WebSocket reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "websocket":
    /// Bytes of each text that the upgrade told.
    MAX_TEXT = 1024, "bytes", drill 2;
}
