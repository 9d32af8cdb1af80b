//! Announcements of data connections: PORT and PASV (RFC 959 4.1.2), EPRT and EPSV (RFC 2428).

use std::net::{IpAddr, Ipv4Addr};

/// Address and port that six numbers tell: `10,0,0,1,4,1`, wherever they stand in the text.
pub(super) fn six(text: &[u8]) -> Option<(Option<IpAddr>, u16)> {
    let from = text.iter().position(u8::is_ascii_digit)?;
    let mut numbers = text.get(from..)?.split(|byte| *byte == b',').map(leading);
    let mut next = || numbers.next().flatten();
    let octets = [next()?, next()?, next()?, next()?];
    let port = u16::from_be_bytes([next()?, next()?]);
    Some((Some(IpAddr::V4(Ipv4Addr::from(octets))), port))
}

/// The number at the beginning of a text.
fn leading(text: &[u8]) -> Option<u8> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()
}

/// `|family|address|port|` with any sign for the bar; family and address are empty in the reply to EPSV.
pub(super) fn barred(text: &[u8]) -> Option<(Option<IpAddr>, u16)> {
    let from = text.iter().position(|byte| *byte == b'(').map_or(0, |at| at + 1);
    let text = text.get(from..)?;
    let bar = *text.first().filter(|bar| !bar.is_ascii_alphanumeric())?;
    let mut parts = text.get(1..)?.split(|byte| *byte == bar).map(|part| std::str::from_utf8(part).ok());
    let (_, address, port) = (parts.next()??, parts.next()??, parts.next()??);
    let address = if address.is_empty() { None } else { Some(address.parse().ok()?) };
    Some((address, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_of_every_form() {
        let ten: IpAddr = "10.0.0.1".parse().unwrap();
        let six_colon: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(six(b"10,0,0,1,4,1"), Some((Some(ten), 1025)));
        assert_eq!(six(b"Entering Passive Mode (10,0,0,1,4,1)."), Some((Some(ten), 1025)));
        assert_eq!(barred(b"|1|10.0.0.1|1025|"), Some((Some(ten), 1025)));
        assert_eq!(barred(b"!2!2001:db8::1!5282!"), Some((Some(six_colon), 5282)));
        assert_eq!(barred(b"Entering Extended Passive Mode (|||6446|)"), Some((None, 6446)));
        for bad in [&b""[..], b"1,2,3,4,5", b"1,2,3,4,5,256", b"none", b"(|||70000|)", b"|1|x|5|", b"|||"] {
            assert_eq!((six(bad), barred(bad)), (None, None), "{}", bad.escape_ascii());
        }
    }
}
