//! Nodes: what is read of them, how they are made, changed, moved and deleted.

use flowsync::tenant::sandbox::cognigy_rest::rules::MoveRoute;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Cognigy, draw, refusal};

const MAIN: &str = "start Greet Book?[then Pay | else] Which[default | One In one | Two] Count end";

#[tokio::test]
async fn a_chart_is_nodes_without_config_and_relations() {
    let cognigy = Cognigy::start().await;
    assert_eq!(cognigy.drawn("Main").await, MAIN);
    let chart = cognigy.read(&format!("{}/chart", cognigy.flow("Main"))).await;
    assert!(chart["nodes"].as_array().unwrap().iter().all(|node| node.get("config").is_none()));
    let pay = chart["nodes"].as_array().unwrap().iter().find(|node| node["label"] == "Pay").unwrap();
    assert_eq!(pay["preview"], cognigy.read(&cognigy.node("Main", "Pay")).await["config"]["flowNode"]);
    let list = cognigy.read(&format!("{}/chart/nodes", cognigy.flow("Main"))).await;
    assert!(list["items"][0].get("config").is_none() && list["items"][0].get("preview").is_none());
    cognigy.state().change(|behaviour| behaviour.configs_in_lists = true);
    let list = cognigy.read(&format!("{}/chart/nodes", cognigy.flow("Main"))).await;
    assert!(list["items"][0]["config"].is_object());
}

#[tokio::test]
async fn children_come_with_the_node_that_needs_them() {
    let cognigy = Cognigy::start().await;
    let end = cognigy.id("Main", "end");
    for (kind, children) in [
        ("if", "[then | else]"),
        ("switch", "[default | case | case]"),
        ("once", "[onFirstExecution | afterwards]"),
        ("interval", "[onInterval | elseInterval]"),
        ("optionalQuestion", "[onAnswer | onQuestion]"),
        ("triggerFunction", "[onScheduled | onSchedulingError]"),
        ("checkChannelChange", "[onYes | onNo]"),
        ("generativeSlotFiller", "[generativeSlotFillerFallback | generativeSlotFillerSuccess]"),
        ("llmPromptV2", "[llmPromptDefault | llmPromptTool]"),
        ("say", ""),
    ] {
        let made = cognigy.create(kind, "prepend", &end).await;
        assert_eq!(made.status, 201, "{kind}: {}", made.text);
        let drawn = cognigy.drawn("Main").await;
        assert!(drawn.contains(&format!("new {kind}{children} end")), "{drawn}");
        assert_eq!(cognigy.delete(&cognigy.node("Main", &format!("new {kind}"))).await.status, 204);
        assert_eq!(cognigy.drawn("Main").await, MAIN, "its children went with it");
    }
}

#[tokio::test]
async fn a_node_is_made_where_its_mode_says() {
    let cases = [
        ("say", "append", "Greet", "start Greet new say Book?"),
        ("say", "append", "One", "[default | One new say In one | Two]"),
        ("say", "append", "Book?", "else] new say Which["),
        ("say", "prepend", "Greet", "start new say Greet"),
        ("say", "prepend", "In one", "One new say In one"),
        ("case", "appendChild", "Which", "| Two | new case]"),
        ("case", "prependChild", "Which", "Which[new case | default"),
        ("case", "insertChildAt", "Which", "default | new case | One"),
        ("case", "insertBefore", "Two", "One In one | new case | Two"),
        ("case", "insertAfter", "One", "One In one | new case | Two"),
        ("say", "appendChild", "One", "end || new say"),
    ];
    for (kind, mode, target, expected) in cases {
        let cognigy = Cognigy::start().await;
        let made = cognigy.create(kind, mode, &cognigy.id("Main", target)).await;
        assert_eq!(made.status, 201, "{kind} {mode} {target}: {}", made.text);
        let drawn = cognigy.drawn("Main").await;
        assert!(drawn.contains(expected), "{kind} {mode} {target}: {drawn}");
    }
}

