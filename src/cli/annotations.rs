//! Problems in the forms that code review shows beside the lines: SARIF, and GitHub's workflow commands.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::problem::{Place, Problem, Rule, Severity, escape_terminal};

/// A SARIF 2.1.0 log with one run.
pub(super) fn sarif(problems: &[Problem]) -> Value {
    let rules: BTreeSet<Rule> = problems.iter().map(|problem| problem.rule).collect();
    let rules: Vec<Value> = rules.into_iter().map(|rule| json!({ "id": rule })).collect();
    let driver = json!({ "name": "flowsync", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": problems.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(problem: &Problem) -> Value {
    let Place { file, line, column, pointer } = &problem.place;
    json!({
        "ruleId": problem.rule,
        "level": word(problem.severity),
        "message": { "text": text(problem) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": line, "startColumn": column },
            },
            "logicalLocations": [{ "fullyQualifiedName": pointer }],
        }],
    })
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// One `::error file=…` or `::warning file=…` a line.
pub(super) fn github(problems: &[Problem]) -> String {
    let command = |problem: &Problem| {
        let Place { file, line, column, .. } = &problem.place;
        let (level, rule) = (word(problem.severity), problem.rule);
        let (file, message) = (property(file), data(&text(problem)));
        format!("::{level} file={file},line={line},col={column},title={rule}::{message}\n")
    };
    problems.iter().map(command).collect()
}

fn text(problem: &Problem) -> String {
    if problem.help.is_empty() { problem.message.clone() } else { format!("{} ({})", problem.message, problem.help) }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Text that cannot end a workflow command, let alone begin another.
fn data(text: &str) -> String {
    escape_terminal(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        let place = Place { file: "flows/a, b:c.json".into(), line: 3, column: 7, pointer: "/name".into() };
        let message = "100 %\n::error::owned".to_owned();
        Problem { place, rule: Rule::BlankName, severity: Severity::Warning, message, help: "mend it".into() }
    }

    #[test]
    fn a_workflow_command_stays_on_its_line() {
        let expected =
            "::warning file=flows/a%2C b%3Ac.json,line=3,col=7,title=blank-name::100 %25\\n::error::owned (mend it)\n";
        assert_eq!(github(&[problem()]), expected);
    }

    #[test]
    fn sarif_names_rule_level_and_place() {
        let log = sarif(&[problem(), problem()]);
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{ "id": "blank-name" }]));
        let place = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "flows/a%2C%20b%3Ac.json");
        assert_eq!(place["region"], json!({ "startLine": 3, "startColumn": 7 }));
        assert_eq!(run["results"][0]["level"], "warning");
    }
}
