//! Packages, snapshots and the tasks that make them.

use std::io::{Cursor, Read, Write};
use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::super::support::{Answer, answer};
use super::support::{Cognigy, PROJECT, refusal};

/// The files of a package, in their order.
type Files = Vec<(String, Value)>;

impl Cognigy {
    /// One whose tasks end at once.
    async fn swift() -> Self {
        Self::with(|behaviour| {
            behaviour.stale_charts = false;
            behaviour.task_time = Duration::ZERO;
        })
        .await
    }

    /// What has become of the task that an answer shows.
    async fn ended(&self, started: &Answer) -> Value {
        assert_eq!(started.status, 200, "{}", started.text);
        assert_eq!(started.json()["status"], "queued");
        self.read(&format!("/tasks/{}?projectId={PROJECT}", started.json()["_id"].as_str().unwrap())).await
    }

    /// The id of a package of the flows named.
    async fn packed(&self, flows: &[&str]) -> String {
        let flows: Vec<String> = flows.iter().map(|name| self.state().flow(name).unwrap()).collect();
        let body = json!({ "projectId": PROJECT, "name": "p", "resourceIds": flows });
        let task = self.ended(&self.post("/packages", &body).await).await;
        assert_eq!(task["status"], "done", "{task}");
        task["data"]["packageId"].as_str().unwrap().to_owned()
    }

    async fn files(&self, package: &str) -> Files {
        let link = self.post(&format!("/packages/{package}/downloadlink"), &json!({})).await;
        let link = link.json()["downloadLink"].as_str().unwrap().to_owned();
        let bytes = self.client.get(link).send().await.unwrap().bytes().await.unwrap();
        let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut files = Vec::new();
        for at in 0..zip.len() {
            let mut entry = zip.by_index(at).unwrap();
            assert!(!entry.is_dir());
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let name = entry.name().unwrap().into_owned();
            files.push((name, serde_json::from_str(&text).unwrap()));
        }
        files
    }

    async fn upload(&self, zip: Vec<u8>) -> Value {
        let form = Form::new().text("projectId", PROJECT).part("file", Part::bytes(zip).file_name("p.zip"));
        self.ended(&answer(self.request(Method::POST, "/packages/upload").multipart(form)).await).await
    }

    /// What is in a package, by name, as the graph tells it.
    async fn inside(&self, package: &str) -> Map<String, Value> {
        let graph = self.read(&format!("/projects/{PROJECT}/graph?packages=true&dependencies=true")).await;
        let resources = graph[package]["resources"].as_array().unwrap();
        resources.iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["_id"].clone())).collect()
    }

    /// The body of a merge of one flow, both locales mapped.
    async fn merging(&self, package: &str, flow: &str, strategy: &str) -> Value {
        let inside = self.inside(package).await;
        let locales = self.read(&format!("/locales?projectId={PROJECT}")).await["items"].clone();
        let mapping = locales.as_array().unwrap().iter().map(|locale| {
            let ours = &locale["_id"];
            json!({ "agentLocaleId": ours, "packageLocaleId": inside[locale["name"].as_str().unwrap()] })
        });
        json!({
            "resourceIds": [inside[flow]],
            "localeMapping": mapping.collect::<Vec<_>>(),
            "strategies": [{ "_id": inside[flow], "autoRename": false, "identityConflictStrategy": strategy }],
        })
    }

    async fn merge(&self, package: &str, body: &Value) -> Value {
        self.ended(&self.post(&format!("/packages/{package}/merge"), body).await).await
    }
}

