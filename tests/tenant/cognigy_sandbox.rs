//! `api: cognigy-rest` against the strict stand-in over real HTTP: flows that come and go as packages, and how many
//! requests that takes.

use std::num::NonZeroUsize;

use flowsync::config::{Api, Auth, CognigyRest, SecretSource, TenantAddress, WriteRoute};
use flowsync::flow::{EnvironmentId, FlowId};
use flowsync::tenant::cognigy_rest::Client;
use flowsync::tenant::flows_v2::Connections;
use flowsync::tenant::sandbox::cognigy_rest::FaultPlan;
use flowsync::tenant::sandbox::cognigy_rest::{Handle, Running};
use flowsync::tenant::{Export, Failure, FlowStatus, Imported, Tenant, TenantError, Unrecorded};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Plain, ample, hurry};
use crate::hotel::{self, EMPTY, PROJECT};

pub(super) const MAIN: &str = "11111111-1111-4111-8111-111111111111";
const NEW: &str = "22222222-2222-4222-8222-222222222222";

/// A project in two locales, with a flow of everything.
pub(super) const HOTEL: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    lexicons: [Cities]
    flows:
      - name: Main
        referenceId: 11111111-1111-4111-8111-111111111111
        attachedFlows: [Other]
        attachedLexicons: [Cities]
        intents: [book, { name: cancel, sentences: [stop it, never mind] }]
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - type: if
            label: Book?
            config: { condition: { type: rule, condition: "", rule: { left: input.intent, operand: eq, right: book } } }
            branches:
              - { type: then, chart: [{ goTo: Other, label: Pay }] }
          - { code: "const a = 1;\r\n", label: Count }
      - name: Other
"#;

pub(super) struct Place {
    running: Running,
    pub(super) client: Client,
    pub(super) environment: EnvironmentId,
    _secrets: TempDir,
}

impl Place {
    pub(super) async fn of(seed: &str) -> Self {
        Self::with(seed, CognigyRest::default()).await
    }

    async fn with(seed: &str, options: CognigyRest) -> Self {
        let running = hotel::start(seed, |rules| rules.limit = None).await;
        let secrets = TempDir::new().unwrap();
        let key = secrets.path().join("key");
        std::fs::write(&key, "sandbox-key\n").unwrap();
        let address = TenantAddress {
            api: Api::CognigyRest(options.clone()),
            url: running.base_url().parse().unwrap(),
            environment_id: EnvironmentId(PROJECT.to_owned()),
            auth: Auth::ApiKey(SecretSource::File(key)),
            ca_file: None,
            allow_insecure: false,
        };
        let concurrency = NonZeroUsize::new(4).unwrap();
        let connected = Connections::default().connect_project_tuned(&address, &options, concurrency, None, hurry());
        let environment = EnvironmentId(PROJECT.to_owned());
        Self { running, client: connected.unwrap(), environment, _secrets: secrets }
    }

    fn state(&self) -> Handle {
        self.running.state()
    }

    pub(super) fn faults(&self, plan: &str) {
        self.state().set_faults(FaultPlan::parse(plan).unwrap());
    }

    async fn export(&self) -> Export {
        self.client.export(&self.environment, &Plain, &ample()).await.unwrap()
    }

    /// A flow as it is live.
    pub(super) async fn live(&self, reference: &str) -> Option<String> {
        let export = self.export().await;
        let flow = export.flows.get(&id(reference))?;
        Some(String::from_utf8(flow.body().unwrap().to_vec()).unwrap())
    }

    pub(super) async fn import(&self, reference: &str, text: &str) -> Result<Imported, TenantError> {
        let reply =
            self.client.import(&self.environment, &id(reference), text.as_bytes(), &Unrecorded, &ample()).await?;
        Ok(reply.value)
    }

    pub(super) async fn delete(&self, reference: &str) -> Result<(), TenantError> {
        self.client.delete(&self.environment, &id(reference), &Unrecorded, &ample()).await.map(drop)
    }

