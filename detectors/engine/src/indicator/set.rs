//! A compiled set: text, one indicator a line, made of the kept lists; read once, then only looked up.
//!
//! ```text
//! bavn-indicators 1
//! {"provider":"a list","tlp":"AMBER","confidence":80,"note":"..","reference":".."}      what a list says
//! domain <tab> evil.example <tab> 1798761600 <tab> 0       type, value, end in seconds or -, place of what is said
//! end 1 <SHA-256 of all lines before, hex>
//! ```

use std::fmt;
use std::io::BufRead;
use std::net::IpAddr;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Type;
use super::canonical::{self, MAX_URL};
use super::table::{Entry, Table};

/// First line.
const HEAD: &[u8] = b"bavn-indicators 1";
/// Indicators of a set.
const MAX_INDICATORS: usize = 4_000_000;
/// Bytes of a line: the longest URL with what stands beside it.
const MAX_LINE: usize = MAX_URL + 256;
/// Bytes of what a list says of an indicator.
const MAX_SAID: usize = 4096;
/// Different things said: one each for a million indicators would take as much room again.
const MAX_METAS: usize = 200_000;
/// Bytes of all keys.
const MAX_BYTES: u64 = 512 << 20;

/// Why a set was refused: where, and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError {
    /// Line, from 1; 0 where no line is at fault.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for SetError {}

/// Traffic Light Protocol 2.0, from the widest circle to the narrowest.
pub(crate) const TLP: [&str; 5] = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];

/// The strictest mark.
pub(crate) const STRICTEST: &str = "RED";

/// How strict a mark is; what is none of the marks is the strictest.
#[must_use]
pub(crate) fn strictness(tlp: &str) -> usize {
    TLP.iter().position(|known| *known == tlp).unwrap_or(TLP.len() - 1)
}

/// What a list says of an indicator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The list.
    pub provider: String,
    /// Traffic Light Protocol mark.
    pub tlp: String,
    /// How sure the list is, 0 to 100.
    pub confidence: Option<u8>,
    /// What it is, in the list's words.
    #[serde(default)]
    pub note: String,
    /// Where to read on.
    #[serde(default)]
    pub reference: String,
}

/// An indicator that was found: the same value may stand in several lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'s> {
    /// What it is.
    pub ty: Type,
    /// Its value, as `bavn ioc ls` shows it.
    pub value: String,
    /// What the lists say that still hold, the strictest mark first, then in the order of the set.
    pub said: Vec<&'s Meta>,
}

/// Indicators, ready to be looked up.
#[derive(Debug, Default)]
pub struct Set {
    tables: [Table; Type::ALL.len()],
    metas: Vec<Meta>,
    /// Lengths of prefixes that there are, longest first, of IPv4 and IPv6.
    prefixes: [Vec<u8>; 2],
    digest: String,
}

impl Set {
    /// Reads a set.
    ///
    /// # Errors
    /// [`SetError`] on what is not whole and in that form; nothing of it is used then.
    pub fn load(source: &mut dyn BufRead) -> Result<Self, SetError> {
        let mut reader = Reader { source, hasher: Sha256::new(), line: Vec::new(), number: 0, bytes: 0 };
        if reader.next()? != HEAD {
            return Err(reader.wrong("no set of indicators of this version of bavn"));
        }
        let mut set = Self::default();
        loop {
            reader.digest_line();
            let line = reader.next()?;
            let taken = match line {
                [b'{', ..] => set.say(line),
                [b'e', b'n', b'd', b' ', rest @ ..] => {
                    let rest = rest.to_vec();
                    return set.sealed(&rest, reader);
                }
                _ => set.add(line),
            };
            taken.map_err(|what| reader.wrong(&what))?;
        }
    }

