//! The front door: files in, flows and everything that is wrong with them out. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::anchors::Anchors;
use super::cause::nearest_cause;
use super::definition::Definition;
use super::document::{Document, Fault};
use super::finding::{Findings, place};
use super::lint::{Sighting, duplicate_ids, lint, loose_ends, name_twins};
use super::schema::validate;
use super::{Comparison, FlowId};
use crate::problem::{Place, Problem, Severity};

/// A flow file.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// As the user knows it, with `/` between its parts.
    pub path: &'a str,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// What one file holds. Depends on the path, the bytes and the comparison only, so that it may be
/// kept by blob.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// The flow, as soon as its id can be read: it may still have errors. Absent where the text itself is at fault.
    pub definition: Option<Definition>,
    /// The id of a flow without `definition`: no other file may have it.
    pub stray_id: Option<FlowId>,
    /// Where the id stands, where there is one.
    pub id_place: Option<Place>,
    /// Where the version stands, or would stand; with `definition` only.
    pub version_place: Option<Place>,
    /// What is wrong, sorted.
    pub problems: Vec<Problem>,
    /// Where flows lead to, of formats that say it; with `definition` only.
    pub anchors: Option<Box<Anchors>>,
}

impl FileReport {
    /// The same content under another path: nothing is parsed again.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        let moved = |place: &Place| Place { file: path.to_owned(), ..place.clone() };
        let problem = |problem: &Problem| Problem { place: moved(&problem.place), ..problem.clone() };
        Self {
            definition: self.definition.clone(),
            stray_id: self.stray_id.clone(),
            id_place: self.id_place.as_ref().map(moved),
            version_place: self.version_place.as_ref().map(moved),
            problems: self.problems.iter().map(problem).collect(),
            anchors: self.anchors.clone(),
        }
    }
}

/// A flow and the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFlow {
    /// The flow.
    pub definition: Definition,
    /// The file's path.
    pub path: String,
    /// Where its version stands, or would stand.
    pub version_place: Place,
}

/// A folder of flows, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Every flow with a readable id, those with errors among them; of two with one id, the first by path.
    /// Not to be deployed while a problem is an error.
    pub flows: BTreeMap<FlowId, CheckedFlow>,
    /// Everything wrong with every file, sorted.
    pub problems: Vec<Problem>,
}

/// Checks one file by every rule that concerns it alone.
#[must_use]
pub fn check_file(path: &str, bytes: Arc<[u8]>, comparison: &Comparison) -> FileReport {
    let (document, faults) = Document::read(bytes.clone());
    let Some(document) = document else {
        let faults = faults.into_iter().map(|fault| nearest_cause(&bytes, fault)).collect();
        return FileReport { problems: sorted(refusals(path, faults)), ..FileReport::default() };
    };
    let mut findings = Findings::new(path, &document);
    validate(&mut findings);
    lint(&mut findings);
    let mut problems = findings.finish();
    let id = document.root().member("id");
    if !faults.is_empty() {
        let stray_id: Option<FlowId> = document.text_member("id").and_then(|id| id.parse().ok());
        let id_place = id.filter(|_| stray_id.is_some()).map(|id| place(path, id, "/id"));
        problems.extend(refusals(path, faults));
        return FileReport { stray_id, id_place, problems: sorted(problems), ..FileReport::default() };
    }
    let definition = Definition::from_document(&document, comparison).ok();
    let id = id.filter(|_| definition.is_some());
    FileReport {
        id_place: id.map(|id| place(path, id, "/id")),
        version_place: id.map(|_| super::lint::version_place(path, &document)),
        definition,
        stray_id: None,
        problems,
        anchors: None,
    }
}

/// Checks files one by one and then against each other.
#[must_use]
pub fn check_all<'a>(files: impl IntoIterator<Item = File<'a>>, comparison: &Comparison) -> Checked {
    join_reports(files.into_iter().map(|File { path, bytes }| (path, check_file(path, bytes, comparison))))
}

