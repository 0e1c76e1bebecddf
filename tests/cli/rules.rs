//! Repositories with rules: for messages, for names of branches, for who may read what is new.

use std::fs;

use crate::http_server::Rules;
use crate::support::{Place, ended, git, word};

#[test]
fn a_rule_for_commit_messages_is_met_by_a_template() {
    let place = Place::new(&["a 1.0.0"]);
    let rule = "while read old new ref; do for c in $(git rev-list $old..$new); do \
                git log -1 --format=%s $c | grep -Eq '^OPS-[0-9]+ ' || { echo 'no ticket' >&2; exit 1; }; done; done";
    place.hook("pre-receive", rule);
    let _server = place.serve(Rules::default());
    place.sync_with(&[]).exits(1).says(&["no ticket"]);
    assert_eq!(place.tenant.writes(), "");
    let template = "  commitMessage: 'OPS-7 {environment}: {status} ({commit}, {branch})'\n";
    place.edit_configuration("  branch: main\n", &format!("  branch: main\n{template}"));
    let tip = place.tip();
    assert_eq!(place.sync(), "0 deployed create a deployed");
    let source = &tip[..10];
    let subjects: Vec<String> = place.subjects().into_iter().skip(1).collect();
    let expected = ["deploying", "deployed"].map(|status| format!("OPS-7 production: {status} ({source}, main)"));
    assert_eq!(subjects, expected);
    let trailers = git(&place.origin(), &["log", "-1", "--format=%(trailers)", "main"]);
    for trailer in ["Flowsync-Environment: production", "Flowsync-Deployment: ", &format!("Flowsync-Source: {tip}")] {
        assert!(trailers.contains(trailer), "{trailers}");
    }
    assert_eq!(place.sync(), "0 in-sync");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_refusal_that_is_no_race_is_told_at_once_in_the_servers_words() {
    let place = Place::new(&["a 1.0.0"]);
    git(&place.origin(), &["branch", "flowsync", "main"]);
    let server = place.serve(Rules::default());
    place.edit_configuration("  branch: main\n", "  branch: main\n  recordsBranch: flowsync/records\n");
    let error = word(&place.sync_with(&[]).exits(1).environment()["error"]).to_owned();
    assert!(error.contains("'refs/heads/flowsync' exists; cannot create 'refs/heads/flowsync/records'"), "{error}");
    let n_requests = server.heard().lines().count();
    assert!(n_requests < 20, "{n_requests}");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_local_repository_with_a_branch_in_the_way_is_no_race_either() {
    let place = Place::new(&["a 1.0.0"]);
    git(&place.origin(), &["branch", "flowsync", "main"]);
    place.edit_configuration("  branch: main\n", "  branch: main\n  recordsBranch: flowsync/records\n");
    let error = word(&place.sync_with(&[]).exits(1).environment()["error"]).to_owned();
    assert!(error.contains("refs/heads/flowsync/records"), "{error}");
    assert!(!error.contains("moves faster"), "{error}");
    assert_eq!(place.tenant.writes(), "");
}

#[cfg(unix)]
#[test]
fn what_is_new_in_a_shared_repository_is_shared() {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    fn modes(folder: &Path, into: &mut BTreeMap<PathBuf, u32>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            into.insert(entry.path(), meta.permissions().mode() & 0o7777);
            if meta.is_dir() {
                modes(&entry.path(), into);
            }
        }
    }

    // Few new objects stay loose; many are written as a pack.
    for n_flows in [1, 30] {
        let flows: Vec<String> = (0..n_flows).map(|n| format!("f{n} 1.0.0")).collect();
        let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
        let place = Place::new(&flows);
        // A previous definition that is in no commit is an object more.
        let live: Vec<String> = flows.iter().map(|line| line.replace("1.0.0", "0.9.0")).collect();
        place.tenant.put(&live.iter().map(String::as_str).collect::<Vec<_>>());
        git(&place.origin(), &["config", "core.sharedRepository", "group"]);
        git(&place.origin(), &["config", "core.logAllRefUpdates", "true"]);
        place.edit_configuration("  branch: main\n", "  branch: main\n  recordsBranch: flowsync/records\n");
        let mut before = BTreeMap::new();
        modes(&place.origin(), &mut before);
        let binary = env!("CARGO_BIN_EXE_flowsync");
        let mut command = place.command(&["sync"]);
        let variables: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        command = std::process::Command::new("sh");
        command
            .env_clear()
            .args(["-c", &format!("umask 077; exec '{binary}' sync")])
            .current_dir(place.path("elsewhere"));
        command.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        ended(command.spawn().unwrap()).exits(0);
        let mut after = BTreeMap::new();
        modes(&place.origin(), &mut after);
        let mut n_new = 0;
        for (path, mode) in &after {
            match before.get(path) {
                Some(earlier) if path.is_dir() => assert_eq!(mode, earlier, "{}", path.display()),
                Some(_) => {}
                None if path.is_dir() => {
                    n_new += 1;
                    assert_eq!(mode & 0o2070, 0o2070, "{} {mode:o}", path.display());
                }
                None => {
                    n_new += 1;
                    assert_eq!(mode & 0o040, 0o040, "{} {mode:o}", path.display());
                }
            }
        }
        assert!(n_new > 5, "{n_new}");
        assert!(after.keys().any(|path| path.ends_with("refs/heads/flowsync/records")));
    }
}
