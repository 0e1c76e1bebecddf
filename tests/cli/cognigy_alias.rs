//! A project that was built by hand beside the one that git comes from: its flows are git's under other reference ids.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::{BOOKING, MAIN, Project, SEED};
use crate::support::word;

const COPY: &str = "64c0ffee0000000000000002";
const MAIN_ID: &str = "flow_11111111111141118111111111111111";
const BOOKING_ID: &str = "flow_22222222222242228222222222222222";
const THEIR_MAIN: &str = "flow_33333333333343338333333333333333";
const THEIR_BOOKING: &str = "flow_44444444444444448444444444444444";

type References = BTreeMap<String, String>;

/// [`SEED`] twice: the second project was built anew, so that nothing in it has the ids of the first.
fn seed() -> String {
    let copy = SEED.split_once("projects:").unwrap().1;
    let copy = copy.replace("64c0ffee0000000000000001", COPY).replace("name: Hotel", "name: Copy");
    let copy = copy.replace("11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333");
    format!("{SEED}{}", copy.replace("22222222-2222-4222-8222-222222222222", "44444444-4444-4444-8444-444444444444"))
}

/// Names the copy as `staging`, with what stands for git's ids there.
fn configure(project: &Project, references: &References) {
    let environment = |name: &str, id: &str, more: &str| {
        format!(
            "  {name}:\n    tenant:\n      api: cognigy-rest\n      url: {}\n      projectId: {id}\n      requestsPer5Minutes: 100000\n      auth: {{ apiKey: {{ env: COGNIGY_API_KEY }} }}\n{more}",
            project.url()
        )
    };
    let lines: String = references.iter().map(|(git, live)| format!("        {git}: {live}\n")).collect();
    let more = if lines.is_empty() { String::new() } else { format!("      references:\n{lines}") };
    let both = environment("production", "64c0ffee0000000000000001", "") + &environment("staging", COPY, &more);
    project.place.configure(&project.place.repository_yaml(""), &both);
}

/// What `adopt --as` finds, and what it does not.
fn recognised(project: &Project, live: &str, git: &str) -> (References, usize) {
    let found = project.json(&["adopt", "--env", "staging", "--flow", live, "--as", git]);
    let references = serde_json::from_value(found["references"].clone()).unwrap();
    let n_left = [&found["onlyInGit"], &found["onlyLive"]].iter().map(|it| it.as_array().unwrap().len()).sum();
    (references, n_left)
}

fn synced(project: &Project) -> Value {
    let ended = project.place.run(&["sync", "--env", "staging", "--output", "json"]).exits(0);
    ended.json()["environments"][0].clone()
}

#[test]
fn flows_built_by_hand_are_gits_once_it_is_said_under_which_ids() {
    let project = Project::with("", &seed(), |_| {});
    project.adopt();
    let mut references = References::new();
    configure(&project, &references);
    assert_eq!(project.json(&["plan", "--env", "staging"])["summary"]["create"], 2);
    // Where `Main` leads is told by what `Booking` is called here.
    let (booking, n_left) = recognised(&project, THEIR_BOOKING, BOOKING_ID);
    assert_eq!((booking.len(), n_left), (4, 0), "{booking:?}");
    references.extend(booking);
    configure(&project, &references);
    let (main, n_left) = recognised(&project, THEIR_MAIN, MAIN_ID);
    assert_eq!((main.len(), n_left), (9, 0), "{main:?}");
    references.extend(main);
    configure(&project, &references);
    project.state.clear_requests();
    let plan = project.json(&["plan", "--env", "staging"]);
    assert_eq!((&plan["summary"]["unchanged"], plan["unmanaged"].as_array().unwrap().len()), (&2.into(), 0), "{plan}");
    assert_eq!(word(&synced(&project)["result"]), "in-sync");
    assert_eq!(project.state.n_writes(), 0);

    project.place.update_work();
    project.edit(BOOKING, "When would you like to come?", "When?");
    let node = r#"{"type": "say", "ref": "cccccccc-0000-4000-8000-000000000001", "label": "More", "config": {"say":
        {"type": "text", "text": ["More"], "data": "", "linear": false, "loop": false}}},
    {"type": "end""#;
    project.edit(MAIN, r#"{"type": "end""#, node);
    project.place.push("a text here, a node there");
    let deployed = synced(&project);
    assert_eq!(word(&deployed["result"]), "deployed", "{deployed}");
    let theirs = ["33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"];
    for (reference, label) in theirs.iter().zip(["More", "Ask"]) {
        project.state.node(reference, label).unwrap();
    }
    for live in references.values() {
        let is_there = |flow: &&str| project.state.node(flow, live).is_ok() || live == flow;
        assert!(theirs.iter().any(is_there), "{live} keeps its id");
    }
    assert_eq!(word(&synced(&project)["result"]), "in-sync");
    // The other project is as it was.
    assert!(project.state.node("11111111-1111-4111-8111-111111111111", "More").is_err());
    project.place.run(&["rollback", "--env", "staging"]).exits(0);
    assert!(project.state.node(theirs[0], "More").is_err());
}

#[test]
fn what_is_not_alike_is_named_and_a_flow_that_is_there_twice_is_too() {
    let project = Project::with("", &seed(), |_| {});
    project.adopt();
    configure(&project, &References::new());
    project.somebody_says("44444444-4444-4444-8444-444444444444", "Ask", "Something else");
    let adopt = ["adopt", "--env", "staging", "--flow", THEIR_BOOKING, "--as", BOOKING_ID];
    let ended = project.place.run_in_work(&adopt).exits(0);
    ended
        .prints(&[
            "      references:    #",
            "        22222222-2222-4222-8222-222222222222: 44444444-4444-4444-8444-444444444444",
        ])
        .says(&["only in git: say `Ask`", "only in the project: say `Ask`"]);
    project.place.run_in_work(&["adopt", "--env", "staging", "--as", BOOKING_ID]).exits(64);
    project.place.run_in_work(&["adopt", "--env", "staging", "--flow", MAIN_ID, "--as", BOOKING_ID]).exits(1);
    // Git's flow comes in beside the one that stands for it.
    assert_eq!(word(&synced(&project)["result"]), "deployed");
    let (booking, _) = recognised(&project, THEIR_BOOKING, BOOKING_ID);
    configure(&project, &booking);
    let plan = project.json(&["plan", "--env", "staging"]);
    let unmanaged = plan["unmanaged"].as_array().unwrap();
    assert!(unmanaged.iter().any(|id| id == "22222222-2222-4222-8222-222222222222"), "{plan}");
}