/// Joins the reports of all files, and applies the rules across them.
#[must_use]
pub fn join_reports<'a>(reports: impl IntoIterator<Item = (&'a str, FileReport)>) -> Checked {
    let mut reports: Vec<_> = reports.into_iter().collect();
    reports.sort_by_key(|(path, _)| *path);
    let mut problems = duplicate_ids(reports.iter().filter_map(|(_, report)| {
        let id = report.definition.as_ref().map(|definition| &definition.id).or(report.stray_id.as_ref());
        Some(Sighting { id: id?, place: report.id_place.as_ref()? })
    }));
    problems.extend(name_twins(reports.iter().map(|(path, _)| *path)));
    problems.extend(loose_ends(
        reports.iter().filter_map(|(_, report)| Some((&report.definition.as_ref()?.id, &**report.anchors.as_ref()?))),
    ));
    let mut flows = BTreeMap::new();
    for (path, report) in reports {
        let FileReport { definition, stray_id: _, id_place: _, version_place, problems: own, anchors: _ } = report;
        problems.extend(own);
        if let (Some(definition), Some(version_place)) = (definition, version_place) {
            let id = definition.id.clone();
            flows.entry(id).or_insert(CheckedFlow { definition, path: path.to_owned(), version_place });
        }
    }
    problems.sort();
    Checked { flows, problems }
}

/// Parses a file that is part of a flow.
pub(crate) fn parse_file(path: &str, bytes: Arc<[u8]>) -> Result<Document, Vec<Problem>> {
    match Document::read(bytes.clone()) {
        (Some(document), faults) if faults.is_empty() => Ok(document),
        (_, faults) => {
            let faults = faults.into_iter().map(|fault| nearest_cause(&bytes, fault)).collect();
            Err(sorted(refusals(path, faults)))
        }
    }
}

