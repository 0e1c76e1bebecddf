//! What a tenant says of its limits in headers.

use std::time::Duration;

use reqwest::header::HeaderMap;

use super::super::tuning::Tuning;
use crate::web::{now_seconds, retry_after_seconds, text};

/// A budget that the tenant announced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Announced {
    /// Requests left.
    pub(super) n_remaining: u64,
    /// Time until there are more.
    pub(super) reset: Duration,
}

/// A `Retry-After` further ahead than this is a slip, not a wish.
const BELIEVED_SECONDS_MAX: f64 = 86_400.0;
/// Beyond an hour, whole thousands of seconds are milliseconds.
const MILLISECONDS_FROM: f64 = 3_600.0;
/// A number beyond this is a moment, in seconds since 1970, not a time until it.
const MOMENT_FROM: f64 = 1e9;

/// The wait a `Retry-After` asks for, as seconds or as an HTTP date, capped; none for one that asks
/// for no wait at all or makes no sense, so that the usual backoff applies.
pub(crate) fn retry_after(headers: &HeaderMap, tuning: &Tuning) -> Option<Duration> {
    let seconds = retry_after_seconds(headers)?;
    let is_milliseconds = seconds > MILLISECONDS_FROM && seconds % 1_000.0 == 0.0;
    let is_meant = seconds > 0.0 && seconds <= BELIEVED_SECONDS_MAX && !is_milliseconds;
    let wait = tuning.tenant_seconds(seconds.min(f64::from(tuning.retry_after_seconds_max)));
    (is_meant && !wait.is_zero()).then_some(wait)
}

/// `RateLimit-Remaining` and `RateLimit-Reset`, their `X-` forms, or the one-line `RateLimit`; none
/// where that makes no sense. A reset further ahead than anybody would wait says nothing either: it
/// is a slip (milliseconds, as a rule), or the tenant's 429 will say when to stop.
pub(crate) fn announced(headers: &HeaderMap, tuning: &Tuning) -> Option<Announced> {
    let (n_remaining, reset) = ["ratelimit", "x-ratelimit", "x-rate-limit"]
        .iter()
        .find_map(|prefix| Some((number(headers, prefix, "remaining")?, number(headers, prefix, "reset")?)))
        .or_else(|| one_line(text(headers, "ratelimit")?))?;
    let longest = f64::from(tuning.retry_after_seconds_max);
    // A moment may lie a little behind: clocks differ.
    let (reset, earliest) = if reset > MOMENT_FROM { (reset - now_seconds(headers), -longest) } else { (reset, 0.0) };
    if n_remaining < 0.0 || !(earliest..=longest).contains(&reset) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; floored, saturating")]
    let n_remaining = n_remaining as u64;
    Some(Announced { n_remaining, reset: tuning.tenant_seconds(reset) })
}

fn number(headers: &HeaderMap, prefix: &str, field: &str) -> Option<f64> {
    text(headers, &format!("{prefix}-{field}"))?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `limit=100, remaining=0, reset=5`, or `"default";r=0;t=5`.
fn one_line(text: &str) -> Option<(f64, f64)> {
    let field = |names: [&str; 2]| {
        text.split([',', ';'])
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| names.contains(name))
            .and_then(|(_, value)| value.parse::<f64>().ok())
            .filter(|number| number.is_finite())
    };
    Some((field(["remaining", "r"])?, field(["reset", "t"])?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let check = |value, expected: Option<u64>| {
            let found = retry_after(&headers(&[("retry-after", value), date]), &Tuning::default());
            assert_eq!(found, expected.map(Duration::from_secs), "{value}");
        };
        check("7", Some(7));
        check("86400", Some(300));
        check("Sun, 06 Nov 1994 08:49:40 GMT", Some(3));
        check("Sun, 06 Nov 1994 09:49:40 GMT", Some(300));
        check("Sun, 06 Nov 1994 08:00:00 GMT", None);
        check("0", None);
        check("-1", None);
        check("soon", None);
    }

    #[test]
    fn a_wait_that_makes_no_sense_is_as_good_as_none() {
        let years = "Sun, 06 Nov 2094 08:49:37 GMT";
        for value in ["NaN", "-NaN", "inf", "-inf", "1e300", "-7", "86401", "31536000", "1784192405000", "30000", years]
        {
            let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(retry_after(&headers(&[("retry-after", value), date]), &Tuning::default()), None, "{value}");
            for name in ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"] {
                let remaining = name.replace("reset", "remaining").leak();
                let found = announced(&headers(&[(remaining, "0"), (name, value)]), &Tuning::default());
                assert_eq!(found, None, "{name}: {value}");
            }
            let line: &'static str = format!("limit=9, remaining=9, reset={value}").leak();
            assert_eq!(announced(&headers(&[("ratelimit", line)]), &Tuning::default()), None, "{line}");
        }
        let check = |remaining, reset| {
            let found = announced(
                &headers(&[
                    ("x-ratelimit-remaining", remaining),
                    ("x-ratelimit-reset", reset),
                    ("date", "Thu, 16 Jul 2026 09:00:00 GMT"),
                ]),
                &Tuning::default(),
            );
            assert_eq!(found, None, "{remaining}, {reset}");
        };
        check("0", "1784192405000");
        check("0", "1784199600");
        check("0", "301");
        check("-1", "5");
        check("NaN", "5");
    }

    /// What a header may hold, of all kinds: numbers of any size and sign, dates, and anything else.
    fn any_value() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<f64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:e}")),
            any::<i64>().prop_map(|number| number.to_string()),
            "[0-9]{1,40}(\\.[0-9]{0,20})?",
            "[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
            "(limit|remaining|reset|r|t)=-?[0-9a-zA-Z.+]{0,12}[,;] ?(remaining|reset|r|t)=-?[0-9a-zA-Z.+]{0,12}",
            "[\\x20-\\x7e]{0,40}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_a_header_says_a_wait_is_bounded(values in proptest::collection::vec(any_value(), 4)) {
            let names = ["retry-after", "ratelimit-remaining", "ratelimit-reset", "date"];
            let one_line = ["retry-after", "ratelimit", "x-ratelimit-reset", "date"];
            for names in [names, one_line] {
                let pairs = names.iter().zip(&values);
                let headers: HeaderMap = pairs
                    .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
                    .collect();
                let tuning = Tuning::default();
                let longest = Duration::from_secs(u64::from(tuning.retry_after_seconds_max));
                prop_assert!(retry_after(&headers, &tuning).is_none_or(|wait| !wait.is_zero() && wait <= longest));
                prop_assert!(announced(&headers, &tuning).is_none_or(|announced| announced.reset <= longest));
            }
        }
    }

    #[test]
    fn a_budget_is_read_in_every_form() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let found = announced(&headers(pairs), &Tuning::default());
            assert_eq!(found, Some(Announced { n_remaining: 3, reset: Duration::from_secs(5) }), "{pairs:?}");
        };
        check(&[("ratelimit-limit", "10"), ("ratelimit-remaining", "3"), ("ratelimit-reset", "5")]);
        check(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "5")]);
        check(&[
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "1784192405"),
            ("date", "Thu, 16 Jul 2026 09:00:00 GMT"),
        ]);
        check(&[("ratelimit", "limit=10, remaining=3, reset=5")]);
        check(&[("ratelimit", "\"default\";r=3;t=5")]);
        assert_eq!(announced(&headers(&[("ratelimit-remaining", "3")]), &Tuning::default()), None);
    }
}