    pub(super) async fn tidy(&self) {
        self.client.tidy(&self.environment, &ample()).await.unwrap();
    }

    /// The tenant's say on a flow, asked until it is one.
    async fn status(&self, reference: &str) -> FlowStatus {
        loop {
            match self.client.status(&self.environment, &id(reference), &ample()).await.unwrap() {
                FlowStatus::InProgress(_) => {}
                status => return status,
            }
        }
    }

    async fn get(&self, path: &str) -> Value {
        let tls = flowsync::tls::nobody().unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
        let url = format!("{}/{path}", self.running.base_url());
        let answer = client.get(url).header("X-API-Key", "sandbox-key").header("Accept", "application/json").send();
        serde_json::from_str(&answer.await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Names of everything there is beside flows that people made.
    pub(super) async fn leftovers(&self) -> Vec<String> {
        let packages = self.get(&format!("new/v2.0/packages?projectId={PROJECT}")).await;
        let flows = self.get(&format!("new/v2.0/flows?projectId={PROJECT}")).await;
        let items = packages["items"].as_array().unwrap().iter().chain(flows["items"].as_array().unwrap());
        let names = items.map(|item| item["name"].as_str().unwrap().to_owned());
        names.filter(|name| name.starts_with("flowsync")).collect()
    }

    fn n_requests(&self) -> u64 {
        self.state().requests().total
    }

    fn n_of(&self, call: &str) -> u64 {
        self.state().requests().by_call.get(call).copied().unwrap_or_default()
    }
}

fn id(reference: &str) -> FlowId {
    format!("flow_{}", reference.replace('-', "")).parse().unwrap()
}

fn say(text: &str) -> Value {
    json!({"say": {"type": "text", "text": [text], "data": "", "linear": false, "loop": false, "_cognigy": {}}})
}

fn node(n: usize) -> String {
    format!("c0000000-0000-4000-8000-{n:012}")
}

/// A flow of so many texts, with a branch and code.
fn flow(reference: &str, name: &str, n_says: usize) -> String {
    let mut chart = vec![json!({"type": "start", "ref": node(0)})];
    chart.extend((0..n_says).map(|n| {
        json!({"type": "say", "ref": node(100 + n), "label": format!("Say {n}"), "config": {"en-US": say(&format!("text {n}"))}})
    }));
    let condition =
        json!({"condition": {"type": "rule", "condition": "", "rule": {"left": "1", "operand": "eq", "right": "1"}}});
    let said = json!({"type": "say", "ref": node(4), "label": "In", "isEntryPoint": true, "config": {"de-DE": say("zwei $"), "en-US": say("two")}});
    chart.push(json!({"type": "if", "ref": node(1), "label": "If", "config": {"en-US": condition}, "branches": [
        {"type": "then", "ref": node(2), "body": [said]}, {"type": "else", "ref": node(3), "body": []}]}));
    chart.push(
        json!({"type": "code", "ref": node(5), "label": "Code", "config": {"en-US": {"code": "let a = 1;\r\n"}}}),
    );
    chart.push(json!({"type": "end", "ref": node(9)}));
    let text = json!({"format": "cognigy-flow/1", "id": id(reference).as_str(), "referenceId": reference, "name": name,
        "description": "d", "context": {"a": 1}, "attachedFlows": [], "attachedLexicons": [], "externalReferences": [], "chart": chart});
    flowsync::format::cognigy::document::Flow::parse(text.to_string().as_bytes()).unwrap().to_text()
}

#[tokio::test]
async fn a_flow_is_created_in_an_empty_project_under_the_reference_ids_of_git() {
    let place = Place::of(EMPTY).await;
    assert!(place.export().await.flows.is_empty());
    let text = flow(NEW, "New", 3);
    assert_eq!(place.import(NEW, &text).await.unwrap(), Imported::Created);
    assert_eq!(place.status(NEW).await, FlowStatus::Deployed);
    assert_eq!(place.live(NEW).await.unwrap(), text);
    assert_eq!(place.export().await.flows.len(), 1, "the scaffold is gone");
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
    place.delete(NEW).await.unwrap();
    assert!(place.export().await.flows.is_empty());
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_flow_beside_others_touches_none_of_them_and_the_second_takes_fewer_requests() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    let text = flow(NEW, "New", 1);
    assert_eq!(place.import(NEW, &text).await.unwrap(), Imported::Created);
    let n_first = place.n_requests();
    let third = "33333333-3333-4333-8333-333333333333";
    assert_eq!(place.import(third, &flow(third, "Third", 1)).await.unwrap(), Imported::Created);
    let n_second = place.n_requests() - n_first;
    assert!(n_second <= 14, "{n_second}");
    assert_eq!(place.live(NEW).await.unwrap(), text);
    assert_eq!(place.live(MAIN).await.unwrap(), before);
}

/// Without its `if`, a text more, and another order.
pub(super) fn restructured(text: &str) -> String {
    let mut flow: Value = serde_json::from_str(text).unwrap();
    let chart = flow["chart"].as_array_mut().unwrap();
    chart.retain(|node| node["type"] != "if");
    chart.swap(1, 2);
    chart.insert(2, json!({"type": "say", "ref": node(77), "label": "Another", "config": {"en-US": say("new")}}));
    chart.insert(
        3,
        json!({"type": "if", "ref": node(78), "label": "Else", "config": {"en-US": {"condition": {"type": "condition", "condition": "true"}}}, "branches": [
        {"type": "then", "ref": node(79), "body": []}, {"type": "else", "ref": node(80), "body": []}]}),
    );
    flowsync::format::cognigy::document::Flow::parse(flow.to_string().as_bytes()).unwrap().to_text()
}

#[tokio::test]
async fn structure_changes_by_package_and_back_with_intents_attachments_and_training() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    let (flow, internal) = (place.state().flow(MAIN).unwrap(), place.state().flow("Other").unwrap());
    let intents = place.get(&format!("new/v2.0/flows/{flow}/intents")).await;
    let after = restructured(&before);
    let n_before = place.n_requests();
    assert_eq!(place.import(MAIN, &after).await.unwrap(), Imported::Updated);
    let n_write = place.n_requests() - n_before;
    assert!(n_write <= 25, "{n_write}: {:?}", place.state().requests().by_call);
    assert_eq!(place.live(MAIN).await.unwrap(), after);
    assert_eq!(place.state().flow(MAIN).unwrap(), flow, "a flow keeps its id");
    assert_eq!(place.state().flow("Other").unwrap(), internal);
    assert_eq!(place.n_of("trainIntents"), 0, "nobody had trained it");
    let again = place.get(&format!("new/v2.0/flows/{flow}/intents")).await;
    let names = |list: &Value| -> std::collections::BTreeSet<String> {
        list["items"].as_array().unwrap().iter().map(|it| it["name"].to_string()).collect()
    };
    assert_eq!(names(&again), names(&intents));
    assert_eq!(place.import(MAIN, &before).await.unwrap(), Imported::Updated);
    assert_eq!(place.live(MAIN).await.unwrap(), before, "and back, to the byte");
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_flow_that_was_trained_is_trained_again_and_a_training_that_fails_is_said() {
    let place = Place::of(HOTEL).await;
    let flow = place.state().flow(MAIN).unwrap();
    let locales = place.get(&format!("new/v2.0/locales?projectId={PROJECT}")).await;
    let locale = locales["items"][0]["_id"].as_str().unwrap().to_owned();
    train(&place, &flow, &locale).await;
    let before = place.live(MAIN).await.unwrap();
    let after = restructured(&before);
    place.state().clear_requests();
    place.import(MAIN, &after).await.unwrap();
    assert_eq!(place.n_of("trainIntents"), 2, "each locale");
    let head = place.get(&format!("new/v2.0/flows/{flow}")).await;
    assert_eq!(head["isTrainingOutOfDate"], false);
    place.live(MAIN).await;
    place.faults("- { match: { call: trainIntents, nth: 1 }, fault: { task: no room } }");
    let error = place.import(MAIN, &before).await.unwrap_err();
    assert!(error.to_string().contains("train the intents") && error.to_string().contains("no room"), "{error}");
    // What follows makes up for it, although nothing is trained now.
    place.faults("");
    place.live(MAIN).await;
    place.state().clear_requests();
    place.import(MAIN, &after).await.unwrap();
    assert_eq!(place.n_of("trainIntents"), 2);
}

async fn train(place: &Place, flow: &str, locale: &str) {
    let tls = flowsync::tls::nobody().unwrap();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
    let url = format!("{}/new/v2.0/flows/{flow}/intents/train", place.running.base_url());
    let body = json!({"localeId": locale}).to_string();
    let sent =
        client.post(url).header("X-API-Key", "sandbox-key").header("Content-Type", "application/json").body(body);
    assert!(sent.send().await.unwrap().status().is_success());
    loop {
        let tasks = place.get(&format!("new/v2.0/tasks?projectId={PROJECT}")).await;
        if tasks["items"].as_array().unwrap().iter().all(|task| task["status"] == "done") {
            return;
        }
    }
}

#[tokio::test]
async fn a_flow_that_is_deleted_comes_back_with_its_intents() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    place.delete(MAIN).await.unwrap();
    assert_eq!(place.live(MAIN).await, None);
    assert_eq!(place.import(MAIN, &before).await.unwrap(), Imported::Created);
    assert_eq!(place.live(MAIN).await.unwrap(), before);
    let flow = place.state().flow(MAIN).unwrap();
    let intents = place.get(&format!("new/v2.0/flows/{flow}/intents")).await;
    assert_eq!(intents["items"].as_array().unwrap().len(), 2, "{intents}");
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_flow_that_something_unknown_leads_to_is_not_deleted() {
    let seed = format!("{HOTEL}    endpoints: [{{ name: Web, flow: Main }}]\n");
    let place = Place::of(&seed).await;
    place.export().await;
    let error = place.delete(MAIN).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Impossible { .. }), "{error}");
    assert!(error.to_string().contains("endpoint `Web`"), "{error}");
    assert!(place.live(MAIN).await.is_some());
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn whatever_answer_is_lost_the_flow_ends_as_it_is_wanted() {
    let lost =
        ["createFlow", "createPackage", "uploadPackage", "linkPackage", "mergePackage", "updateFlow", "deletePackage"];
    for call in lost {
        for fault in ["drop: after", "drop: before", "answer: { status: 503 }"] {
            let place = Place::of(HOTEL).await;
            let before = place.live(MAIN).await.unwrap();
            let (after, new) = (restructured(&before), flow(NEW, "New", 1));
            place.faults(&format!("- {{ match: {{ call: {call}, nth: 1 }}, fault: {{ {fault} }} }}"));
            let replaced = place.import(MAIN, &after).await;
            place.faults(&format!("- {{ match: {{ call: {call}, nth: 1 }}, fault: {{ {fault} }} }}"));
            let created = place.import(NEW, &new).await;
            place.faults("");
            // What is attached is written by PATCH, whose lost answer is an error: importing is safe to repeat.
            if call == "updateFlow" {
                place.live(MAIN).await;
                place.import(MAIN, &after).await.unwrap();
            } else {
                assert_eq!(replaced.unwrap(), Imported::Updated, "{call} {fault}");
            }
            assert_eq!(created.unwrap(), Imported::Created, "{call} {fault}");
            assert_eq!(place.live(MAIN).await.unwrap(), after, "{call} {fault}");
            assert_eq!(place.live(NEW).await.unwrap(), new, "{call} {fault}");
            place.tidy().await;
            assert_eq!(place.leftovers().await, [""; 0], "{call} {fault}");
        }
    }
}

#[tokio::test]
async fn a_merge_that_leaves_a_half_is_made_once_more_and_then_taken_back() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    let after = restructured(&before);
    place.faults("- { match: { call: mergePackage, nth: 1 }, fault: { task: the disk is full } }");
    place.import(MAIN, &after).await.unwrap();
    assert_eq!(place.live(MAIN).await.unwrap(), after);
    place.faults("- { match: { call: mergePackage, to: 2 }, fault: { task: the disk is full } }");
    let error = place.import(MAIN, &before).await.unwrap_err();
    assert!(error.to_string().contains("the disk is full") && error.maybe_took_effect(), "{error}");
    // The package of what was there before everything is merged back: attachments come with the next import.
    let live: Value = serde_json::from_str(&place.live(MAIN).await.unwrap()).unwrap();
    let wanted: Value = serde_json::from_str(&before).unwrap();
    assert_eq!(live["chart"], wanted["chart"]);
    place.import(MAIN, &before).await.unwrap();
    assert_eq!(place.live(MAIN).await.unwrap(), before);
    // A half of a new flow is nobody else's.
    place.faults("- { match: { call: mergePackage, nth: 1 }, fault: { task: the disk is full } }");
    let new = flow(NEW, "New", 2);
    assert_eq!(place.import(NEW, &new).await.unwrap(), Imported::Created);
    assert_eq!(place.live(NEW).await.unwrap(), new);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_neither_replaced_nor_deleted() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    place.state().edit(MAIN, "Greet", &json!({"label": "Theirs"})).unwrap();
    let error = place.import(MAIN, &restructured(&before)).await.unwrap_err();
    assert!(matches!(error.failure, Failure::ChangedBefore { .. }), "{error}");
    assert_eq!(place.n_of("mergePackage"), 0);
    assert!(place.live(MAIN).await.unwrap().contains("Theirs"));
    let place = Place::of(HOTEL).await;
    place.live(MAIN).await.unwrap();
    place.state().edit(MAIN, "Greet", &json!({"label": "Theirs"})).unwrap();
    let error = place.delete(MAIN).await.unwrap_err();
    assert!(matches!(error.failure, Failure::ChangedBefore { .. }), "{error}");
    assert_eq!(place.n_of("deleteFlow"), 0);
    assert!(place.live(MAIN).await.unwrap().contains("Theirs"));
}

