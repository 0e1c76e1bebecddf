//! What servers say in headers of when to come back.

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The seconds that a `Retry-After` asks for, as a number or as an HTTP date; whether that makes sense is for others.
pub(crate) fn retry_after_seconds(headers: &HeaderMap) -> Option<f64> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    text.parse::<f64>().ok().or_else(|| seconds_until(text, headers))
}

/// The text of a header, without surrounding space.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Seconds until an HTTP date, by the server's own clock where it sends one.
fn seconds_until(date: &str, headers: &HeaderMap) -> Option<f64> {
    Some(epoch_seconds(date)? - now_seconds(headers))
}

/// Seconds since 1970, by the server's own clock where it sends one.
#[allow(
    clippy::disallowed_methods,
    reason = "an HTTP date is compared with the wall clock, the server's where it sends one"
)]
pub(crate) fn now_seconds(headers: &HeaderMap) -> f64 {
    let servers = text(headers, DATE.as_str()).and_then(epoch_seconds);
    servers.unwrap_or_else(|| jiff::Timestamp::now().as_duration().as_secs_f64())
}

fn epoch_seconds(date: &str) -> Option<f64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    Some(parser.parse_timestamp(date).ok()?.as_duration().as_secs_f64())
}