    fn say(&mut self, line: &[u8]) -> Result<(), String> {
        if line.len() > MAX_SAID || self.metas.len() >= MAX_METAS {
            return Err("too much is said".to_owned());
        }
        let meta: Meta = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if !TLP.contains(&meta.tlp.as_str()) {
            return Err(format!("no mark {:?}", meta.tlp));
        }
        self.metas.push(meta);
        Ok(())
    }

    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
        let mut parts = text.split('\t');
        let (Some(ty), Some(value), Some(end), Some(said), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("four parts are wanted".to_owned());
        };
        let ty = Type::by_name(ty).ok_or("no such type")?;
        let expires = if end == "-" { 0 } else { end.parse().map_err(|_| "no time")? };
        let meta: u32 = said.parse().map_err(|_| "no number")?;
        if meta as usize >= self.metas.len() {
            return Err("nothing is said of that number".to_owned());
        }
        let key = Key::read(ty, value).ok_or_else(|| format!("{value:?} is no {}", ty.name()))?;
        if let Key::Network(_, v6, len) = &key
            && let Some(prefixes) = self.prefixes.get_mut(usize::from(*v6))
            && !prefixes.contains(len)
        {
            prefixes.push(*len);
        }
        let ty = match &key {
            Key::Network(_, v6, len) => network_type(*v6, *len),
            Key::Text(_) => ty,
        };
        let is_full = self.len() >= MAX_INDICATORS;
        if is_full || !self.table_mut(ty).add(key.bytes(), Entry { expires, meta }) {
            return Err(format!("over {MAX_INDICATORS} indicators"));
        }
        Ok(())
    }

    fn sealed(mut self, end: &[u8], mut reader: Reader<'_>) -> Result<Self, SetError> {
        let digest = reader.digest();
        if end != format!("{} {digest}", self.len()).as_bytes() {
            return Err(reader.wrong("the set is damaged: its end does not fit"));
        }
        self.digest = digest;
        self.tables.iter_mut().for_each(Table::seal);
        self.metas.shrink_to_fit();
        self.prefixes.iter_mut().for_each(|lens| lens.sort_unstable_by(|a, b| b.cmp(a)));
        Ok(self)
    }

    /// Indicators, each list's counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 of the set, hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let said = |meta: &Meta| {
            size_of::<Meta>() + meta.provider.len() + meta.tlp.len() + meta.note.len() + meta.reference.len()
        };
        self.tables.iter().map(Table::bytes).sum::<usize>() + self.metas.iter().map(said).sum::<usize>()
    }

    /// True where there are indicators of that type.
    #[must_use]
    pub fn has(&self, ty: Type) -> bool {
        self.table(ty).is_some_and(|table| table.len() > 0)
    }

    /// The indicators of a type that are that value, where some list's still holds at `now` (seconds).
    #[inline]
    pub(super) fn find(&self, ty: Type, key: &[u8], now: u64) -> Option<Hit> {
        let mut hit = None;
        self.table(ty)?.find(key, |Entry { expires, meta }| {
            if expires == 0 || now < u64::from(expires) {
                hit.get_or_insert_with(Hit::default).metas.push(meta);
            }
        });
        hit
    }

    /// The longest network that holds an address.
    #[inline]
    pub(super) fn network(&self, ip: IpAddr, now: u64) -> Option<(Vec<u8>, Hit)> {
        let (prefixes, mut key) = match ip {
            IpAddr::V4(ip) => (self.prefixes.first()?, NetworkKey::v4(ip.octets())),
            IpAddr::V6(ip) => (self.prefixes.get(1)?, NetworkKey::v6(ip.octets())),
        };
        for len in prefixes {
            key.shorten(*len);
            if let Some(hit) = self.find(network_type(ip.is_ipv6(), *len), key.bytes(), now) {
                return Some((key.bytes().to_vec(), hit));
            }
        }
        None
    }

    /// What lists say, the strictest mark first.
    pub(super) fn said(&self, hit: &Hit) -> Vec<&Meta> {
        let mut places = hit.metas.clone();
        places.sort_unstable();
        places.dedup();
        let mut said: Vec<&Meta> =
            places.iter().filter_map(|place| self.metas.get(*place as usize)).collect();
        said.sort_by_key(|meta| std::cmp::Reverse(strictness(&meta.tlp)));
        said
    }

    fn table(&self, ty: Type) -> Option<&Table> {
        self.tables.get(ty as usize)
    }

    fn table_mut(&mut self, ty: Type) -> &mut Table {
        &mut self.tables[ty as usize]
    }
}

/// What was found of one value.
#[derive(Debug, Default)]
pub(super) struct Hit {
    metas: Vec<u32>,
}

/// A value as tables know it.
enum Key {
    Text(Vec<u8>),
    /// Also whether it is IPv6, and the length of its prefix.
    Network(Vec<u8>, bool, u8),
}

impl Key {
    fn read(ty: Type, value: &str) -> Option<Self> {
        let text = || Some(Self::Text(value.as_bytes().to_vec())).filter(|_| !value.is_empty());
        match ty {
            Type::Ip | Type::Cidr => network(value),
            Type::Endpoint => endpoint(value).map(Self::Text),
            Type::Domain | Type::Host => {
                let mut room = [0; canonical::MAX_NAME];
                text().filter(|_| canonical::name(value.as_bytes(), &mut room) == Some(value.as_bytes()))
            }
            Type::Url | Type::Ja4 => text(),
            _ => {
                let (bytes, size) = canonical::digest(value.as_bytes(), ty.digest_bytes()?)?;
                Some(Self::Text(bytes.get(..size)?.to_vec()))
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) | Self::Network(bytes, ..) => bytes,
        }
    }
}