/// A project of flows of 100 nodes.
fn many(n_flows: usize) -> String {
    let says: String = (0..98).map(|n| format!("          - {{ say: text {n}, label: Say {n} }}\n")).collect();
    let flows: String = (0..n_flows).map(|n| format!("      - name: Flow {n}\n        chart:\n{says}")).collect();
    format!("projects:\n  - name: Hotel\n    id: {PROJECT}\n    locales: [en-US, de-DE]\n    flows:\n{flows}")
}

#[tokio::test]
async fn a_project_of_20_flows_of_100_nodes_is_read_in_few_requests() {
    let place = Place::of(&many(20)).await;
    let whole = place.export().await;
    let n_requests = place.n_requests();
    assert_eq!(whole.flows.len(), 20);
    assert!(n_requests <= 40, "{n_requests}: {:?}", place.state().requests().by_call);
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn what_is_read_from_a_package_is_what_its_nodes_say_to_the_byte() {
    let options = CognigyRest { scan: flowsync::config::Scan::Nodes, ..CognigyRest::default() };
    let (packed, by_nodes) = (Place::of(&many(3)).await, Place::with(&many(3), options).await);
    let texts = |export: &Export| -> Vec<String> {
        export.flows.values().map(|flow| String::from_utf8(flow.body().unwrap().to_vec()).unwrap()).collect()
    };
    assert_eq!(texts(&packed.export().await), texts(&by_nodes.export().await), "one seed, one sequence of ids");
    assert!((packed.n_of("readNode"), by_nodes.n_of("readNode")) == (0, 294));
}

#[tokio::test]
async fn a_body_over_the_limit_or_a_locale_that_is_refused_takes_a_package() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    place.state().change(|behaviour| behaviour.body_bytes_max = 600);
    let after = before.replace("Hello", &"Hello ".repeat(200));
    place.import(MAIN, &after).await.unwrap();
    assert_eq!(place.live(MAIN).await.unwrap(), after);
    place.state().change(|behaviour| (behaviour.body_bytes_max, behaviour.locale_in_patches) = (60_000, false));
    place.import(MAIN, &before.replace("Hallo", "Moin")).await.unwrap();
    assert_eq!(place.live(MAIN).await.unwrap(), before.replace("Hallo", "Moin"));
    assert_eq!(place.n_of("mergePackage"), 2);
}