#[tokio::test]
async fn a_node_is_not_made_where_its_mode_cannot_bring_it() {
    let cognigy = Cognigy::start().await;
    let elsewhere = cognigy.id("Other", "start");
    for (kind, mode, target, expected) in [
        ("say", "append", "end", (500, 1008)),
        ("say", "prepend", "start", (500, 1008)),
        ("say", "prepend", "One", (500, 1008)),
        ("say", "insertBefore", "Greet", (500, 1008)),
        ("say", "insertAfter", "Greet", (500, 1008)),
        ("say", "appendChild", "Greet", (500, 1008)),
        ("say", "appendChild", "Which", (400, 1005)),
        ("case", "append", "One", (404, 1002)),
        ("case", "append", "Greet", (400, 1005)),
        ("case", "appendChild", "Book?", (400, 1005)),
        ("start", "append", "Greet", (400, 1005)),
        ("end", "append", "Greet", (400, 1005)),
        ("then", "appendChild", "Book?", (400, 1005)),
        ("else", "appendChild", "Book?", (400, 1005)),
        ("default", "appendChild", "Which", (400, 1005)),
        ("say", "beside", "Greet", (400, 1005)),
    ] {
        let made = cognigy.create(kind, mode, &cognigy.id("Main", target)).await;
        assert_eq!(refusal(&made), expected, "{kind} {mode} {target}: {}", made.text);
    }
    assert_eq!(refusal(&cognigy.create("say", "append", &elsewhere).await), (404, 1002));
    assert_eq!(cognigy.drawn("Main").await, MAIN);
}

#[tokio::test]
async fn the_server_chooses_reference_ids_and_making_a_node_twice_makes_two() {
    let cognigy = Cognigy::start().await;
    let greet = cognigy.id("Main", "Greet");
    let path = format!("{}/chart/nodes", cognigy.flow("Main"));
    let chosen = json!({ "type": "say", "mode": "append", "target": greet, "referenceId": "x" });
    assert_eq!(refusal(&cognigy.post(&path, &chosen).await), (400, 1005));
    let one = cognigy.create("say", "append", &greet).await.json();
    let other = cognigy.create("say", "append", &greet).await.json();
    assert_ne!(one["_id"], other["_id"]);
    assert_ne!(one["referenceId"], other["referenceId"]);
}

