//! The table of approvals, row by row, and files that approve nothing.

use std::collections::BTreeMap;

use super::*;
use crate::record::DeploymentId;

const DEPLOYMENT: &str = "20261122T172257Z-b13a843e";

fn hash(byte: u8) -> ContentHash {
    ContentHash([byte; 32])
}

fn entry(target: Option<u8>, previous: Option<u8>) -> Entry {
    let action = match (target, previous) {
        (Some(_), None) => FlowAction::Create,
        (Some(_), Some(_)) => FlowAction::Update,
        (None, _) => FlowAction::Delete,
    };
    Entry { id: "flow_a".parse().unwrap(), action, target: target.map(hash), previous: previous.map(hash) }
}

fn approval(entries: &[Entry], is_used: bool) -> Approval {
    Approval {
        file: format!("deployments/production/approved/{}.json", "a".repeat(64)),
        blob: BlobId("1".repeat(40)),
        entries: entries.to_vec(),
        used_by: is_used.then(|| DEPLOYMENT.parse().unwrap()),
    }
}

/// Every entry that can be: nothing, or one of two contents, on either side.
fn every_entry() -> Vec<Entry> {
    let sides = [None, Some(1), Some(2)];
    let all = sides.iter().flat_map(|target| sides.iter().map(move |previous| (*target, *previous)));
    all.filter(|(target, previous)| target.is_some() || previous.is_some()).map(|(t, p)| entry(t, p)).collect()
}

#[test]
fn one_entry_is_judged_as_the_table_says() {
    for change in every_entry() {
        for other in every_entry() {
            let approvals = [approval(std::slice::from_ref(&other), false)];
            let judged = judge(std::slice::from_ref(&change), &BTreeMap::new(), &approvals);
            let expected = match (change.target == other.target, change.previous == other.previous) {
                (true, true) => ApprovalVerdict::Approved,
                (true, false) => {
                    ApprovalVerdict::Missing(Missing::LiveMoved { approved: other.previous, found: change.previous })
                }
                (false, true) => {
                    ApprovalVerdict::Missing(Missing::GitMoved { approved: other.target, found: change.target })
                }
                (false, false) => ApprovalVerdict::Missing(Missing::BothMoved {
                    approved: Box::new(other.clone()),
                    found: Box::new(change.clone()),
                }),
            };
            assert_eq!(judged.uses.len(), usize::from(expected == ApprovalVerdict::Approved), "{change:?} {other:?}");
            assert_eq!(judged.verdicts, [expected], "{change:?} {other:?}");
        }
    }
}

#[test]
fn a_used_entry_and_one_of_another_flow_are_none() {
    for change in every_entry() {
        let elsewhere = Entry { id: "flow_b".parse().unwrap(), ..change.clone() };
        for others in [Vec::new(), vec![approval(std::slice::from_ref(&elsewhere), false)]] {
            let judged = judge(std::slice::from_ref(&change), &BTreeMap::new(), &others);
            assert_eq!(judged.verdicts, [ApprovalVerdict::Missing(Missing::Never { used: None })]);
            assert!(judged.uses.is_empty() && !judged.is_whole());
        }
        let used = [approval(std::slice::from_ref(&change), true)];
        let judged = judge(std::slice::from_ref(&change), &BTreeMap::new(), &used);
        let by: DeploymentId = DEPLOYMENT.parse().unwrap();
        let expected = Missing::Never { used: Some((used[0].file.clone(), by)) };
        assert!(expected.to_string().starts_with("never approved since `deployments/production/approved/"));
        assert_eq!(judged.verdicts, [ApprovalVerdict::Missing(expected)]);
        assert!(judged.uses.is_empty());
    }
}

#[test]
fn the_nearest_of_several_entries_counts_whichever_file_holds_it() {
    let change = entry(Some(1), Some(2));
    let (live_moved, git_moved, both) = (entry(Some(1), Some(3)), entry(Some(3), Some(2)), entry(Some(4), Some(5)));
    let verdict = |entries: &[&Entry]| {
        let files: Vec<Approval> = entries.iter().map(|entry| approval(&[(*entry).clone()], false)).collect();
        judge(std::slice::from_ref(&change), &BTreeMap::new(), &files).verdicts.remove(0)
    };
    assert_eq!(verdict(&[&both, &git_moved, &live_moved, &change]), ApprovalVerdict::Approved);
    assert!(matches!(
        verdict(&[&both, &git_moved, &live_moved]),
        ApprovalVerdict::Missing(Missing::LiveMoved { approved: Some(it), .. }) if it == hash(3)
    ));
    assert!(matches!(verdict(&[&both, &git_moved]), ApprovalVerdict::Missing(Missing::GitMoved { .. })));
    assert!(matches!(verdict(&[&both]), ApprovalVerdict::Missing(Missing::BothMoved { .. })));
}