#[tokio::test]
async fn code_with_an_error_is_a_failure_with_the_nodes_name() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    place.import(MAIN, &before.replace("const a = 1;", "const @@ = 1;")).await.unwrap();
    let FlowStatus::Failed { message, .. } = place.status(MAIN).await else { panic!("it is wrong") };
    assert!(message.contains("`Count`"), "{message}");
    place.live(MAIN).await;
    place.import(MAIN, &before).await.unwrap();
    assert_eq!(place.status(MAIN).await, FlowStatus::Deployed);
    let new = flow(NEW, "New", 1).replace("let a", "let @@");
    place.import(NEW, &new).await.unwrap();
    assert!(matches!(place.status(NEW).await, FlowStatus::Failed { .. }));
}

#[tokio::test]
async fn charts_under_the_older_root_are_found_once() {
    let place = Place::of(HOTEL).await;
    place.state().change(|behaviour| behaviour.old_charts = true);
    let before = place.live(MAIN).await.unwrap();
    let log = place.state().requests();
    let unknown = log.requests.iter().filter(|request| request.status == Some(404)).count();
    assert_eq!(unknown, 1, "asked once");
    place.import(MAIN, &before.replace("Hello", "Bye")).await.unwrap();
    assert_eq!(place.live(MAIN).await.unwrap(), before.replace("Hello", "Bye"));
}

