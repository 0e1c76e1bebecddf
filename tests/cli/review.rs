//! Comments and charts as forges and browsers render them, whatever flows say.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use flowsync::flow::diff::{View, diff};
use flowsync::flow::{Comparison, Document};
use flowsync::picture::{Chart, Fate, Graph, mermaid};
use serde_json::{Value, json};

use crate::support::{Place, flow, git};

/// Stands in every hostile text, and nowhere else.
const STRANGE: &str = "evil";

/// Texts that become something where they are not escaped.
const HOSTILE: &[&str] = &[
    "@evil",
    "@evil/team",
    "#1evil",
    "#1 evil",
    "GH-1 evil",
    "evil/evil#1",
    "!1 evil",
    "&1 evil",
    "~evil",
    "$1evil",
    "/close evil",
    ":evil:",
    "<img src=x onerror=evil()>",
    "<script>evil()</script>",
    "<!-- evil -->",
    "--> evil",
    "</details></summary><h1>evil",
    "[evil](http://evil.example)",
    "![evil](http://evil.example/x.png)",
    "http://evil.example",
    "https://evil.example/#1",
    "www.evil.example",
    "mail@evil.example",
    "`evil`",
    "``evil",
    "evil`",
    "evil\\",
    "\\`@evil",
    "```\n@evil\n```",
    "~~~\nevil",
    "a\n\n# evil\n\n@evil",
    "**evil** __evil__ ~~evil~~",
    "| evil |\n|---|",
    "1. evil",
    "- evil",
    "+ evil",
    "> evil",
    "# evil",
    "    evil",
    "evil  \n",
    "&lt;b&gt;evil",
    "#35;evil",
    "#quot;evil",
    "%%{init: {\"theme\": \"evil\"}}%%",
    "%% evil",
    "\"]; click n0 href \"http://evil.example\"",
    "\"] --> n99[\"evil",
    "n0 --> evil",
    "end",
    "end evil",
    "subgraph evil",
    "click n0 evil",
    "style n0 fill:evil#x;",
    "classDef evil:x#y;",
    "linkStyle 0 evil",
    "fa:fa-evil",
    "$$evil^2$$",
    "\"`**evil**`\"",
    "\u{202e}evil",
    "evil\tx\u{7}",
    "\u{fb02}°°60¶ßevil",
    "evil😀é",
    "]evil[",
    "}}evil{{",
    ")evil(",
    "|evil|",
    "<br/>evil",
    "e\u{301}vil evil",
    "---\nevil",
];

/// Where `tests/browser/install` puts what is rendered with; `None`, with a message, where it was not run.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn browser() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/browser");
    if !folder.join("installed").exists() {
        eprintln!("skipped: run tests/browser/install first (it needs node and npm)");
        return None;
    }
    std::fs::copy(root.join("tests/browser/check.mjs"), folder.join("check.mjs")).unwrap();
    Some(folder.join("check.mjs"))
}

/// Renders charts and comments, and asserts that nothing came alive.
#[track_caller]
fn check(charts: &[String], pages: &[String]) {
    let Some(script) = browser() else { return };
    let mut node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = json!({ "charts": charts, "pages": pages, "strange": STRANGE }).to_string();
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let problems: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems[..problems.len().min(5)].join("\n\n"));
}

/// A valid flow that says a text wherever a flow may say something.
fn saying(id: &str, version: &str, text: &str) -> Value {
    let node =
        |id: &str, kind: &str| json!({ "id": id, "type": kind, "label": text, "configuration": { "text": text } });
    json!({
        "id": format!("flow_{id}"), "name": text, "version": version, text: { text: [text, { "id": text }] },
        "nodes": [
            node("start", "start"), node(&format!("{text} "), "action"), node(text, "intent"), node("n99", "external"),
            json!({ "id": version, "type": "end", "configuration": { text: text, "lines": format!("{text}\n{text}\n") } }),
        ],
        "edges": [
            { "from": "start", "to": text, "condition": text }, { "from": text, "to": "n99", "condition": version },
            { "from": "start", "to": version, "condition": format!("{text} {version}"), text: text },
        ],
        "externalReferences": [{ "type": "variable", "id": text, "environmentId": text }],
    })
}

