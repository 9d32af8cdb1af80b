//! CRC-16/DNP (IEEE 1815-2012, 9.2.5.3.3): polynomial 0x3d65 reflected, the result complemented.

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let (mut table, mut at) = ([0; 256], 0);
    while at < 256 {
        let (mut value, mut bit) = (at as u16, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xa6bc } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

fn crc(bytes: &[u8]) -> u16 {
    let step = |crc: u16, byte: &u8| {
        let place = usize::from(crc as u8 ^ byte);
        crc >> 8 ^ TABLE.get(place).copied().unwrap_or(0)
    };
    !bytes.iter().fold(0, step)
}

/// The bytes before a CRC, where it is right.
pub(super) fn checked(block: &[u8]) -> Option<&[u8]> {
    let (body, sum) = block.split_last_chunk::<2>()?;
    (crc(body) == u16::from_le_bytes(*sum)).then_some(body)
}

#[cfg(test)]
pub(super) fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc(body).to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        // CRC-16/DNP over "123456789" is 0xea82.
        assert_eq!(crc(b"123456789"), 0xea82);
        assert_eq!(checked(&sealed(b"abc")), Some(&b"abc"[..]));
        assert_eq!((checked(b"abcde"), checked(b"a")), (None, None));
    }
}
