//! Durations as people write them: `500ms`, `60s`, `5m`, `1h30m`.

use std::time::Duration;

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration such as `500ms`, `60s`, `5m` or `1h30m`, found `{found}`")]
pub struct DurationError {
    /// What stood there instead, shortened.
    pub found: String,
}

/// Reads whole numbers with the units `d`, `h`, `m`, `s` and `ms`, each at most once, largest first,
/// without spaces between them. A bare number has no unit and is refused, even `0`.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError { found: super::yaml::shorten(text) };
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    let mut units = UNITS.as_slice();
    while !rest.is_empty() || units.len() == UNITS.len() {
        let (number, after) = split_at_first(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_at_first(after, |c| !c.is_ascii_alphabetic());
        let at = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(units[at].1));
        milliseconds = part.and_then(|part| milliseconds.checked_add(part)).ok_or_else(wrong)?;
        (rest, units) = (after, &units[at + 1..]);
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Writes a duration in the form that [`parse_duration`] reads, in whole milliseconds.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, milliseconds) in UNITS {
        let number = rest / milliseconds;
        rest %= milliseconds;
        if number > 0 {
            text += &format!("{number}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn split_at_first(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("500ms", 500), ("60s", 60_000), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "0",
            "60",
            "s",
            "1.5h",
            "-1s",
            "1 s",
            " 1s",
            "1s1s",
            "1s1m",
            "1y",
            "1H",
            "99999999999999999999s",
            "1s\n",
            "١s",
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in 0_u64..=u64::MAX) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*|[0-9dhms]{0,12}") {
            let _ = parse_duration(&text);
        }
    }
}
