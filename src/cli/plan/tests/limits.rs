//! How long an output may be.

use super::super::markdown::{Section, page};
use super::super::text::Inside;
use super::world::{comment, document, planned, shown};
use crate::controller::view::PlanView;
use crate::flow::Comparison;

/// A flow of so many nodes and edges, in which each text is `text`.
fn large(id: &str, n_nodes: usize, text: &str) -> String {
    let node = |at: usize| format!(r#"{{"id":"n{at}","type":"action","configuration":{{"text":"{text} {at}"}}}}"#);
    let edge = |at: usize| format!(r#"{{"from":"n{at}","to":"n{}","condition":"{text}"}}"#, at + 1);
    let list = |item: &dyn Fn(usize) -> String| (0..n_nodes).map(item).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"id":"flow_{id}","name":"{text}","version":"1.0.0","nodes":[{}],"edges":[{}]}}"#,
        list(&node),
        list(&edge)
    )
}

#[test]
fn nothing_is_longer_than_promised() {
    let long = |word: &str| word.repeat(800_000);
    let worlds: Vec<(Vec<String>, Vec<String>)> = vec![
        (vec![large("a", 5_000, &"new ".repeat(50))], vec![large("a", 5_000, &"old ".repeat(50))]),
        (vec![large("a", 2, &long("n"))], vec![large("a", 2, &long("o"))]),
        (
            (0..600).map(|at| large(&format!("f{at}"), 30, "new")).collect(),
            (0..600).map(|at| large(&format!("f{at}"), 30, "old")).collect(),
        ),
        ((0..2_000).map(|at| large(&format!("f{at}"), 3, "`<@x>`")).collect(), Vec::new()),
    ];
    for (git, live) in worlds {
        let json = document(&git, &live);
        assert!(json.len() < 5_000_000, "{}", json.len());
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        for change in parsed["changes"].as_array().unwrap().iter().filter(|change| change["action"] == "update") {
            let counts =
                change["diff"]["truncated"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64);
            let n_shown: usize =
                ["fields", "nodes", "edges"].iter().map(|list| change["diff"][*list].as_array().unwrap().len()).sum();
            assert!(n_shown as u64 + counts.sum::<u64>() > 0, "an update without a difference");
        }
        for inside in [Inside::Told, Inside::Raw] {
            let text = shown(&git, &live, inside);
            assert!(text.len() < 5_000_000, "{}", text.len());
            assert!(live.len() != 1 || text.contains("left out for length") || text.contains("more characters"));
        }
        let comment = comment(&git, &live);
        assert!(comment.len() <= 65_000, "{}", comment.len());
        assert!(comment.contains("Plan digest: `sha256:"));
        assert!(git.len() == 1 || comment.contains("Left out for length"));
    }
}

#[test]
fn counts_and_digests_of_many_environments_stay() {
    let flows: Vec<String> = (0..50).map(|at| large(&format!("f{at}"), 5, "new")).collect();
    let plan = planned(&flows, &[]);
    let names: Vec<String> = (0..2_000).map(|at| format!("environment-{at}")).collect();
    let comparison = Comparison::default();
    for n_environments in [1, 20, 100, 2_000] {
        let sections: Vec<Section<'_>> = names[..n_environments]
            .iter()
            .map(|name| Section::Planned {
                view: Box::new(PlanView::new(name, "env", &plan, &[])),
                comparison: &comparison,
            })
            .collect();
        let comment = page(&sections, None).unwrap();
        assert!(comment.len() <= 65_000, "{}", comment.len());
        let n_said = comment.matches("50 to create, 0 to update, 0 to delete, 0 unchanged").count();
        assert_eq!(comment.matches(&plan.digest).count(), n_said);
        assert!(n_said == n_environments || n_said > 150 && comment.contains("more environment(s)"), "{n_said}");
    }
}
