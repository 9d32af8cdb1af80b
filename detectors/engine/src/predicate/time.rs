//! Points in time: their parts in UTC and their text form (RFC 3339).

use bavn_wire::json::write_time;

const NS_PER_SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// A part of a time that a rule can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Day of the month, 1 to 31.
    Day,
    /// Week of the year, 1 to 53 (ISO 8601).
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

impl Part {
    /// The part of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// This part of a time in nanoseconds since the epoch, UTC.
    #[must_use]
    pub fn of(self, ns: u64) -> u64 {
        let seconds = ns / NS_PER_SECOND;
        let days = seconds / DAY;
        let (year, month, day) = civil(days);
        match self {
            Self::Minute => seconds / 60 % 60,
            Self::Hour => seconds / 3600 % 24,
            Self::Day => day,
            Self::Week => iso_week(days),
            Self::Month => month,
            Self::Year => year,
        }
    }
}

/// Year, month and day of so many days since 1970-01-01 (Howard Hinnant's civil_from_days).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The week holds the day's Thursday; week 1 holds the year's first Thursday.
fn iso_week(days: u64) -> u64 {
    let weekday = (days + 3) % 7;
    let thursday = days + 3 - weekday;
    let (year, _, _) = civil(thursday);
    (thursday - days_before(year)) / 7 + 1
}

/// Days from the epoch to the first of January, from 1970 on.
const fn days_before(year: u64) -> u64 {
    (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400
}

/// Appends a time as RFC 3339 with nanoseconds, UTC.
pub fn push_rfc3339(ns: u64, out: &mut Vec<u8>) {
    let mut quoted = Vec::with_capacity(32);
    write_time(&mut quoted, ns);
    out.extend(quoted.into_iter().filter(|byte| *byte != b'"'));
}

/// Reads a time in the form that [`push_rfc3339`] writes, with up to nine digits of fraction or none.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(clock, ':')?;
    let sane = (1970..=2500).contains(&year) && hour < 24 && minute < 60 && second < 60;
    let digits = fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    let ns = format!("{fraction:0<9}").parse::<u64>().ok().filter(|_| digits && sane)?;
    // Found by walking: a test's convenience, not the hot path.
    let first = days_before(year.max(1970));
    let days = (first..first + 366).find(|days| civil(*days) == (year, month, day))?;
    Some((days * DAY + hour * 3600 + minute * 60 + second) * NS_PER_SECOND + ns)
}

fn three(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_795_338_840_123_456_789;

    #[test]
    fn parts() {
        let mut text = Vec::new();
        push_rfc3339(AT, &mut text);
        assert_eq!(text, b"2026-11-22T09:14:00.123456789Z");
        let parts = [Part::Minute, Part::Hour, Part::Day, Part::Week, Part::Month, Part::Year];
        assert_eq!(parts.map(|part| part.of(AT)), [14, 9, 22, 47, 11, 2026]);
    }

    #[test]
    fn text_and_back() {
        for ns in [0, AT, 951_782_400_000_000_000, 4_102_444_800_000_000_000, 1_709_164_800_000_000_000] {
            let mut text = Vec::new();
            push_rfc3339(ns, &mut text);
            assert_eq!(parse_rfc3339(std::str::from_utf8(&text).unwrap()), Some(ns));
        }
        assert_eq!(parse_rfc3339("1970-01-01T00:00:01Z"), Some(NS_PER_SECOND));
        for text in ["", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T09:14:00"]
        {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn weeks_at_the_turn_of_the_year() {
        let week = |days: u64| Part::Week.of(days * DAY * NS_PER_SECOND);
        assert_eq!(week(18_627), 53, "2020-12-31");
        assert_eq!(week(18_630), 53, "2021-01-03");
        assert_eq!(week(18_631), 1, "2021-01-04");
        assert_eq!(week(0), 1, "1970-01-01");
        assert_eq!(week(19_722), 52, "2023-12-31");
        assert_eq!(week(19_723), 1, "2024-01-01");
    }
}