#[test]
fn what_puts_back_what_the_last_deployment_left_needs_none() {
    for change in every_entry() {
        for left in [hash(1), hash(2)] {
            let left_live: BTreeMap<FlowId, ContentHash> = [(change.id.clone(), left)].into();
            let judged = judge(std::slice::from_ref(&change), &left_live, &[]);
            let is_put_back = change.target == Some(left);
            assert_eq!(judged.is_whole(), is_put_back, "{change:?}");
            assert_eq!(judged.verdicts == [ApprovalVerdict::NotAsked], is_put_back);
        }
    }
}

#[test]
fn two_files_allow_one_plan_and_both_are_used() {
    let other = Entry { id: "flow_b".parse().unwrap(), ..entry(Some(2), None) };
    let changes = [entry(Some(1), None), other.clone()];
    let files = [approval(&changes[..1], false), approval(&[other], false), approval(&[entry(Some(9), None)], false)];
    let judged = judge(&changes, &BTreeMap::new(), &files);
    assert!(judged.is_whole());
    assert_eq!(judged.uses, [&files[0], &files[1]]);
    assert!(!judge(&changes, &BTreeMap::new(), &files[..1]).is_whole());
}

fn text(change: impl FnOnce(&mut String)) -> Vec<u8> {
    let (digits, hash) = ("a".repeat(64), "b".repeat(64));
    let mut text = format!(
        r#"{{"manifestVersion":"1.0.0","generatedAt":"2026-11-22T10:00:00Z","targetEnvironment":"env_prod",
"environment":"production","deploymentId":"{DEPLOYMENT}","status":"pending",
"source":{{"branch":"main","commit":null,"flowsDigest":"sha256:{hash}"}},"planDigest":"sha256:{digits}","holder":null,"lastDeployed":null,
"flows":[{{"id":"flow_a","name":"A","version":"1.0.0","contentHash":"{hash}","status":"pending","action":"create",
"previousVersion":null,"previousHash":null,"before":null}},
{{"id":"flow_b","name":"B","version":"1.0.0","contentHash":"{hash}","status":"deployed","action":"none",
"previousVersion":null,"previousHash":null,"before":null}}],"dependencyGraph":{{}}}}"#
    );
    change(&mut text);
    text.into_bytes()
}

fn read(name: &str, text: &[u8]) -> Result<Approval, ApprovalFault> {
    let target = EnvironmentId("env_prod".into());
    let of = ApprovalsOf { environment: "production", target: &target };
    Approval::read(of, format!("deployments/production/approved/{name}"), BlobId("1".repeat(40)), text)
}

fn name() -> String {
    format!("{}.json", "a".repeat(64))
}

#[test]
fn a_pending_manifest_approves_its_changes_and_nothing_that_stays() {
    let approval = read(&name(), &text(|_| {})).unwrap();
    assert_eq!(approval.entries.len(), 1);
    assert_eq!(approval.entries[0].id.as_str(), "flow_a");
}

#[test]
fn whatever_is_not_this_environments_pending_manifest_under_its_name_approves_nothing() {
    let replaced = |from: &str, to: &str| read(&name(), &text(|text| *text = text.replacen(from, to, 1))).unwrap_err();
    for (from, to, said) in [
        (r#""status":"pending""#, r#""status":"deployed""#, "expected status `pending`, found `deployed`"),
        (r#""production""#, r#""staging""#, "it is for environment `staging`"),
        (r#""env_prod""#, r#""env_other""#, "it is for `env_other` of the tenant"),
        (r#""planDigest":"sha256:a"#, r#""planDigest":"sha256:b"#, "its name is not that of its plan digest"),
        (r#""action":"create""#, r#""action":"update""#, "`contentHash` and `previousHash` of `flow_a`"),
        (r#""flow_b""#, r#""flow_a""#, "lists `flow_a` twice"),
        (r#""1.0.0""#, r#""2.0.0""#, "newer flowsync"),
        ("{", "[", "cannot be read as a manifest"),
    ] {
        let error = replaced(from, to).to_string();
        assert!(error.contains(said), "{error}");
    }
    for other in ["x.json", "README.json", &name().to_uppercase(), &format!("{}.json", "b".repeat(64))] {
        read(other, &text(|_| {})).unwrap_err();
    }
}
