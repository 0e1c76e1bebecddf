//! Which files are flows: the same answer from `validate`, `plan` and `sync`, and no flow lost in silence.

use serde_json::json;

use crate::support::{Place, flow, git, word};

const PRUNE: &str = "prune: true\nmaxDeletes: 100%";

/// A place in sync with two flows, whose work tree is at the tip.
fn in_sync() -> Place {
    let place = Place::with(PRUNE, &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    place.tenant.writes();
    place
}

#[test]
fn an_extension_in_another_case_is_no_delete() {
    let place = in_sync();
    git(&place.work(), &["mv", "flows/a.json", "flows/a.JSON"]);
    place.push("another case");
    place.run_in_work(&["validate"]).exits(0).prints(&["2 files, 2 flows"]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["summary"], json!({ "create": 0, "update": 0, "delete": 0, "unchanged": 2 }));
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_flow_in_a_file_that_is_not_read_is_warned_about_by_every_command() {
    for name in ["a.json5", "a.json.bak", "a.json ", "a.txt", "a"] {
        let place = in_sync();
        git(&place.work(), &["mv", "flows/a.json", &format!("flows/{name}")]);
        place.push("renamed");
        let document = place.run_in_work(&["validate", "--format", "json"]).exits(0).json();
        let problem = &document["problems"][0];
        let expected = (&json!("not-read"), &json!("warning"), &json!(format!("flows/{name}")));
        assert_eq!((&problem["rule"], &problem["severity"], &problem["file"]), expected);
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
        assert_eq!(
            (&plan["problems"][0]["rule"], &plan["summary"]["delete"]),
            (&json!("not-read"), &json!(1)),
            "{name}"
        );
        for _ in 0..2 {
            // The second time from the index of the machine.
            let dry = place.sync_with(&["--dry-run"]).exits(0).says(&["not-read", &format!("flows/{name}")]);
            assert_eq!(dry.environment()["problems"][0]["rule"], "not-read", "{name}");
        }
    }
}

#[test]
fn a_flow_whose_file_is_left_out_from_now_on_stays_live_until_the_file_is_gone() {
    let place = in_sync();
    place.edit_configuration("  branch: main\n", "  branch: main\n  exclude: [ a.json ]\n");
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["summary"]["delete"], 0, "{plan}");
    assert_eq!(
        (&plan["problems"][0]["rule"], &plan["problems"][0]["file"]),
        (&json!("left-out"), &json!("flows/a.json"))
    );
    place.sync_with(&[]).exits(0).says(&["left-out", "`flow_a`"]);
    // The next manifest knows it as well.
    place.commit(&["a 1.0.0", "b 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update b deployed");
    place.sync_with(&[]).exits(0);
    assert_eq!((place.tenant.writes().as_str(), place.tenant.live().as_str()), ("import b", "a 1.0.0, b 1.1.0"));
    place.commit(&["b 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed delete a deployed");
}

#[test]
fn what_is_excluded_or_hidden_is_left_out_and_said() {
    let place = in_sync();
    place.write("flows/package.json", "{}");
    place.write("flows/.vscode/settings.json", "{ // comments\n}");
    place.write("flows/README.md", "# Flows");
    place.push("others");
    place.run_in_work(&["validate"]).exits(3);
    place.sync_with(&[]).exits(3);
    place.edit_configuration("  branch: main\n", "  branch: main\n  exclude: [ '**/package.json' ]\n");
    let validated = place.run_in_work(&["validate"]).exits(0);
    validated.says(&[
        "`flows/.vscode` (begins with a dot)",
        "`flows/package.json` (`repository.exclude`)",
        "1 file that",
    ]);
    let left_out = place.run_in_work(&["validate", "--format", "json"]).exits(0).json()["leftOut"].clone();
    let expected = json!([
        { "path": "flows/.vscode", "reason": "dot-folder" },
        { "path": "flows/README.md", "reason": "other-file" },
        { "path": "flows/package.json", "reason": "excluded" },
    ]);
    assert_eq!(left_out, expected);
    place.run_in_work(&["plan"]).exits(0).says(&["flows/.vscode"]);
    place.run_in_work(&["validate", "flows/package.json"]).exits(0).says(&["repository.exclude"]);
    place.run_in_work(&["validate", "flows/README.md"]).exits(1).says(&["README.md"]);
    let first = place.sync_with(&[]).exits(0).says(&["flows/.vscode"]);
    assert_eq!(first.environment()["result"], "in-sync");
    let second = place.sync_with(&[]).exits(0);
    assert!(!second.stderr.contains(".vscode"), "said once: {}", second.stderr);
    place.write("flows/b.json", &flow("b 1.1.0").to_string());
    place.push("another tree, and nothing else is left out");
    let third = place.sync_with(&[]).exits(0);
    assert!(!third.stderr.contains(".vscode"), "said once: {}", third.stderr);
    place.tenant.writes();
    assert_eq!(place.tenant.writes(), "");
    // Another list is another answer at once, whatever the machine remembers.
    place.edit_configuration("**/package.json", "**/nothing.json");
    place.sync_with(&[]).exits(3);
}

#[test]
fn a_flow_under_a_git_filter_is_refused_by_every_command() {
    for attribute in ["filter=lfs diff=lfs merge=lfs -text", "working-tree-encoding=UTF-16", "ident"] {
        let place = in_sync();
        place.write(".gitattributes", &format!("flows/a.json {attribute}\n"));
        git(&place.work(), &["add", ".gitattributes"]);
        git(&place.work(), &["commit", "-q", "-m", "attributes"]);
        git(&place.work(), &["push", "-q", "origin", "HEAD:main"]);
        let refused = |problems: &serde_json::Value| {
            let problem = &problems[0];
            assert_eq!(
                (&problem["rule"], &problem["file"]),
                (&json!("git-filter"), &json!("flows/a.json")),
                "{problem}"
            );
        };
        refused(&place.run_in_work(&["validate", "--format", "json"]).exits(3).json()["problems"]);
        refused(&place.run_in_work(&["plan", "--output", "json"]).exits(3).json()["problems"]);
        refused(&place.run_in_work(&["plan", "--ref", "HEAD", "--output", "json"]).exits(3).json()["problems"]);
        refused(&place.sync_with(&[]).exits(3).environment()["problems"]);
        assert_eq!(place.tenant.writes(), "");
    }
    let place = in_sync();
    place.write("flows/a.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
    let document = place.run_in_work(&["validate", "--format", "json"]).exits(3).json();
    assert_eq!(document["problems"][0]["rule"], "git-filter");
}

#[test]
fn a_sparse_checkout_plans_no_deletes() {
    let place = in_sync();
    place.write("docs/x.md", "x");
    place.push("docs");
    git(&place.work(), &["sparse-checkout", "set", "docs"]);
    assert!(!place.work().join("flows").exists());
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["summary"], json!({ "create": 0, "update": 0, "delete": 0, "unchanged": 2 }));
    place.run_in_work(&["validate"]).exits(0).prints(&["2 files, 2 flows"]);
    place.run_in_work(&["graph"]).exits(0).prints(&["flow_a", "flow_b"]);
    place.tenant.put(&["b 2.0.0"]);
    place.run_in_work(&["pull"]).exits(0);
    assert!(place.work().join("flows/b.json").exists(), "under the name that git has");
}

#[test]
fn several_paths_and_stdin_are_checked_at_once() {
    let place = in_sync();
    let broken = flow("c 1.0.0").to_string().replace("\"end\"", "\"ende\"");
    place.write("elsewhere/c.json", &broken);
    place.write("elsewhere/d.json", &flow("a 1.0.0").to_string());
    place.run_in_work(&["validate", "flows/a.json", "flows/b.json", "flows"]).exits(0).prints(&["2 files, 2 flows"]);
    place.run_in_work(&["validate", "flows", "elsewhere/d.json"]).exits(0).prints(&["3 files, 3 flows"]);
    let both = place.run_in_work(&["validate", "--format", "json", "flows/a.json", "elsewhere/c.json"]).exits(3).json();
    assert_eq!((&both["files"], &both["problems"][0]["file"]), (&json!(2), &json!("elsewhere/c.json")));
    place.write("x/e.json", &flow("a 1.0.0").to_string());
    let twice = place.run_in_work(&["validate", "--format", "json", "x/e.json", "elsewhere/d.json"]).exits(3).json();
    assert_eq!(twice["problems"][0]["rule"], "duplicate-flow-id");
    place.run_in_work(&["validate", "flows", "nowhere"]).exits(1).says(&["nowhere"]);

    let stdin = |content: &str, more: &[&str]| {
        use std::io::Write as _;
        let arguments = [&["validate", "--format", "json", "-"], more].concat();
        let mut command = place.command(&arguments);
        let mut child = command.current_dir(place.work()).stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        crate::support::ended(child)
    };
    let good = stdin(&flow("a 1.0.0").to_string(), &[]).exits(0).json();
    assert_eq!((&good["files"], &good["flows"]), (&json!(1), &json!(1)));
    let bad = stdin(&broken, &["flows"]).exits(3).json();
    assert_eq!((&bad["files"], &bad["problems"][0]["file"]), (&json!(3), &json!("<stdin>")));
    assert_eq!(stdin("", &[]).exits(3).json()["problems"][0]["rule"], "unexpected-end");
}

#[test]
fn what_could_not_be_judged_is_said() {
    let place = Place::new(&["a 1.0.0"]);
    let not_judged = |arguments: &[&str]| {
        let document = place.run_in_work(&[&["validate", "--format", "json"], arguments].concat()).json();
        document["notJudged"].as_array().unwrap().clone()
    };
    let never = not_judged(&[]);
    assert_eq!((&never[0]["rule"], &never[0]["environment"]), (&json!("version-not-raised"), &json!("production")));
    assert!(word(&never[0]["reason"]).contains("deployments/production/manifest.json"), "{never:?}");
    place.run_in_work(&["validate"]).exits(0).says(&["`version-not-raised` was not judged for `production`"]);
    place.write("elsewhere/b.json", &flow("b 1.0.0").to_string());
    assert!(word(&not_judged(&["elsewhere"])[0]["reason"]).contains("no environment"));
    place.sync_with(&[]).exits(0);
    git(&place.work(), &["fetch", "-q", "origin"]);
    assert_eq!(not_judged(&[]), [] as [serde_json::Value; 0]);
    std::fs::rename(place.path("flowsync.yaml"), place.path("away.yaml")).unwrap();
    let document = place.run_in_work(&["validate", "--format", "json", "flows"]).exits(0).json();
    assert!(word(&document["notJudged"][0]["reason"]).contains("no configuration"), "{document}");
}