fn network(value: &str) -> Option<Key> {
    let (ip, len) = value.split_once('/').map_or((value, None), |(ip, len)| (ip, Some(len)));
    let ip: IpAddr = ip.parse().ok()?;
    let (mut key, most) = match ip {
        IpAddr::V4(ip) => (NetworkKey::v4(ip.octets()), 32),
        IpAddr::V6(ip) => (NetworkKey::v6(ip.octets()), 128),
    };
    let len: u8 = len.map_or(Some(most), |len| len.parse().ok())?;
    let whole = key.bytes.to_vec();
    key.shorten(len);
    let fits = len <= most && key.bytes.get(1..) == whole.get(1..);
    fits.then(|| Key::Network(key.bytes().to_vec(), ip.is_ipv6(), len))
}

/// A network of one address is that address.
const fn network_type(v6: bool, len: u8) -> Type {
    if len == if v6 { 128 } else { 32 } { Type::Ip } else { Type::Cidr }
}

/// Address and port.
fn endpoint(value: &str) -> Option<Vec<u8>> {
    let address: std::net::SocketAddr = value.parse().ok()?;
    Some(endpoint_key(address.ip(), address.port()))
}

/// The key of an address with a port.
pub(super) fn endpoint_key(ip: IpAddr, port: u16) -> Vec<u8> {
    let mut key = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    key.extend_from_slice(&port.to_be_bytes());
    key
}

/// A network as tables know it: length of the prefix, then the address's bytes.
struct NetworkKey {
    bytes: [u8; 17],
    len: usize,
}

impl NetworkKey {
    fn v4(octets: [u8; 4]) -> Self {
        Self::of(&octets)
    }

    fn v6(octets: [u8; 16]) -> Self {
        Self::of(&octets)
    }

    fn of(octets: &[u8]) -> Self {
        let mut bytes = [0; 17];
        bytes.iter_mut().skip(1).zip(octets).for_each(|(to, byte)| *to = *byte);
        Self { bytes, len: 1 + octets.len() }
    }

    /// Cuts the prefix down to that length; only ever shorter.
    fn shorten(&mut self, len: u8) {
        let [first, address @ ..] = &mut self.bytes;
        *first = len;
        for (at, byte) in address.iter_mut().enumerate() {
            let kept = usize::from(len).saturating_sub(8 * at).min(8);
            *byte &= !(0xff_u16 >> kept) as u8;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// A network key as text.
pub(super) fn network_text(key: &[u8]) -> (Type, String) {
    let (len, ip) = match key {
        [len, address @ ..] => match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
            (Ok(v4), _) => (*len, IpAddr::from(v4)),
            (_, Ok(v6)) => (*len, IpAddr::from(v6)),
            _ => return (Type::Cidr, String::new()),
        },
        [] => return (Type::Cidr, String::new()),
    };
    match network_type(ip.is_ipv6(), len) {
        Type::Ip => (Type::Ip, ip.to_string()),
        ty => (ty, format!("{ip}/{len}")),
    }
}

/// Lines, bounded and digested.
struct Reader<'r> {
    source: &'r mut dyn BufRead,
    hasher: Sha256,
    line: Vec<u8>,
    number: usize,
    bytes: u64,
}

impl Reader<'_> {
    /// The next line without its end.
    fn next(&mut self) -> Result<&[u8], SetError> {
        self.line.clear();
        self.number += 1;
        let mut limited = std::io::Read::take(&mut *self.source, MAX_LINE as u64);
        let read = std::io::BufRead::read_until(&mut limited, b'\n', &mut self.line);
        let read = read.map_err(|error| self.wrong(&error.to_string()))?;
        self.bytes += read as u64;
        if self.bytes > MAX_BYTES {
            return Err(self.wrong("the set is too large"));
        }
        match self.line.split_last() {
            Some((b'\n', line)) => Ok(line),
            None => Err(self.wrong("the set is cut: its end is missing")),
            Some(_) => Err(self.wrong("the line is cut or too long")),
        }
    }

    /// Takes the line at hand into the digest.
    fn digest_line(&mut self) {
        self.hasher.update(&self.line);
    }

    fn digest(&mut self) -> String {
        use fmt::Write as _;
        let digest = std::mem::take(&mut self.hasher).finalize();
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn wrong(&self, what: &str) -> SetError {
        SetError { line: self.number, what: what.to_owned() }
    }
}
