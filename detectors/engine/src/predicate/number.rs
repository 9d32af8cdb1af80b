//! Numbers compared exactly, whole or not.

use std::cmp::Ordering;

use bavn_wire::messages::Value;

/// A number of a rule or a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole one.
    Whole(i128),
    /// A fraction, never NaN.
    Fraction(f64),
}

impl Number {
    /// The number that a value is; text counts where the whole of it is a decimal number.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Number(number) | Value::Time(number) => Some(Self::Whole(i128::from(*number))),
            Value::Float(number) if !number.is_nan() => Some(Self::Fraction(*number)),
            Value::Text(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Reads `-?digits(.digits)?`, at most 40 bytes.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let mut parts = digits.splitn(2, |b| *b == b'.');
        let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if text.len() > 40 || !parts.all(is_digits) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let whole = text.parse().ok().map(Self::Whole);
        whole.or_else(|| text.parse().ok().map(Self::Fraction))
    }

    /// Order of two numbers, without rounding.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Fraction(a), Self::Fraction(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Whole(a), Self::Fraction(b)) => whole_to_fraction(a, b),
            (Self::Fraction(a), Self::Whole(b)) => whole_to_fraction(b, a).reverse(),
        }
    }
}

fn whole_to_fraction(a: i128, b: f64) -> Ordering {
    let floor = b.floor();
    // A cast of a float to an integer saturates, which keeps the order.
    let order = a.cmp(&(floor as i128));
    if order == Ordering::Equal && b > floor { Ordering::Less } else { order }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_text_only() {
        assert_eq!(Number::parse(b"42"), Some(Number::Whole(42)));
        assert_eq!(Number::parse(b"-7"), Some(Number::Whole(-7)));
        assert_eq!(Number::parse(b"1.5"), Some(Number::Fraction(1.5)));
        for text in ["", "-", "1.", ".5", "1e3", "0x10", " 1", "1.2.3", "nan", "inf", "+1"] {
            assert_eq!(Number::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn compares_without_rounding() {
        let big = Number::Whole((1 << 60) + 1);
        assert_eq!(big.compare(Number::Fraction((1_u64 << 60) as f64)), Ordering::Greater);
        assert_eq!(Number::Whole(3).compare(Number::Fraction(3.5)), Ordering::Less);
        assert_eq!(Number::Fraction(-3.5).compare(Number::Whole(-4)), Ordering::Greater);
        assert_eq!(Number::Fraction(f64::INFINITY).compare(big), Ordering::Greater);
    }
}
