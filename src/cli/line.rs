//! A line on stderr: what it says, and what it is about, as text or as one JSON object.

use serde_json::{Map, Value, json};

use crate::clock::{Clock as _, SystemClock};
use crate::problem::escape_terminal;

/// What a line is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    /// The environment's name in the configuration.
    pub environment: Option<&'a str>,
    /// The deployment, once there is one.
    pub deployment: Option<&'a str>,
    /// How often it came, this time included; of what comes once, nothing is said.
    pub n_times: Option<u64>,
}

impl<'a> About<'a> {
    /// About an environment, and a deployment of it if there is one.
    pub(crate) fn environment(environment: &'a str, deployment: Option<&'a str>) -> Self {
        Self { environment: Some(environment), deployment, n_times: None }
    }
}

/// A line of the log.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`.
    pub level: &'a str,
    /// Where in the program it comes from.
    pub target: &'a str,
    pub about: About<'a>,
    pub message: &'a str,
    /// Whatever else is said.
    pub fields: Map<String, Value>,
}

impl Line<'_> {
    /// One JSON object.
    pub(super) fn json(&self) -> String {
        let About { environment, deployment, n_times } = self.about;
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), json!(now()));
        object.insert("level".to_owned(), json!(self.level));
        object.insert("message".to_owned(), json!(self.message));
        object.insert("target".to_owned(), json!(self.target));
        object.extend(environment.map(|it| ("environment".to_owned(), json!(it))));
        object.extend(deployment.map(|it| ("deployment".to_owned(), json!(it))));
        object.extend(n_times.filter(|n_times| *n_times > 1).map(|it| ("times".to_owned(), json!(it))));
        object.extend(self.fields.clone());
        Value::Object(object).to_string()
    }

    /// A line for people.
    pub(super) fn text(&self, color: bool) -> String {
        let About { environment, deployment: _, n_times } = self.about;
        let environment = environment.map(|it| format!("{it}: ")).unwrap_or_default();
        let times = super::repeats::times(n_times.unwrap_or(1));
        let show = |(name, value): (&String, &Value)| match value {
            Value::String(text) => format!(" {name}={text:?}"),
            value => format!(" {name}={value}"),
        };
        let fields: String = self.fields.iter().map(show).collect();
        let said = escape_terminal(&format!("{environment}{}{fields}{times}", self.message)).into_owned();
        let level = format!("{:>5}", self.level);
        if !color {
            return format!("{} {level} {said}", now());
        }
        let shade = match self.level {
            "ERROR" => 31,
            "WARN" => 33,
            "INFO" => 32,
            _ => 34,
        };
        format!("\x1b[2m{}\x1b[0m \x1b[{shade}m{level}\x1b[0m {said}", now())
    }
}

fn now() -> String {
    format!("{:.6}", SystemClock.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(about: About<'a>, message: &'a str) -> Line<'a> {
        let fields = [("flow".to_owned(), json!("flow_a")), ("pause_ms".to_owned(), json!(7))].into_iter().collect();
        Line { level: "WARN", target: "flowsync", about, message, fields }
    }

    #[test]
    fn a_line_says_what_it_is_about() {
        let about = About { n_times: Some(4), ..About::environment("production", Some("d-1")) };
        let object: Value = serde_json::from_str(&line(about, "slow").json()).unwrap();
        for (key, expected) in [
            ("level", json!("WARN")),
            ("message", json!("slow")),
            ("environment", json!("production")),
            ("deployment", json!("d-1")),
            ("times", json!(4)),
            ("flow", json!("flow_a")),
            ("pause_ms", json!(7)),
        ] {
            assert_eq!(object[key], expected, "{object}");
        }
        let text = line(about, "slow").text(false);
        assert!(text.ends_with("  WARN production: slow flow=\"flow_a\" pause_ms=7 (4 times)"), "{text}");
        let object: Value = serde_json::from_str(&line(About::default(), "slow").json()).unwrap();
        assert!(object.get("environment").is_none() && object.get("times").is_none(), "{object}");
    }

    #[test]
    fn no_word_of_others_moves_the_terminal() {
        let text = line(About::default(), "a\u{1b}[2Jb\nc").text(false);
        assert!(text.contains("a\\u{1b}[2Jb\\nc"), "{text}");
    }
}
