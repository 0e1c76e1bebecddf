//! What the environment asks for, and what is told of it.

use tracing_subscriber::{Layer, Registry};

/// The variable that names where traces go, as it stands.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The variable that names where everything goes: traces go to a path below it.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What hears of spans, for the registry that the log hears from too.
pub(crate) type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// Looks up a variable of the environment.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why no traces are sent although they are asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTraces {
    /// Nothing of it is built in.
    #[cfg(not(feature = "otlp"))]
    #[error("`{0}` asks for them, and this flowsync is built without the feature `otlp`")]
    Absent(&'static str),
    /// The collector's address is none. It may hold credentials, and is not shown.
    #[cfg(feature = "otlp")]
    #[error("`{0}` is no URL with `http://` or `https://`")]
    Endpoint(&'static str),
    /// Another protocol is asked for.
    #[cfg(feature = "otlp")]
    #[error("`{variable}` asks for `{asked}`, and `http/protobuf` is all that is spoken")]
    Protocol {
        /// Which says so.
        variable: &'static str,
        /// Its value, fit to be shown.
        asked: String,
    },
    /// There is no way to the collector.
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Connect(#[from] crate::web::ConnectError),
    /// What requests are to carry cannot be read. It is a secret, and not shown.
    #[cfg(feature = "otlp")]
    #[error("`{0}` holds what is no header")]
    Headers(&'static str),
}

/// Where traces are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// The variable that says so.
    pub(super) variable: &'static str,
    /// The address that they are sent to.
    pub(super) endpoint: String,
}

/// What the environment asks for. A variable that is empty is one that is not set.
pub(super) fn wish(of: Variables<'_>) -> Option<Wish> {
    let of = |name: &str| of(name).filter(|value| !value.is_empty());
    let is_off = of("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || of("OTEL_TRACES_EXPORTER").is_some_and(|value| value.split(',').all(|one| one.trim() != "otlp"));
    if is_off {
        return None;
    }
    let special = of(TRACES_ENDPOINT).map(|endpoint| Wish { variable: TRACES_ENDPOINT, endpoint });
    let general = || {
        let root = of(ENDPOINT)?;
        Some(Wish { variable: ENDPOINT, endpoint: format!("{}/v1/traces", root.trim_end_matches('/')) })
    };
    special.or_else(general)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(variables: &[(&str, &str)]) -> Option<String> {
        let of = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        wish(&of).map(|wish| format!("{} {}", wish.variable, wish.endpoint))
    }

    #[test]
    fn traces_go_where_the_more_special_variable_says() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example.com/in");
        assert_eq!(wished(&[all]).unwrap(), "OTEL_EXPORTER_OTLP_ENDPOINT http://collector:4318/v1/traces");
        let special = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT https://traces.example.com/in";
        assert_eq!(wished(&[all, traces]).unwrap(), special);
        assert_eq!(wished(&[traces]).unwrap(), special);
    }

    #[test]
    fn nobody_who_does_not_ask_gets_any() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        assert_eq!(wished(&[]), None);
        assert_eq!(wished(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        assert_eq!(wished(&[all, ("OTEL_SDK_DISABLED", "True")]), None);
        assert_eq!(wished(&[all, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert!(wished(&[all, ("OTEL_TRACES_EXPORTER", "console, otlp"), ("OTEL_SDK_DISABLED", "")]).is_some());
    }
}