#[tokio::test]
async fn a_reference_that_differs_by_project_is_translated_both_ways() {
    let (git, live) = ("aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000001");
    let options = CognigyRest { references: [(git.to_owned(), live.to_owned())].into(), ..CognigyRest::default() };
    let place = Place::with(EMPTY, options).await;
    let request = |reference: &str| {
        format!(r#"{{"type":"httpRequest","ref":"{}","config":{{"en-US":{{"connection":"{reference}"}}}}}},"#, node(6))
    };
    let plain = flow(NEW, "New", 1);
    let at = plain.find(r#"{"type":"code""#).unwrap();
    let text = format!("{}{}{}", &plain[..at], request(git), &plain[at..]);
    place.import(NEW, &text).await.unwrap();
    let flow = place.state().flow(NEW).unwrap();
    let held = place.state().node(NEW, &node(6)).unwrap();
    let found = place.get(&format!("new/v2.0/flows/{flow}/chart/nodes/{held}")).await;
    assert_eq!(found["config"]["connection"], live);
    assert_eq!(place.live(NEW).await.unwrap(), text);
}

#[tokio::test]
async fn where_packages_are_refused_fields_are_written_and_structure_is_not() {
    let options = CognigyRest { write: WriteRoute::Nodes, ..CognigyRest::default() };
    let place = Place::with(HOTEL, options).await;
    let before = place.live(MAIN).await.unwrap();
    place.import(MAIN, &before.replace("Hello", "Bye")).await.unwrap();
    for error in [
        place.import(MAIN, &restructured(&before)).await.unwrap_err(),
        place.import(NEW, &flow(NEW, "New", 1)).await.unwrap_err(),
        place.delete(MAIN).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("it takes a package") && error.to_string().contains("`write: nodes`"),
            "{error}"
        );
    }
    assert_eq!(place.n_of("createPackage"), 0);
}