#[tokio::test]
async fn a_patch_replaces_the_config_whole_and_refuses_keys_that_the_type_lacks() {
    let cognigy = Cognigy::start().await;
    let pay = cognigy.node("Main", "Pay");
    assert_eq!(cognigy.patch(&pay, &json!({ "config": { "absorbContext": true } })).await.status, 204);
    assert_eq!(cognigy.read(&pay).await["config"], json!({ "absorbContext": true }));
    let unknown = cognigy.patch(&pay, &json!({ "config": { "colour": "red" } })).await;
    assert_eq!(refusal(&unknown), (400, 1005));
    assert!(unknown.text.contains("Node config validation failed"), "{}", unknown.text);
    let case = cognigy.node("Main", "One");
    for wrong in [json!({}), json!({ "case": { "value": "x", "more": 1 } })] {
        assert_eq!(refusal(&cognigy.patch(&case, &json!({ "config": wrong })).await), (400, 1005));
    }
    for key in ["type", "extension", "mock", "referenceId"] {
        assert_eq!(refusal(&cognigy.patch(&pay, &json!({ key: "x" })).await), (400, 1005), "{key}");
    }
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_400_unless_that_is_overlooked() {
    let cognigy = Cognigy::start().await;
    let greet = cognigy.node("Main", "Greet");
    assert_eq!(refusal(&cognigy.patch(&greet, &json!({ "label": "Greet" })).await), (400, 1005));
    cognigy.state().change(|behaviour| behaviour.empty_patches = true);
    assert_eq!(cognigy.patch(&greet, &json!({ "label": "Greet" })).await.status, 204);
}

#[tokio::test]
async fn strings_stay_byte_for_byte_and_numbers_go_through_javascript() {
    let cognigy = Cognigy::start().await;
    let count = cognigy.node("Main", "Count");
    assert_eq!(cognigy.read(&count).await["config"]["code"], "const a = 1;\r\n");
    let body = r#"{"config":{"say":{"type":"text","text":["ä\r\n\u0000"],"weight":1.0}}}"#;
    let request =
        cognigy.request(Method::PATCH, &cognigy.node("Main", "Greet")).header("Content-Type", "application/json");
    assert_eq!(request.body(body).send().await.unwrap().status(), 204);
    let config = cognigy.get(&cognigy.node("Main", "Greet")).await.text;
    assert!(config.contains(r#""weight":1}"#) && config.contains(r#"["ä\r\n\u0000"]"#), "{config}");
}

#[tokio::test]
async fn what_is_wrong_with_code_is_known_only_on_a_later_read() {
    let cognigy = Cognigy::start().await;
    let count = cognigy.node("Main", "Count");
    assert_eq!(cognigy.patch(&count, &json!({ "config": { "code": "const = @@" } })).await.status, 204);
    assert_eq!(cognigy.read(&count).await["config"]["hasError"], false);
    assert_eq!(cognigy.read(&count).await["config"]["hasError"], true);
}

#[tokio::test]
async fn start_end_and_markers_are_neither_changed_moved_nor_deleted() {
    let cognigy = Cognigy::start().await;
    for label in ["start", "end", "then", "else", "default"] {
        let node = cognigy.node("Main", label);
        assert_eq!(refusal(&cognigy.delete(&node).await), (400, 1005), "{label}");
        let moved = cognigy.move_to(label, "append", &cognigy.id("Main", "Greet")).await;
        assert_eq!(refusal(&moved), (400, 1005), "{label}");
        assert_eq!(refusal(&cognigy.patch(&node, &json!({ "label": "x" })).await), (400, 1005), "{label}");
    }
    cognigy.state().change(|behaviour| behaviour.marker_patches = true);
    assert_eq!(cognigy.patch(&cognigy.node("Main", "else"), &json!({ "comment": "x" })).await.status, 204);
}

#[tokio::test]
async fn a_node_moves_with_its_branches_and_the_chain_closes_up() {
    for (label, mode, target, expected) in [
        ("Greet", "append", "Count", "start Book?[then Pay | else] Which[default | One In one | Two] Count Greet end"),
        ("Which", "append", "then", "start Greet Book?[then Which[default | One In one | Two] Pay | else] Count end"),
        (
            "Two",
            "insertBefore",
            "One",
            "start Greet Book?[then Pay | else] Which[default | Two | One In one] Count end",
        ),
        ("One", "insertAfter", "Two", "start Greet Book?[then Pay | else] Which[default | Two | One In one] Count end"),
    ] {
        let cognigy = Cognigy::start().await;
        let moved = cognigy.move_to(label, mode, &cognigy.id("Main", target)).await;
        assert_eq!(moved.status, 204, "{label}: {}", moved.text);
        assert_eq!(cognigy.drawn("Main").await, expected);
    }
    let cognigy = Cognigy::start().await;
    let below = cognigy.move_to("Which", "append", &cognigy.id("Main", "In one")).await;
    assert_eq!(refusal(&below), (400, 1005), "not below itself");
    let wrong = cognigy.move_to("Greet", "append", &cognigy.id("Main", "end")).await;
    assert_eq!(refusal(&wrong), (500, 1008));
    assert_eq!(cognigy.drawn("Main").await, MAIN);
}

#[tokio::test]
async fn a_node_moves_by_one_route_only() {
    let cognigy = Cognigy::start().await;
    let (greet, count) = (cognigy.node("Main", "Greet"), cognigy.id("Main", "Count"));
    let body = json!({ "mode": "append", "target": count });
    assert_eq!(refusal(&cognigy.post(&format!("{greet}/move"), &body).await), (405, 1013));
    cognigy.state().change(|behaviour| behaviour.move_route = MoveRoute::Post);
    assert_eq!(cognigy.post(&format!("{greet}/move"), &body).await.status, 204);
    cognigy.state().change(|behaviour| behaviour.move_route = MoveRoute::Node);
    assert_eq!(refusal(&cognigy.patch(&format!("{greet}/move"), &body).await), (405, 1013));
    let back = json!({ "mode": "prepend", "target": cognigy.id("Main", "Book?") });
    assert_eq!(cognigy.patch(&greet, &back).await.status, 204);
    assert_eq!(cognigy.drawn("Main").await, MAIN);
}

#[tokio::test]
async fn deleting_a_case_takes_its_branch_and_leaves_who_pointed_there_dangling() {
    let cognigy = Cognigy::start().await;
    assert_eq!(cognigy.delete(&cognigy.node("Main", "One")).await.status, 204);
    assert_eq!(cognigy.drawn("Main").await, "start Greet Book?[then Pay | else] Which[default | Two] Count end");
    let before = cognigy.read(&cognigy.node("Main", "Pay")).await["config"].clone();
    assert_eq!(cognigy.delete(&cognigy.flow("Other")).await.status, 204);
    assert_eq!(cognigy.read(&cognigy.node("Main", "Pay")).await["config"], before);
    let nowhere =
        json!({ "flow": "22222222-2222-4222-8222-222222222222", "node": "22222222-2222-4222-8222-222222222222" });
    let dangling = json!({ "config": { "flowNode": nowhere } });
    assert_eq!(cognigy.patch(&cognigy.node("Main", "Pay"), &dangling).await.status, 204, "dangling is accepted");
}

#[tokio::test]
async fn a_chart_is_stale_for_one_read_after_a_write() {
    let cognigy = Cognigy::with(|_| {}).await;
    let path = format!("{}/chart", cognigy.flow("Main"));
    let greet = cognigy.id("Main", "Greet");
    assert_eq!(cognigy.create("say", "append", &greet).await.status, 201);
    assert_eq!(draw(&cognigy.read(&path).await), MAIN);
    assert!(draw(&cognigy.read(&path).await).contains("Greet new say Book?"));
    cognigy.state().change(|behaviour| behaviour.stale_nodes = true);
    let node = cognigy.node("Main", "Greet");
    assert_eq!(cognigy.patch(&node, &json!({ "label": "Welcome" })).await.status, 204);
    assert_eq!(cognigy.read(&node).await["label"], "Greet");
    assert_eq!(cognigy.read(&node).await["label"], "Welcome");
}

#[tokio::test]
async fn descriptors_are_empty_unless_they_are_on() {
    let cognigy = Cognigy::start().await;
    let path = format!("{}/chart/descriptors", cognigy.flow("Main"));
    assert_eq!(cognigy.read(&path).await["items"], json!([]));
    cognigy.state().change(|behaviour| behaviour.descriptors = true);
    let items = cognigy.read(&path).await["items"].clone();
    let switch = items.as_array().unwrap().iter().find(|item| item["type"] == "switch").unwrap();
    assert_eq!(switch["dependencies"]["children"], json!(["default", "case", "case"]));
}

#[tokio::test]
async fn an_upgrade_adds_default_keys_on_read_and_moves_no_change_time() {
    let cognigy = Cognigy::start().await;
    let (count, flow) = (cognigy.node("Main", "Pay"), cognigy.flow("Main"));
    let before = cognigy.read(&flow).await["lastChanged"].clone();
    cognigy.state().advance(std::time::Duration::from_secs(5));
    cognigy.state().upgrade("goTo", "mediaPath", json!("x"));
    assert_eq!(cognigy.read(&count).await["config"]["mediaPath"], "x");
    assert_eq!(cognigy.read(&flow).await["lastChanged"], before);
    let written = json!({ "config": { "mediaPath": "mine" } });
    assert_eq!(cognigy.patch(&count, &written).await.status, 204);
    assert_eq!(cognigy.read(&count).await["config"], written["config"]);
}

#[tokio::test]
async fn a_config_is_read_in_the_locale_asked_for_or_its_fallback() {
    let cognigy = Cognigy::start().await;
    let locales = cognigy.read(&format!("/locales?projectId={}", super::support::PROJECT)).await["items"].clone();
    let (english, german) = (locales[0]["_id"].as_str().unwrap(), locales[1]["_id"].as_str().unwrap());
    assert_eq!(locales[1]["fallbackLocaleReference"], *english);
    let read = async |label: &str, locale: &str| -> Value {
        cognigy.read(&format!("{}?preferredLocaleId={locale}", cognigy.node("Main", label))).await
    };
    let greet = read("Greet", german).await;
    assert_eq!((&greet["localeReference"], &greet["config"]["say"]["text"][0]), (&json!(german), &json!("Hallo")));
    let one = read("In one", german).await;
    assert_eq!((&one["localeReference"], &one["config"]["say"]["text"][0]), (&json!(english), &json!("1")));
    let node = cognigy.node("Main", "In one");
    let words = json!({ "localeId": german, "config": { "say": { "type": "text", "text": ["eins"] } } });
    assert_eq!(refusal(&cognigy.patch(&node, &words).await), (400, 1005), "it has no entry yet");
    assert_eq!(cognigy.post(&format!("{node}/addlocalization"), &json!({ "localeId": german })).await.status, 204);
    assert_eq!(read("In one", german).await["config"]["say"]["text"][0], "1", "a copy of its fallback's");
    assert_eq!(cognigy.patch(&node, &words).await.status, 204);
    assert_eq!(read("In one", german).await["config"]["say"]["text"][0], "eins");
    assert_eq!(read("In one", english).await["config"]["say"]["text"][0], "1");
    assert_eq!(cognigy.post(&format!("{node}/removelocalization"), &json!({ "localeId": german })).await.status, 204);
    assert_eq!(read("In one", german).await["localeReference"], *english);
    let primary = cognigy.post(&format!("{node}/removelocalization"), &json!({ "localeId": english })).await;
    assert_eq!(refusal(&primary), (400, 1005));
    cognigy.state().change(|behaviour| behaviour.locale_in_patches = false);
    assert_eq!(refusal(&cognigy.patch(&cognigy.node("Main", "Greet"), &words).await), (400, 1005));
}
