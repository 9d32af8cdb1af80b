//! Which relative of DNS a message is: their form is one, so ports and group addresses tell (RFC 6762 3, RFC 4795 2).

use std::net::IpAddr;

use crate::messages::FlowInfo;

/// DNS and its relatives on the LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    Dns,
    /// Multicast DNS (RFC 6762).
    Mdns,
    /// Link-local multicast name resolution (RFC 4795).
    Llmnr,
}

impl Flavour {
    pub(super) fn of(flow: &FlowInfo) -> Self {
        let uses = |port: u16| flow.port.contains(&port);
        match (uses(53), uses(5353), uses(5355)) {
            (true, ..) => Self::Dns,
            (_, true, _) => Self::Mdns,
            (.., true) => Self::Llmnr,
            _ => Self::Dns,
        }
    }

    /// What `network.protocol` says, where it is not the kind's own name.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Dns => None,
            Self::Mdns => Some("mdns"),
            Self::Llmnr => Some("llmnr"),
        }
    }

    pub(super) fn is_mdns(self) -> bool {
        self == Self::Mdns
    }

    pub(super) fn is_llmnr(self) -> bool {
        self == Self::Llmnr
    }
}

/// True where a flow goes to a group: who answers does so from an address of its own, in another flow.
pub(super) fn is_to_group(flow: &FlowInfo) -> bool {
    flow.ip.iter().any(IpAddr::is_multicast)
}
