//! Every message that passes between the steps of the path, in one place.

use std::net::IpAddr;

use crate::fields::Field;

/// Link-layer type of a frame, by its number in the LINKTYPE registry of tcpdump.org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, host byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback, network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured frame, borrowed from the source.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Time of capture, nanoseconds since the Unix epoch.
    pub time: u64,
    /// Link type of `data`.
    pub link: LinkType,
    /// Interface by its number in the source, from 0.
    pub interface: u32,
    /// Length on the wire in bytes; more than `data.len()` where the capture cut the frame.
    pub wire_len: u32,
    /// A VLAN tag that the kernel took off the frame and gave as metadata (TCI), outermost.
    pub vlan_tci: Option<u16>,
    /// The bytes.
    pub data: &'a [u8],
}

/// Transport by its IP protocol number; unknown numbers survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transport(pub u8);

impl Transport {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMP6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);

    /// Keyword of the IANA registry as ECS `network.transport` has it.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("icmp"),
            2 => Some("igmp"),
            6 => Some("tcp"),
            17 => Some("udp"),
            47 => Some("gre"),
            50 => Some("esp"),
            51 => Some("ah"),
            58 => Some("ipv6-icmp"),
            89 => Some("ospf"),
            132 => Some("sctp"),
            _ => None,
        }
    }
}

/// Which side of a flow sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the originator (client).
    ToServer,
    /// From the responder (server).
    ToClient,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn flip(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// 0 for `ToServer`, 1 for `ToClient`: an index into per-direction pairs.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::ToServer => 0,
            Self::ToClient => 1,
        }
    }
}

/// What an event tells of the flow it belongs to. Built when an event is made, never per packet.
#[derive(Clone, Debug)]
pub struct FlowInfo {
    /// Originator and responder.
    pub ip: [IpAddr; 2],
    /// Ports of originator and responder; for ICMP type and code as community id has them.
    pub port: [u16; 2],
    /// Transport protocol.
    pub transport: Transport,
    /// VLAN identifiers, outermost first; `None` where there was no tag.
    pub vlan: [Option<u16>; 2],
    /// Hash of the tunnel path the flow ran in, 0 for none.
    pub tunnel: u64,
    /// Time of the first packet, nanoseconds since the epoch.
    pub start: u64,
    /// Time of the newest packet.
    pub last: u64,
    /// Packets each way.
    pub packets: [u64; 2],
    /// Bytes of IP packets each way.
    pub bytes: [u64; 2],
    /// Number of the packet that began the flow: its number in this run; 0 for no flow.
    pub id: u64,
}

/// What a kind's events tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A conversation.
    Connection,
    /// A transaction of one protocol, which bears the kind's name.
    Protocol,
    /// A file that passed.
    File,
    /// Something worth knowing beside the protocols.
    Info,
}

macro_rules! kinds {
    ($($ident:ident $name:literal $nature:ident $phrase:literal;)*) => {
        /// Kind of an event: what a Sigma rule's log source is routed by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum EventKind { $(#[doc = $phrase] $ident,)* }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$ident,)*];

            /// Short name: `dns`; `event.dataset` is `bavn.` and this.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$ident => $name,)* }
            }

            /// `event.dataset` as JSON.
            #[must_use]
            pub const fn dataset(self) -> &'static [u8] {
                match self { $(Self::$ident => concat!("\"bavn.", $name, "\"").as_bytes(),)* }
            }

            /// What its events tell of.
            #[must_use]
            pub const fn nature(self) -> Nature {
                match self { $(Self::$ident => Nature::$nature,)* }
            }

            /// What one of its events is, for a sentence: `a DNS transaction`.
            #[must_use]
            pub const fn phrase(self) -> &'static str {
                match self { $(Self::$ident => $phrase,)* }
            }
        }
    };
}

kinds! {
    Flow "flow" Connection "a conversation";
    Dns "dns" Protocol "a DNS transaction";
    Http "http" Protocol "an HTTP transaction";
    Tls "tls" Protocol "a TLS handshake";
    X509 "x509" Info "a certificate in clear";
    Kerberos "kerberos" Protocol "a Kerberos exchange";
    Quic "quic" Protocol "a QUIC handshake";
    Ldap "ldap" Protocol "an LDAP operation";
    Rdp "rdp" Protocol "a remote desktop connection";
    Weird "weird" Info "a protocol anomaly";
    File "file" File "a file in transfer";
    Websocket "websocket" Protocol "a WebSocket connection";
    Ssh "ssh" Protocol "an SSH key exchange";
    Modbus "modbus" Protocol "a Modbus transaction";
    Dnp3 "dnp3" Protocol "a DNP3 exchange";
    Smtp "smtp" Protocol "a mail over SMTP";
    S7 "s7" Protocol "an S7comm exchange";
    Nbns "nbns" Protocol "a NetBIOS name transaction";
    Dhcp "dhcp" Protocol "a DHCP exchange";
    Smb "smb" Protocol "an SMB operation";
    Ntlm "ntlm" Protocol "an NTLM authentication";
    DceRpc "dce_rpc" Protocol "a DCE/RPC call";
    Ftp "ftp" Protocol "an FTP command";
    OpenVpn "openvpn" Protocol "an OpenVPN key exchange";
    Packet "packet" Info "a packet";
    Score "score" Info "a score that an analytic gave";
    Indicator "indicator" Info "an indicator of a list, seen in the traffic";
}

impl EventKind {
    /// The protocol that a kind of event shows by itself.
    #[must_use]
    pub const fn protocol(self) -> Option<&'static str> {
        match self.nature() {
            Nature::Protocol => Some(self.name()),
            Nature::Connection | Nature::File | Nature::Info => None,
        }
    }

    /// The kind of that short name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A field's value, borrowed from packet or stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The sensor could not see it (one-way tap, lost response): neither present nor absent.
    Unobserved,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// A fraction.
    Float(f64),
    /// Nanoseconds since the Unix epoch.
    Time(u64),
    /// An address.
    Ip(IpAddr),
    /// Bytes from the wire, text by custom.
    Text(&'a [u8]),
    /// Several values; a predicate holds if it holds for any.
    List(&'a [Value<'a>]),
}

/// One thing that happened. A field that is not in `fields` and not given by `flow` is absent.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its kind.
    pub kind: EventKind,
    /// Time of the packet that completed it, nanoseconds since the epoch.
    pub time: u64,
    /// Number of that packet in the source, from 1.
    pub packet: u64,
    /// Its flow.
    pub flow: &'a FlowInfo,
    /// Fields with their values in the order of the field table; each field at most once.
    pub fields: &'a [(Field, Value<'a>)],
}

/// Takes events. The only way out of this crate.
pub trait Sink {
    /// Takes one event; what it borrows is gone afterwards.
    fn event(&mut self, event: &Event<'_>);

    /// False where nobody wants the MD5 and SHA-1 of files, the dear ones; SHA-256 is made of each file that is told.
    fn wants_old_digests(&self) -> bool {
        true
    }

    /// False where nobody wants events of that kind, so that none is built.
    fn wants(&self, kind: EventKind) -> bool {
        let _ = kind;
        true
    }
}
