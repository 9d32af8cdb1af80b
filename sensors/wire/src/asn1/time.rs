//! UTCTime and GeneralizedTime (RFC 5280 4.1.2.5).

use super::Tag;

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds since the epoch; earlier times become 0, those after 2554 the largest number.
pub(crate) fn nanoseconds((tag, text): (Tag, &[u8])) -> Option<u64> {
    let (year, rest) = match tag {
        Tag::UTC_TIME => {
            let (year, rest) = number(text, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        Tag::GENERALIZED_TIME => number(text, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    // Old certificates leave the seconds out.
    let (second, rest) = number(rest, 2).unwrap_or((0, rest));
    let fits =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !fits || rest != b"Z" {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(u64::try_from(seconds).unwrap_or(0).saturating_mul(SECOND))
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let all = head.iter().all(u8::is_ascii_digit);
    all.then(|| (head.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

/// Days from 1970-01-01 in the Gregorian calendar; the year is taken to begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (from_march * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<u64> {
        nanoseconds((Tag::UTC_TIME, text.as_bytes()))
    }

    fn general(text: &str) -> Option<u64> {
        nanoseconds((Tag::GENERALIZED_TIME, text.as_bytes()))
    }

    // Expected values from `date -u -d ... +%s`.
    #[test]
    fn known_times() {
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("000229120000Z"), Some(951_825_600 * SECOND));
        assert_eq!(utc("261122091400Z"), Some(1_795_338_840 * SECOND));
        assert_eq!(utc("2611220914Z"), Some(1_795_338_840 * SECOND));
        assert_eq!(general("21000301000000Z"), Some(4_107_542_400 * SECOND));
    }

    #[test]
    fn out_of_range_is_clamped() {
        assert_eq!(utc("500101000000Z"), Some(0));
        assert_eq!(general("99991231235959Z"), Some(u64::MAX));
    }

    #[test]
    fn nonsense_is_none() {
        for text in ["", "Z", "26112209140", "261322091400Z", "26112209140xZ", "261122091400+0100"] {
            assert_eq!(utc(text), None, "{text}");
        }
    }
}
