//! The headers that every request to the collector carries, as OpenTelemetry's variables hold them.

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::wish::NoTraces;

/// Where they stand, the more special first.
const VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];

/// `name=value`, parted by commas; values are percent-encoded, and secrets.
pub(super) fn headers(of: &dyn Fn(&str) -> Option<String>) -> Result<HeaderMap, NoTraces> {
    let Some((variable, text)) = VARIABLES.into_iter().find_map(|name| Some((name, of(name)?))) else {
        return Ok(HeaderMap::new());
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(|pair| header(pair).ok_or(NoTraces::Headers(variable))).collect()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value: Vec<u8> = percent_decode_str(value.trim()).collect();
    let mut value = HeaderValue::from_bytes(&value).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let of = |name: &str| (name == VARIABLES[1]).then(|| text.to_owned());
        let pairs = headers(&of).map_err(|error| error.to_string())?;
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            assert!(value.is_sensitive() && !format!("{value:?}").contains("Bearer"));
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Ok(pairs.iter().map(pair).collect())
    }

    #[test]
    fn values_are_decoded_and_never_shown() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![pair("authorization", "Bearer a=b+c"), pair("x-team", "flows")];
        assert_eq!(read("Authorization=Bearer%20a=b+c, x-team = flows,").unwrap(), expected);
        assert_eq!(read(" , ").unwrap(), []);
    }

    #[test]
    fn what_is_no_header_is_refused_without_being_shown() {
        for text in ["s3cret", "a b=s3cret", "=s3cret", "a=s3cret%0a"] {
            assert_eq!(read(text).unwrap_err(), "`OTEL_EXPORTER_OTLP_HEADERS` holds what is no header");
        }
    }
}