fn zipped(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, value) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(value.to_string().as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_task_is_queued_then_active_then_done() {
    let cognigy = Cognigy::with(|behaviour| behaviour.task_time = Duration::from_secs(100)).await;
    let body = json!({ "projectId": PROJECT, "name": "s", "description": "d" });
    let started = cognigy.post("/snapshots", &body).await.json();
    let path = format!("/tasks/{}?projectId={PROJECT}", started["_id"].as_str().unwrap());
    let status = async || cognigy.read(&path).await["status"].clone();
    assert_eq!(status().await, "queued");
    cognigy.state().advance(Duration::from_secs(60));
    assert_eq!(status().await, "active");
    assert_eq!(cognigy.read(&format!("/snapshots?projectId={PROJECT}")).await["total"], 0);
    cognigy.state().advance(Duration::from_secs(60));
    assert_eq!(status().await, "done");
    assert_eq!(cognigy.read(&format!("/snapshots?projectId={PROJECT}")).await["total"], 1);
    assert_eq!(cognigy.read(&format!("/tasks?projectId={PROJECT}")).await["total"], 1);
}

#[tokio::test]
async fn a_task_may_end_in_an_error_with_its_reason() {
    let cognigy = Cognigy::swift().await;
    cognigy.state().fail_next_task("out of luck");
    let body = json!({ "projectId": PROJECT, "name": "s", "description": "d" });
    let task = cognigy.ended(&cognigy.post("/snapshots", &body).await).await;
    assert_eq!((&task["status"], &task["failReason"]), (&json!("error"), &json!("out of luck")));
}

#[tokio::test]
async fn a_package_is_a_zip_of_one_json_a_resource_under_ids_of_its_own() {
    let cognigy = Cognigy::swift().await;
    let package = cognigy.packed(&["Main"]).await;
    let files = cognigy.files(&package).await;
    let kinds: std::collections::BTreeSet<&str> =
        files.iter().map(|(name, _)| name.split('/').next().unwrap()).collect();
    let expected = [
        "chart",
        "flow",
        "flowSettings",
        "flowState",
        "index.json",
        "intent",
        "intentSentence",
        "intentTrainGroup",
        "locale",
        "nodeData",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let get = |kind: &str| &files.iter().find(|(name, _)| name.starts_with(&format!("{kind}/"))).unwrap().1;
    let flow = get("flow");
    assert_eq!(flow["referenceId"], "11111111-1111-4111-8111-111111111111");
    assert_ne!(flow["_id"], cognigy.state().flow("Main").unwrap(), "ids are minted anew");
    assert_eq!(flow["attachedFlows"], json!([]), "what is not in the package is not attached");
    let nodes: Vec<&Value> =
        files.iter().filter(|(name, _)| name.starts_with("nodeData/")).map(|(_, node)| node).collect();
    let relations = get("chart")["relations"].as_array().unwrap();
    assert_eq!(nodes.len(), relations.len());
    let greet = nodes.iter().find(|node| node["label"] == "Greet").unwrap();
    assert!(greet["mock"].is_object());
    let said = greet["localizedData"][0]["config"]["say"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(said).unwrap()["text"].is_array(), "it is JSON text");
    let pay = nodes.iter().find(|node| node["label"] == "Pay").unwrap();
    assert_eq!(pay["localizedData"][0]["config"], cognigy.read(&cognigy.node("Main", "Pay")).await["config"]);
}

#[tokio::test]
async fn a_download_link_is_409_while_packing_and_gone_after_two_hours() {
    let cognigy = Cognigy::with(|behaviour| behaviour.task_time = Duration::from_secs(100)).await;
    let body = json!({ "projectId": PROJECT, "name": "p", "resourceIds": [cognigy.state().flow("Main").unwrap()] });
    assert_eq!(cognigy.post("/packages", &body).await.status, 200);
    let list = cognigy.read(&format!("/packages?projectId={PROJECT}")).await;
    let path = format!("/packages/{}/downloadlink", list["items"][0]["_id"].as_str().unwrap());
    assert_eq!(refusal(&cognigy.post(&path, &json!({})).await), (409, 1004));
    cognigy.state().advance(Duration::from_secs(101));
    let link = cognigy.post(&path, &json!({})).await.json()["downloadLink"].as_str().unwrap().to_owned();
    assert_eq!(cognigy.client.get(&link).send().await.unwrap().status(), 200);
    cognigy.state().advance(Duration::from_secs(7200));
    assert_eq!(cognigy.client.get(&link).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_upload_with_directory_entries_without_mock_or_of_a_newer_version_fails_in_its_task() {
    let cognigy = Cognigy::swift().await;
    let files = cognigy.files(&cognigy.packed(&["Main"]).await).await;
    let mut with_folder = ZipWriter::new_append(Cursor::new(zipped(&files))).unwrap();
    with_folder.add_directory("flow/", SimpleFileOptions::default()).unwrap();
    let mut without_mock = files.clone();
    for (_, file) in &mut without_mock {
        file.as_object_mut().unwrap().remove("mock");
    }
    let mut newer = files.clone();
    newer.iter_mut().find(|(name, _)| name == "index.json").unwrap().1["cognigyVersion"] = json!("99.0.0");
    for (zip, reason) in [
        (with_folder.finish().unwrap().into_inner(), "Package Extraction Failed"),
        (zipped(&without_mock), "`mock` is required"),
        (zipped(&newer), "newer than"),
        (b"no zip".to_vec(), "Package Extraction Failed"),
    ] {
        let task = cognigy.upload(zip).await;
        assert_eq!(task["status"], "error", "{task}");
        assert!(task["failReason"].as_str().unwrap().contains(reason), "{task}");
    }
    assert_eq!(cognigy.upload(zipped(&files)).await["status"], "done");
}

#[tokio::test]
async fn replace_keeps_the_flow_and_every_reference_id_and_nothing_else() {
    let cognigy = Cognigy::swift().await;
    let package = cognigy.packed(&["Main"]).await;
    let (flow, node) = (cognigy.read(&cognigy.flow("Main")).await, cognigy.read(&cognigy.node("Main", "Pay")).await);
    let settings = cognigy.read(&format!("{}/settings", cognigy.flow("Main"))).await;
    let drawn = cognigy.drawn("Main").await;
    assert_eq!(cognigy.delete(&cognigy.node("Main", "Book?")).await.status, 204);
    cognigy.state().advance(Duration::from_secs(10));
    let other = cognigy.read(&cognigy.flow("Other")).await;
    let task = cognigy.merge(&package, &cognigy.merging(&package, "Main", "replace").await).await;
    assert_eq!(task["status"], "done", "{task}");
    let after = cognigy.read(&cognigy.flow("Main")).await;
    for same in ["_id", "referenceId", "createdAt", "name"] {
        assert_eq!(after[same], flow[same], "{same}");
    }
    for new in ["chartReference", "intentTrainGroupReference", "lastChanged"] {
        assert_ne!(after[new], flow[new], "{new}");
    }
    assert_ne!(cognigy.read(&format!("{}/settings", cognigy.flow("Main"))).await["_id"], settings["_id"]);
    assert_eq!((&after["attachedFlows"], &after["isTrainingOutOfDate"]), (&json!([]), &json!(true)));
    assert_eq!(cognigy.drawn("Main").await, drawn);
    let node_after = cognigy.read(&cognigy.node("Main", "Pay")).await;
    assert_eq!((&node_after["referenceId"], &node_after["config"]), (&node["referenceId"], &node["config"]));
    assert_ne!(node_after["_id"], node["_id"]);
    assert_eq!(cognigy.read(&cognigy.flow("Other")).await, other, "other flows are left alone");
    let german = cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][1]["_id"].clone();
    let path = format!("{}?preferredLocaleId={}", cognigy.node("Main", "Greet"), german.as_str().unwrap());
    assert_eq!(cognigy.read(&path).await["config"]["say"]["text"][0], "Hallo");
}

#[tokio::test]
async fn abort_imports_nothing_re_identify_makes_a_copy_and_without_conflict_reference_ids_stay() {
    let cognigy = Cognigy::swift().await;
    let package = cognigy.packed(&["Main"]).await;
    let before = cognigy.read(&cognigy.flow("Main")).await;
    let aborted = cognigy.merge(&package, &cognigy.merging(&package, "Main", "abort").await).await;
    assert_eq!(aborted["status"], "error");
    assert_eq!(cognigy.read(&format!("/flows?projectId={PROJECT}")).await["total"], 2);
    let copied = cognigy.merge(&package, &cognigy.merging(&package, "Main", "re-identify").await).await;
    assert_eq!(copied["status"], "done", "{copied}");
    let flows = cognigy.read(&format!("/flows?projectId={PROJECT}")).await["items"].clone();
    assert_eq!(flows.as_array().unwrap().len(), 3);
    assert_ne!(flows[2]["referenceId"], before["referenceId"]);
    assert_eq!(cognigy.delete(&cognigy.flow("Main")).await.status, 204);
    let copy = format!("/flows/{}", flows[2]["_id"].as_str().unwrap());
    assert_eq!(cognigy.delete(&copy).await.status, 204);
    let created = cognigy.merge(&package, &cognigy.merging(&package, "Main", "abort").await).await;
    assert_eq!(created["status"], "done", "{created}");
    let after = cognigy.read(&cognigy.flow("Main")).await;
    assert_eq!(after["referenceId"], before["referenceId"]);
    assert_ne!(after["_id"], before["_id"]);
}

#[tokio::test]
async fn a_merge_without_resources_without_the_primary_locale_or_by_reference_id_is_400() {
    let cognigy = Cognigy::swift().await;
    let package = cognigy.packed(&["Main"]).await;
    let good = cognigy.merging(&package, "Main", "replace").await;
    let path = format!("/packages/{package}/merge");
    let wrong = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    let uuid = "11111111-1111-4111-8111-111111111111";
    let ours = &good["localeMapping"][0]["agentLocaleId"];
    for body in [
        wrong("resourceIds", json!([])),
        wrong("resourceIds", json!([uuid])),
        wrong("localeMapping", json!([])),
        wrong("localeMapping", json!([{ "agentLocaleId": ours, "packageLocaleId": uuid }])),
        wrong("strategies", json!([{ "_id": good["resourceIds"][0], "identityConflictStrategy": "overwrite" }])),
    ] {
        assert_eq!(refusal(&cognigy.post(&path, &body).await), (400, 1005), "{body}");
    }
}

#[tokio::test]
async fn a_merge_that_fails_leaves_half_of_itself_unless_that_is_off() {
    for half in [true, false] {
        let cognigy = Cognigy::swift().await;
        cognigy.state().change(|behaviour| behaviour.half_merges = half);
        let package = cognigy.packed(&["Main"]).await;
        let chart = format!("{}/chart", cognigy.flow("Main"));
        let before = cognigy.read(&chart).await;
        cognigy.state().fail_next_task("the worker went away");
        let task = cognigy.merge(&package, &cognigy.merging(&package, "Main", "replace").await).await;
        assert_eq!(task["status"], "error");
        let after = cognigy.read(&chart).await;
        let n_nodes = |chart: &Value| chart["nodes"].as_array().unwrap().len();
        let n_relations = |chart: &Value| chart["relations"].as_array().unwrap().len();
        assert_eq!(n_relations(&after), n_relations(&before));
        assert_eq!(n_nodes(&after) < n_nodes(&before), half);
        let again = cognigy.merge(&package, &cognigy.merging(&package, "Main", "replace").await).await;
        assert_eq!(again["status"], "done");
        assert_eq!(n_nodes(&cognigy.read(&chart).await), n_nodes(&before));
    }
}

#[tokio::test]
async fn relations_that_name_absent_nodes_make_a_broken_flow_without_a_word() {
    let cognigy = Cognigy::swift().await;
    let mut files = cognigy.files(&cognigy.packed(&["Main"]).await).await;
    files.retain(|(name, file)| !name.starts_with("nodeData/") || file["label"] != "Count");
    let package = cognigy.upload(zipped(&files)).await["data"]["packageId"].as_str().unwrap().to_owned();
    let task = cognigy.merge(&package, &cognigy.merging(&package, "Main", "replace").await).await;
    assert_eq!(task["status"], "done");
    let chart = cognigy.read(&format!("{}/chart", cognigy.flow("Main"))).await;
    assert_eq!(chart["relations"].as_array().unwrap().len(), chart["nodes"].as_array().unwrap().len() + 1);
}

#[tokio::test]
async fn what_was_edited_in_a_package_is_what_comes_back() {
    let cognigy = Cognigy::swift().await;
    let mut files = cognigy.files(&cognigy.packed(&["Main"]).await).await;
    let greet = files.iter_mut().find(|(_, file)| file["label"] == "Greet").unwrap();
    for entry in greet.1["localizedData"].as_array_mut().unwrap() {
        entry["config"]["say"] = json!(json!({ "type": "card", "＄schema": 1, "text": ["Edited"] }).to_string());
    }
    greet.1["mock"] = json!({ "isEnabled": true, "code": "x" });
    let package = cognigy.upload(zipped(&files)).await["data"]["packageId"].as_str().unwrap().to_owned();
    cognigy.merge(&package, &cognigy.merging(&package, "Main", "replace").await).await;
    let node = cognigy.read(&cognigy.node("Main", "Greet")).await;
    assert_eq!(node["config"]["say"], json!({ "type": "card", "$schema": 1, "text": ["Edited"] }));
    assert_eq!(node["mock"]["isEnabled"], true);
}

#[tokio::test]
async fn a_snapshot_needs_a_description_and_a_name_of_its_own_and_the_eleventh_fails() {
    let cognigy = Cognigy::swift().await;
    let body =
        |name: &str, description: Value| json!({ "projectId": PROJECT, "name": name, "description": description });
    let mut without = body("s0", json!("d"));
    without.as_object_mut().unwrap().remove("description");
    assert_eq!(refusal(&cognigy.post("/snapshots", &without).await), (400, 1000));
    assert_eq!(refusal(&cognigy.post("/snapshots", &body("s0", json!("x".repeat(501)))).await), (400, 1005));
    assert_eq!(refusal(&cognigy.post("/snapshots", &body("s 0", json!("d"))).await), (400, 1005));
    for n in 0..10 {
        let task = cognigy.ended(&cognigy.post("/snapshots", &body(&format!("s{n}"), json!("d"))).await).await;
        assert_eq!(task["status"], "done");
    }
    assert_eq!(refusal(&cognigy.post("/snapshots", &body("s1", json!("d"))).await), (409, 1004));
    let eleventh = cognigy.ended(&cognigy.post("/snapshots", &body("s10", json!("d"))).await).await;
    assert!(eleventh["failReason"].as_str().unwrap().contains("Limit of allowed Snapshots"), "{eleventh}");
}

#[tokio::test]
async fn a_snapshot_that_an_endpoint_uses_stays() {
    let cognigy = Cognigy::swift().await;
    let body = json!({ "projectId": PROJECT, "name": "s", "description": "d" });
    cognigy.ended(&cognigy.post("/snapshots", &body).await).await;
    let id = cognigy.read(&format!("/snapshots?projectId={PROJECT}")).await["items"][0]["_id"].clone();
    let snapshot = format!("/snapshots/{}", id.as_str().unwrap());
    let resources = cognigy.read(&format!("{snapshot}/resources?resourceType=flow")).await;
    assert_eq!(resources["total"], 2);
    let endpoints = cognigy.read(&format!("/endpoints?projectId={PROJECT}")).await;
    let endpoint = format!("/endpoints/{}", endpoints["items"][0]["_id"].as_str().unwrap());
    assert_eq!(cognigy.patch(&endpoint, &json!({ "entrypoint": id })).await.status, 204);
    assert_eq!(refusal(&cognigy.delete(&snapshot).await), (409, 1004));
    assert_eq!(cognigy.patch(&endpoint, &json!({ "entrypoint": PROJECT })).await.status, 204);
    assert_eq!(cognigy.delete(&snapshot).await.status, 204);
}

#[tokio::test]
async fn a_restore_brings_the_whole_project_back_under_new_ids() {
    let cognigy = Cognigy::swift().await;
    let body = json!({ "projectId": PROJECT, "name": "s", "description": "d" });
    cognigy.ended(&cognigy.post("/snapshots", &body).await).await;
    let id = cognigy.read(&format!("/snapshots?projectId={PROJECT}")).await["items"][0]["_id"].clone();
    let before = cognigy.read(&cognigy.flow("Main")).await;
    let locale = cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][0].clone();
    let (drawn, pay) = (cognigy.drawn("Main").await, cognigy.read(&cognigy.node("Main", "Pay")).await);
    assert_eq!(cognigy.delete(&cognigy.flow("Other")).await.status, 204);
    assert_eq!(cognigy.delete(&cognigy.node("Main", "Pay")).await.status, 204);
    let restore = format!("/snapshots/{}/restore", id.as_str().unwrap());
    let task = cognigy.ended(&cognigy.post(&restore, &json!({ "projectId": PROJECT })).await).await;
    assert_eq!(task["status"], "done", "{task}");
    let after = cognigy.read(&cognigy.flow("Main")).await;
    assert_eq!(after["referenceId"], before["referenceId"]);
    assert_ne!(after["_id"], before["_id"]);
    assert_eq!(after["attachedFlows"], json!([cognigy.state().flow("Other").unwrap()]));
    assert_eq!(cognigy.drawn("Main").await, drawn);
    let pay_after = cognigy.read(&cognigy.node("Main", "Pay")).await;
    assert_eq!((&pay_after["config"], &pay_after["referenceId"]), (&pay["config"], &pay["referenceId"]));
    let locale_after = cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][0].clone();
    assert_ne!(locale_after["_id"], locale["_id"]);
    assert_eq!(pay_after["localeReference"], locale_after["_id"]);
}

#[tokio::test]
async fn intents_are_imported_and_trained_by_tasks_and_training_moves_no_change_time() {
    let cognigy = Cognigy::swift().await;
    let flow = cognigy.flow("Main");
    let locale =
        cognigy.read(&format!("/locales?projectId={PROJECT}")).await["items"][0]["_id"].as_str().unwrap().to_owned();
    let export = async || {
        let body = json!({ "localeId": locale, "format": "json" });
        cognigy.post(&format!("{flow}/intents/export"), &body).await.json()
    };
    let import = async |mode: &str| {
        let file = json!([{ "name": "cancel", "exampleSentences": ["stop it", "enough"] }, { "name": "new" }]);
        let form = Form::new().text("mode", mode.to_owned()).text("localeId", locale.clone());
        let form = form.part("file", Part::bytes(file.to_string().into_bytes()).file_name("intents.json"));
        let request = cognigy.request(Method::POST, &format!("{flow}/intents/import")).multipart(form);
        assert_eq!(cognigy.ended(&answer(request).await).await["status"], "done");
    };
    for (mode, sentences) in [
        ("skip", json!(["stop it", "never mind"])),
        ("merge", json!(["stop it", "never mind", "enough"])),
        ("overwrite", json!(["stop it", "enough"])),
    ] {
        import(mode).await;
        let exported = export().await;
        assert_eq!((&exported[1]["exampleSentences"], &exported[2]["name"]), (&sentences, &json!("new")), "{mode}");
    }
    assert_eq!(cognigy.read(&flow).await["isTrainingOutOfDate"], true);
    let before = cognigy.read(&flow).await["lastChanged"].clone();
    cognigy.state().advance(Duration::from_secs(5));
    let started = cognigy.post(&format!("{flow}/intents/train"), &json!({ "localeId": locale, "mode": "full" })).await;
    assert_eq!(cognigy.ended(&started).await["status"], "done");
    let after = cognigy.read(&flow).await;
    assert_eq!((&after["isTrainingOutOfDate"], &after["lastChanged"]), (&json!(false), &before));
}