#[test]
fn whatever_flows_say_a_comment_is_ours_alone() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    git(&place.work(), &["fetch", "-q", "origin"]);
    let mut pages = Vec::new();
    for (at, some) in HOSTILE.chunks(8).enumerate() {
        _ = std::fs::remove_dir_all(place.work().join("flows"));
        place.write("flows/a.json", &flow("a 1.1.0 > b").to_string());
        place.write("flows/b.json", &flow("b 1.0.0 > a").to_string());
        for (n, text) in some.iter().enumerate() {
            let id = format!("h{at}x{n}");
            place
                .tenant
                .state
                .put_flow("env_prod", &saying(&id, "1.0.0", &format!("{text} once")).to_string())
                .unwrap();
            let file: String = text.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect();
            place.write(&format!("flows/{n} {file}.json"), &saying(&id, "1.1.0", text).to_string());
        }
        pages.push(place.run_in_work(&["plan", "--output", "markdown"]).stdout);
        let created = format!("c{at}");
        place.write("flows/created.json", &saying(&created, "1.0.0", &some.concat()).to_string());
        pages.push(place.run_in_work(&["plan", "--output", "markdown"]).stdout);
    }
    assert!(pages.iter().all(|page| page.contains("```mermaid") && page.contains("to update") && page.len() <= 65_000));
    check(&[], &pages);
}

#[test]
fn a_refusal_and_an_error_are_shown_and_not_obeyed() {
    let place = Place::new(&["a 1.0.0"]);
    let mut hostile = flow("a 1.0.0");
    hostile["externalReferences"] =
        json!([{ "type": "intent", "id": "`@evil` #1 <img src=evil>", "environmentId": "env_prod" }]);
    place.write("flows/a.json", &hostile.to_string());
    let refused = place.run_in_work(&["plan", "--output", "markdown"]).exits(3).stdout;
    assert!(refused.contains("Would be refused") && refused.contains("missing-reference"), "{refused}");
    hostile["version"] = json!("@evil <script>");
    place.write("flows/a.json", &hostile.to_string());
    let broken = place.run_in_work(&["plan", "--output", "markdown"]).exits(3).stdout;
    assert!(broken.contains("Cannot be planned") && broken.contains("wrong-version"), "{broken}");
    check(&[], &[refused, broken]);
}

#[test]
fn charts_and_graphs_of_anything_are_read_by_mermaid_as_they_were_meant() {
    let view = |flow: &Value| {
        View::of_document(&Document::parse(flow.to_string().as_bytes()).unwrap(), &Comparison::default())
    };
    let mut random = fastrand::Rng::with_seed(7);
    let mut charts = Vec::new();
    let mut graph = Graph::default();
    for round in 0..150 {
        let mut text = || (0..random.usize(1..4)).map(|_| HOSTILE[random.usize(..HOSTILE.len())]).collect::<String>();
        let (old, new) = (text(), text());
        let (before, after) = (view(&saying("a", "1.0.0", &old)), view(&saying("a", "1.1.0", &new)));
        charts.push(mermaid::chart(&Chart::of(&after)));
        charts.push(mermaid::chart(&Chart::of_update(&before, &after, &diff(&before, &after))));
        let reference = Document::parse(saying("a", "1.0.0", &new).to_string().as_bytes()).unwrap();
        let definition = flowsync::flow::Definition::from_document(&reference, &Comparison::default()).unwrap();
        graph.add(&format!("flow_{round}").parse().unwrap(), &new, Fate::Updated, &definition.references);
    }
    for id in ["end", "click", "subgraph", "style", "default", "o", "x", "TD", "graph", "call", "href"] {
        graph.add(&format!("flow_{id}").parse().unwrap(), id, Fate::Created, &[]);
    }
    graph.add(&format!("flow_{}", "x".repeat(5_000)).parse().unwrap(), "long", Fate::Deleted, &[]);
    charts.push(mermaid::graph(&graph));
    let large = |word: &str| {
        let node = |at: usize| json!({ "id": format!("n{at}"), "type": "action", "configuration": { "text": if at == 2_500 { word } else { "" } } });
        let edge = |at: usize| json!({ "from": format!("n{at}"), "to": format!("n{}", at + 1), "condition": null });
        view(
            &json!({ "nodes": (0..5_000).map(node).collect::<Value>(), "edges": (0..5_000).map(edge).collect::<Value>() }),
        )
    };
    let (before, after) = (large("old"), large("new"));
    let neighbourhood = Chart::of_update(&before, &after, &diff(&before, &after));
    let titles: Vec<&str> = neighbourhood.nodes.iter().map(|node| node.title.as_str()).collect();
    assert_eq!(titles, ["n2499", "n2500", "n2501"], "what changed and what stands next to it");
    charts.push(mermaid::chart(&neighbourhood));
    check(&charts, &[]);
}