pub(in crate::flow) fn refusals(path: &str, faults: Vec<Fault>) -> Vec<Problem> {
    let problem = |fault: Fault| {
        let Fault { rule, offset: _, position, pointer, message, help } = fault;
        let place = Place { file: path.to_owned(), line: position.line, column: position.column, pointer };
        Problem { place, rule, severity: Severity::Error, message, help }
    };
    faults.into_iter().map(problem).collect()
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::problem::any_error;
    use crate::problem::{Colour, render};

    const GOOD: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0",
 "nodes":[{"id":"s","type":"start","configuration":{}},{"id":"m","type":"action","configuration":{}},{"id":"e","type":"end","configuration":{}}],
 "edges":[{"from":"s","to":"m","condition":null},{"from":"m","to":"e","condition":"x"}],
 "externalReferences":[{"type":"flow","id":"flow_b","environmentId":"env"}]}"#;

    /// Rule, line and pointer of every problem, warnings in brackets.
    fn problems(text: &str) -> Vec<String> {
        let report = check_file("flows/a.json", Arc::from(text.as_bytes()), &Comparison::default());
        let shown = |problem: &Problem| {
            let Place { line, pointer, .. } = &problem.place;
            let shown = format!("{} {line} {pointer}", problem.rule);
            if problem.is_error() { shown } else { format!("[{shown}]") }
        };
        report.problems.iter().map(shown).collect()
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &[&str]) {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(problems(&GOOD.replacen(from, to, 1)), expected);
    }

    #[test]
    fn a_good_flow_has_no_problems() {
        assert_eq!(problems(GOOD), [""; 0]);
    }

    #[test]
    fn nodes_are_unique_and_one_of_them_is_the_start() {
        check(r#""id":"e""#, r#""id":"m""#, &["duplicate-node-id 2 /nodes/2/id", "edge-unknown-node 3 /edges/1/to"]);
        check(r#""start""#, r#""action""#, &["start-node-count 2 /nodes"]);
        check(r#""action""#, r#""start""#, &["start-node-count 2 /nodes/1"]);
        check(
            r#"{"id":"s","type":"start","configuration":{}},"#,
            "",
            &["start-node-count 2 /nodes", "edge-unknown-node 3 /edges/0/from"],
        );
    }

    #[test]
    fn edges_join_nodes_of_the_flow() {
        check(r#""to":"m""#, r#""to":"x""#, &["edge-unknown-node 3 /edges/0/to"]);
        check(
            r#""from":"m","to":"e""#,
            r#""from":"p","to":"q""#,
            &["edge-unknown-node 3 /edges/1/from", "edge-unknown-node 3 /edges/1/to"],
        );
    }

    #[test]
    fn what_a_reviewer_would_say_is_a_warning() {
        check(r#""from":"s","to":"m""#, r#""from":"s","to":"e""#, &["[unreachable-node 2 /nodes/1]"]);
        check(
            r#""from":"m","to":"e""#,
            r#""from":"e","to":"m""#,
            &["[dead-end 2 /nodes/1]", "[end-goes-on 2 /nodes/2]", "[unreachable-node 2 /nodes/2]"],
        );
        check(
            r#"{"from":"s","to":"m","condition":null}"#,
            r#"{"from":"s","to":"m"},{"from":"s","to":"m","condition":null}"#,
            &["[duplicate-edge 3 /edges/1]"],
        );
        check(
            r#"{"from":"s","to":"m","condition":null}"#,
            r#"{"from":"s","to":"m"},{"from":"m","to":"m"}"#,
            &["[endless-edge 3 /edges/1]"],
        );
        check(r#""flow_b""#, r#""flow_a""#, &["[self-reference 4 /externalReferences/0]"]);
        check(r#""env""#, r#""${enviroment}""#, &["unknown-variable 4 /externalReferences/0/environmentId"]);
        check(r#""env""#, r#""${environment}""#, &[]);
        check(r#""flow_b""#, r#""""#, &["[empty-reference 4 /externalReferences/0]"]);
        check(
            "[{\"type\"",
            r#"[{"type":"flow","id":"flow_b","environmentId":"env"},{"type""#,
            &["[duplicate-reference 4 /externalReferences/1]"],
        );
        check(r#""A""#, r#""  ""#, &["[blank-name 1 /name]"]);
        check(r#""name""#, r#""environmentId":"env","name""#, &["[environment-in-file 1 /environmentId]"]);
    }

    #[test]
    fn schema_and_graph_are_reported_together() {
        check(r#""id":"flow_a","name":"A","#, r#""id":"a","#, &["missing-member 1 ", "wrong-flow-id 1 /id"]);
        check(
            r#"{"id":"m","type":"action","configuration":{}}"#,
            r#"7,{"id":"m","type":"actoin"}"#,
            &["wrong-type 2 /nodes/1", "missing-member 2 /nodes/2", "unknown-value 2 /nodes/2/type"],
        );
        assert_eq!(problems("{\n  \"a\": 1,\n}"), ["trailing-comma 2 "]);
        assert_eq!(problems("{}").len(), 5);
        assert_eq!(problems("null"), ["wrong-type 1 "]);
    }

    #[test]
    fn a_fault_of_the_text_hides_no_other_problem() {
        let text =
            GOOD.replace(r#""name":"A""#, r#""name":7,"x":1e999,"x":"\ud800""#).replace(r#""to":"m""#, r#""to":"x""#);
        let expected = [
            "wrong-type 1 /name",
            "number-out-of-range 1 /x",
            "duplicate-key 1 /x",
            "lone-surrogate 1 /x",
            "edge-unknown-node 3 /edges/0/to",
        ];
        assert_eq!(errors(&text), expected);
        let report = check_file("b.json", Arc::from(text.as_bytes()), &Comparison::default());
        assert!(report.definition.is_none() && report.version_place.is_none());
        let files = [("a.json", GOOD), ("b.json", &text)];
        let files = files.map(|(path, text)| File { path, bytes: Arc::from(text.as_bytes()) });
        let checked = check_all(files, &Comparison::default());
        let n_places = checked.problems.iter().filter(|problem| problem.rule.as_str() == "duplicate-flow-id").count();
        assert_eq!((n_places, checked.flows.len()), (2, 1));
    }

    fn errors(text: &str) -> Vec<String> {
        problems(text).into_iter().filter(|problem| !problem.starts_with('[')).collect()
    }

    #[test]
    fn one_id_in_two_files_is_reported_in_both() {
        let file = |path, text: &str| File { path, bytes: Arc::from(text.as_bytes()) };
        let other = GOOD.replace(r#"{"id":"flow_a""#, "{\n\"id\":\"flow_a\"");
        let files = [file("b.json", &other), file("a.json", GOOD), file("c.json", "[")];
        let checked = check_all(files, &Comparison::default());
        let shown: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown[0],
            "a.json:1:7: error[duplicate-flow-id] expected each flow id in one file, found `flow_a` in `b.json` as well (see b.json:2:6; rename one of them, or remove a copy)"
        );
        assert!(shown[1].starts_with(
            "b.json:2:6: error[duplicate-flow-id] expected each flow id in one file, found `flow_a` in `a.json` as well"
        ));
        assert!(shown[2].starts_with("c.json:1:2: error[unexpected-end]"));
        assert!(any_error(&checked.problems));
        assert_eq!(checked.flows.into_values().map(|flow| flow.path).collect::<Vec<_>>(), ["a.json"]);
    }

    #[test]
    fn a_report_moves_with_its_file() {
        let report = check_file("a.json", Arc::from(GOOD.replace("\"A\"", "1").as_bytes()), &Comparison::default());
        let again = check_file("b.json", Arc::from(GOOD.replace("\"A\"", "1").as_bytes()), &Comparison::default());
        assert_eq!(report.at("b.json"), again);
    }

    #[test]
    fn what_git_left_in_a_file_is_called_by_its_name() {
        let conflict = GOOD.replace(" \"edges\"", "<<<<<<< HEAD\n \"edges\"");
        assert_eq!(problems(&conflict), ["merge-marker 3 "]);
        for marker in ["<<<<<<< ours", "=======", ">>>>>>> theirs", "||||||| 1234567", "<<<<<<<"] {
            assert_eq!(problems(&format!("{{\n{marker}\n\"id\": 1}}")), ["merge-marker 2 "], "{marker}");
        }
        assert_eq!(problems("{\n<<<<<<<< \"id\": 1}"), ["invalid-json 2 "]);
        assert_eq!(problems("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"), ["git-filter 1 "]);
    }

    #[test]
    fn names_that_are_one_name_elsewhere_are_told() {
        let texts = ["flow_a", "flow_b", "flow_c", "flow_d", "flow_e"].map(|id| GOOD.replacen("flow_a", id, 1));
        let names = ["f/a.json", "f/A.json", "g/\u{e9}.json", "g/e\u{301}.json", "g/a.json"];
        let files = names.iter().zip(&texts).map(|(path, text)| File { path, bytes: Arc::from(text.as_bytes()) });
        let checked = check_all(files, &Comparison::default());
        let twins = checked.problems.iter().filter(|problem| problem.rule.as_str() == "name-twin");
        let shown: Vec<&str> = twins.map(|problem| problem.place.file.as_str()).collect();
        assert_eq!(shown, ["f/A.json", "f/a.json", "g/e\u{301}.json", "g/\u{e9}.json"]);
        assert!(!any_error(&checked.problems));
    }

    proptest! {
        #[test]
        fn whatever_is_cut_or_changed_is_reported_in_its_place(from in 0..GOOD.len(), length in 0..40_usize, instead in "[ -~]{0,3}") {
            let mut text = GOOD.as_bytes().to_vec();
            text.splice(from..(from + length).min(GOOD.len()), instead.bytes());
            let bytes: Arc<[u8]> = text.into();
            let FileReport { definition, problems, .. } = check_file("a.json", bytes.clone(), &Comparison::default());
            prop_assert!(problems.is_sorted());
            prop_assert!(definition.is_some() || any_error(&problems));
            let n_lines = bytes.split(|byte| *byte == b'\n').count() as u32;
            prop_assert!(problems.iter().all(|problem| (1..=n_lines).contains(&problem.place.line)));
            let drawn = render(&problems, &[("a.json".to_owned(), bytes)].into(), Colour::Never);
            prop_assert_eq!(drawn.matches("--> a.json:").count(), problems.len());
        }
    }
}
