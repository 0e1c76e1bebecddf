//! What keeps an environment from being written to although nothing is wrong: it is observed all the same.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// Why nothing is written, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Hold {
    /// A person has suspended the environment; until somebody lifts that.
    Suspended {
        /// Why.
        reason: Option<String>,
        /// Since when.
        since: Option<Timestamp>,
        /// Who has done it.
        who: Option<String>,
    },
    /// Its windows are closed.
    #[serde(rename_all = "camelCase")]
    Window {
        /// `deny` for the window that closes it, `allow` for the one that opens it next.
        kind: &'static str,
        /// When that window begins, as it was written.
        schedule: String,
        /// How long it lasts.
        duration: String,
        /// In whose time.
        time_zone: String,
        /// When it may be written to again; absent where that was not found in the next years.
        until: Option<Timestamp>,
    },
}

impl Hold {
    /// When it ends by itself, as far as that is known.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Suspended { .. } => None,
            Self::Window { until, .. } => *until,
        }
    }
}

/// `closed until 2026-11-27T05:00:00Z by the deny window \`0 22 * * 1-5\` for 8h (Europe/Berlin)`,
/// `suspended since 2026-11-26T16:00:00Z by Ann until \`flowsync resume\`: the till is being counted`
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspended { reason, since, who } => {
                f.write_str("suspended")?;
                since.iter().try_for_each(|since| write!(f, " since {since:.0}"))?;
                who.iter().try_for_each(|who| write!(f, " by {who}"))?;
                f.write_str(" until `flowsync resume`")?;
                reason.iter().try_for_each(|reason| write!(f, ": {reason}"))
            }
            Self::Window { kind, schedule, duration, time_zone, until } => {
                match until {
                    Some(until) => write!(f, "closed until {until:.0}")?,
                    None => f.write_str("closed, and no opening was found ahead")?,
                }
                let which =
                    if *kind == "deny" { "by the deny window" } else { "outside of the allow windows, the next is" };
                write!(f, " {which} `{schedule}` for {duration} ({time_zone})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_whole_seconds() {
        let time = |text: &str| Some(text.parse().unwrap());
        let since = time("2026-11-26T16:00:00.123456789Z");
        let suspended = Hold::Suspended { reason: None, since, who: Some("Ann".into()) };
        assert_eq!(suspended.to_string(), "suspended since 2026-11-26T16:00:00Z by Ann until `flowsync resume`");
        let closed = Hold::Window {
            kind: "deny",
            schedule: "0 22 * * 1-5".into(),
            duration: "8h".into(),
            time_zone: "UTC".into(),
            until: time("2026-11-27T05:00:00.5Z"),
        };
        assert_eq!(
            closed.to_string(),
            "closed until 2026-11-27T05:00:00Z by the deny window `0 22 * * 1-5` for 8h (UTC)"
        );
    }
}
