//! `api: cognigy-rest` against a small project on a real socket: what is read, how often, and what is written.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowsync::config::{Api, Auth, CognigyRest, Scan, TenantAddress, WriteRoute};
use flowsync::flow::{EnvironmentId, FlowId};
use flowsync::tenant::cognigy_rest::Client;
use flowsync::tenant::flows_v2::Connections;
use flowsync::tenant::{Export, Failure, Imported, Tenant, TenantError, Unrecorded};
use serde_json::{Value, json};

use super::server::{Act, Plain, Seen, Server, ample, hurry, reply};

const PROJECT: &str = "64c0ffee0000000000000001";
const BOOKING: &str = "22222222-0000-4000-8000-000000000002";

/// A project: locales, and flows with their charts.
#[derive(Default)]
struct World {
    locales: Vec<&'static str>,
    flows: Vec<Held>,
    /// What happens to the answer of the next write.
    lost: Option<Act>,
    /// What a proxy answers instead of passing the next write on.
    kept_back: Option<Act>,
    /// Somebody else at work: called with every request before it is answered.
    meanwhile: Option<Box<Meanwhile>>,
}

type Meanwhile = dyn Fn(&mut Held, &Seen) + Send;

struct Held {
    id: String,
    head: Value,
    /// Heads by id, in no order.
    nodes: BTreeMap<String, Value>,
    relations: Vec<Value>,
    /// By node id and locale.
    configs: BTreeMap<(String, String), Value>,
}

fn node_ref(n: usize) -> String {
    format!("a0000000-0000-4000-8000-{n:012}")
}

fn node_id(n: usize) -> String {
    format!("{n:024}")
}

impl Held {
    /// Start, so many texts, end.
    fn with_says(n_says: usize) -> Self {
        let mut flow = Self {
            id: "f00000000000000000000001".to_owned(),
            head: json!({"_id": "f00000000000000000000001", "referenceId": BOOKING, "name": "Booking", "description": "d",
                "context": {"a": 1.0}, "attachedFlows": [], "attachedLexicons": [], "lastChanged": 1_760_000_000}),
            nodes: BTreeMap::new(),
            relations: Vec::new(),
            configs: BTreeMap::new(),
        };
        for n in 0..n_says + 2 {
            let kind = if n == 0 {
                "start"
            } else if n == n_says + 1 {
                "end"
            } else {
                "say"
            };
            flow.nodes.insert(node_id(n), json!({"_id": node_id(n), "referenceId": node_ref(n), "type": kind,
                "extension": "@cognigy/basic-nodes", "label": format!("Node {n}"), "comment": "", "analyticsLabel": null,
                "isEntryPoint": false, "isDisabled": false, "preview": "x"}));
            let next = (n <= n_says).then(|| node_id(n + 1));
            flow.relations.push(json!({"_id": format!("r{n}"), "node": node_id(n), "children": [], "next": next}));
            if kind == "say" {
                flow.configs.insert((node_id(n), "en".to_owned()), say(&format!("text {n}")));
            }
        }
        flow
    }

    /// The same as another flow.
    fn under(mut self, n: u8) -> Self {
        let reference = format!("{n}{}", &BOOKING[1..]);
        self.id = format!("f0000000000000000000000{n}");
        (self.head["_id"], self.head["referenceId"]) = (json!(self.id), json!(reference));
        self
    }

    fn touch(&mut self) {
        self.head["lastChanged"] = json!(self.head["lastChanged"].as_i64().unwrap() + 10);
    }

    /// A node as a locale shows it.
    fn shown(&self, id: &str, locale: &str) -> Value {
        let mut node = self.nodes[id].clone();
        let own = self.configs.contains_key(&(id.to_owned(), locale.to_owned()));
        node["localeReference"] = json!(format!("ref-{}", if own { locale } else { "en" }));
        node
    }
}

fn say(text: &str) -> Value {
    json!({"say": {"type": "text", "text": [text], "data": "", "linear": false, "loop": false}})
}

fn answer(world: &mut World, seen: &Seen) -> Act {
    assert_eq!(seen.headers["accept"], "application/json");
    assert!(seen.method != "GET" || seen.body.is_empty(), "a GET with a body is a 403");
    let path = seen.path.strip_prefix("/new/v2.0/").unwrap();
    let parts: Vec<&str> = path.split('/').collect();
    if let (Some(meanwhile), Some(flow)) = (&world.meanwhile, world.flows.first_mut()) {
        meanwhile(flow, seen);
    }
    let list =
        |items: Vec<Value>| reply(200, json!({"total": items.len(), "items": items, "nextCursor": null}).to_string());
    let locale = seen.query.get("preferredLocaleId").map_or("en", |id| id.strip_prefix("id-").unwrap());
    match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["projects", PROJECT]) => reply(200, r#"{"name":"Shop"}"#),
        ("GET", ["locales"]) => list(world.locales.iter().enumerate().map(|(n, name)| {
            json!({"_id": format!("id-{name}"), "referenceId": format!("ref-{name}"), "name": name, "primary": n == 0})
        }).collect()),
        ("GET", ["flows"]) => list(world.flows.iter().map(|flow| flow.head.clone()).collect()),
        ("GET", ["flows", id, rest @ ..]) => {
            let Some(flow) = world.flows.iter().find(|flow| flow.id == *id) else { return reply(404, "{}") };
            match rest {
                [] => reply(200, flow.head.to_string()),
                ["chart"] => {
                    let nodes: Vec<Value> = flow.nodes.keys().map(|id| flow.shown(id, locale)).collect();
                    reply(200, json!({"_id": "c", "nodes": nodes, "relations": flow.relations}).to_string())
                }
                ["chart", "nodes", node] => {
                    let mut shown = flow.shown(node, locale);
                    let shows = |locale: &str| flow.configs.get(&((*node).to_owned(), locale.to_owned()));
                    shown["config"] = shows(locale).or_else(|| shows("en")).cloned().unwrap();
                    reply(200, shown.to_string())
                }
                _ => reply(404, "{}"),
            }
        }
        ("PATCH", _) if world.kept_back.is_some() => world.kept_back.take().unwrap(),
        ("PATCH", ["flows", id, rest @ ..]) => {
            let flow = world.flows.iter_mut().find(|flow| flow.id == *id).unwrap();
            let patch: Value = serde_json::from_slice(&seen.body).unwrap();
            match rest {
                [] => {
                    for (key, value) in patch.as_object().unwrap() {
                        flow.head[key] = value.clone();
                    }
                }
                ["chart", "nodes", node] => {
                    let locale = patch["localeId"].as_str().map_or("en", |id| id.strip_prefix("id-").unwrap()).to_owned();
                    for (key, value) in patch.as_object().unwrap() {
                        match key.as_str() {
                            "localeId" => {}
                            "config" => _ = flow.configs.insert(((*node).to_owned(), locale.clone()), value.clone()),
                            key => flow.nodes.get_mut(*node).unwrap()[key] = value.clone(),
                        }
                    }
                }
                _ => return reply(404, "{}"),
            }
            flow.touch();
            world.lost.take().unwrap_or_else(|| reply(204, ""))
        }
        _ => reply(404, "{}"),
    }
}

struct Place {
    world: Arc<Mutex<World>>,
    server: Server,
    client: Client,
    environment: EnvironmentId,
}

impl Place {
    async fn with(locales: &[&'static str], flows: Vec<Held>) -> Self {
        let world = World { locales: locales.to_vec(), flows, ..World::default() };
        let world = Arc::new(Mutex::new(world));
        let shared = Arc::clone(&world);
        let server = Server::start(move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        let client = client(&server);
        Self { world, server, client, environment: EnvironmentId(PROJECT.to_owned()) }
    }

    async fn of_says(n_says: usize) -> Self {
        Self::with(&["en"], vec![Held::with_says(n_says)]).await
    }

    async fn export(&self) -> Result<Export, TenantError> {
        self.client.export(&self.environment, &Plain, &ample()).await
    }

    /// The one flow, as it is live.
    async fn text(&self) -> String {
        let export = self.export().await.unwrap();
        let flow = export.flows.values().next().unwrap();
        String::from_utf8(flow.body().unwrap().to_vec()).unwrap()
    }

    async fn import(&self, text: &str) -> Result<Imported, TenantError> {
        let reply = self.client.import(&self.environment, &booking(), text.as_bytes(), &Unrecorded, &ample()).await?;
        Ok(reply.value)
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.world.lock().unwrap().flows[0]);
    }

    fn requests(&self) -> Vec<String> {
        self.server.all().iter().map(|seen| format!("{} {}", seen.method, seen.path.replace("/new/v2.0", ""))).collect()
    }

    fn writes(&self) -> Vec<(String, Value)> {
        let writes = self.server.all().into_iter().filter(|seen| seen.method != "GET");
        writes.map(|seen| (seen.path, serde_json::from_slice(&seen.body).unwrap())).collect()
    }
}

fn booking() -> FlowId {
    format!("flow_{}", BOOKING.replace('-', "")).parse().unwrap()
}

fn client(server: &Server) -> Client {
    // This server knows no packages.
    let options = CognigyRest { scan: Scan::Nodes, write: WriteRoute::Nodes, ..CognigyRest::default() };
    client_with(server, options)
}

fn client_with(server: &Server, options: CognigyRest) -> Client {
    let address = TenantAddress {
        api: Api::CognigyRest(CognigyRest::default()),
        url: format!("http://{}", server.address).parse().unwrap(),
        environment_id: EnvironmentId(PROJECT.to_owned()),
        auth: Auth::ApiKey(server.secret("key")),
        ca_file: None,
        allow_insecure: false,
    };
    let concurrency = NonZeroUsize::new(4).unwrap();
    let connections = Connections::default();
    connections.connect_project_tuned(&address, &options, concurrency, None, hurry()).unwrap()
}

#[tokio::test]
async fn a_flow_is_read_into_its_document_and_not_again_until_its_stamp_moves() {
    let place = Place::of_says(2).await;
    let text = place.text().await;
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["id"], booking().as_str());
    assert_eq!((&document["description"], &document["context"]), (&json!("d"), &json!({"a": 1})));
    assert_eq!(document["chart"][0], json!({"type": "start", "ref": node_ref(0)}));
    assert_eq!(document["chart"][2]["config"]["en"], say("text 2"));
    assert_eq!(document["externalReferences"][0]["environmentId"], "${environment}", "as git's document has it");
    let n_first = place.requests().len();
    assert_eq!(n_first, 2 + 2 + 2, "{:?}", place.requests());
    assert_eq!(place.text().await, text);
    assert_eq!(place.requests().len() - n_first, 2, "a quiet look asks for locales and flows");
    place.change(Held::touch);
    place.text().await;
    assert_eq!(place.requests().len() - n_first, 2 + 2 + 4);
}

#[tokio::test]
async fn a_project_that_is_down_is_named_by_the_address_that_was_tried() {
    let place = Place::of_says(2).await;
    let Place { server, client, environment, .. } = place;
    let detail = format!("cannot connect to `http://{}`: connection refused", server.address);
    let _secrets = server.close().await;
    let error = client.export(&environment, &Plain, &ample()).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unavailable { detail, maybe_took_effect: false });
}

#[tokio::test]
async fn what_is_read_anew_for_nothing_takes_a_tenth_of_the_requests_and_what_changed_all_it_needs() {
    let flows: Vec<Held> = (1..=3).map(|n| Held::with_says(2).under(n)).collect();
    let mut place = Place::with(&["en"], flows).await;
    let options = CognigyRest {
        scan: Scan::Nodes,
        requests_per_5_minutes: 60,
        full_scan: Duration::ZERO,
        ..CognigyRest::default()
    };
    place.client = client_with(&place.server, options);
    let reads = |place: &Place| place.requests().iter().filter(|it| it.contains("/chart/nodes/")).count();
    assert_eq!(place.export().await.unwrap().flows.len(), 3);
    assert_eq!(reads(&place), 6, "nothing is known at first");
    assert_eq!(place.export().await.unwrap().flows.len(), 3);
    assert_eq!(reads(&place), 6 + 2, "all are due, and one has its turn");
    place.change(Held::touch);
    place.export().await.unwrap();
    assert_eq!(reads(&place), 6 + 2 + 2, "what changed is read");
}

#[tokio::test]
async fn a_stamp_that_was_young_when_it_was_read_proves_nothing() {
    let place = Place::of_says(1).await;
    place.change(|flow| flow.head["lastChanged"] = json!(4_000_000_000_i64));
    place.text().await;
    place.change(|flow| _ = flow.configs.insert((node_id(1), "en".to_owned()), say("another")));
    assert!(place.text().await.contains("another"));
}

#[tokio::test]
async fn what_appears_while_a_stamp_stands_still_is_a_default_and_what_comes_with_an_edit_is_not() {
    let mut place = Place::with(&["en"], vec![Held::with_says(2)]).await;
    let options = CognigyRest { scan: Scan::Nodes, full_scan: Duration::ZERO, ..CognigyRest::default() };
    place.client = client_with(&place.server, options);
    place.text().await;
    place.change(|flow| flow.configs.values_mut().for_each(|config| config["mediaPath"] = json!("")));
    assert!(place.client.defaults().is_empty());
    assert!(place.text().await.contains("mediaPath"), "what is live is told as it is");
    assert_eq!(place.client.defaults().lines(), ["say mediaPath \"\""]);
    place.change(|flow| {
        flow.configs.values_mut().for_each(|config| config["delay"] = json!(1));
        flow.touch();
    });
    place.text().await;
    assert_eq!(place.client.defaults().lines().len(), 1, "somebody has edited the flow");
}

#[tokio::test]
async fn a_changed_text_in_a_flow_of_100_nodes_is_one_write_and_few_requests() {
    let place = Place::of_says(98).await;
    let before = place.text().await;
    let n_before = place.requests().len();
    let imported = place.import(&before.replace("text 7\"", "bye\"")).await.unwrap();
    assert_eq!(imported, Imported::Updated);
    let path = format!("/new/v2.0/flows/f00000000000000000000001/chart/nodes/{}", node_id(7));
    assert_eq!(place.writes(), [(path, json!({"config": say("bye")}))]);
    let n_write = place.requests().len() - n_before;
    assert!(n_write <= 5, "{n_write}");
    assert_eq!(place.text().await, before.replace("text 7\"", "bye\""));
    let n_all = place.requests().len() - n_before + 2;
    assert!(n_all <= 110, "{n_all} with the look that a plan is made from, and the verification");
}

#[tokio::test]
async fn everything_a_patch_takes_is_written_and_nothing_else() {
    let place = Place::of_says(2).await;
    let before = place.text().await;
    let after = before
        .replace(
            "\"label\":\"Node 1\"",
            "\"label\":\"One\",\"comment\":\"c\",\"isEntryPoint\":true,\"isDisabled\":true",
        )
        .replace("\"name\":\"Booking\"", "\"name\":\"Order\"");
    assert_eq!(place.import(&after).await.unwrap(), Imported::Updated);
    let bodies: Vec<Value> = place.writes().into_iter().map(|(_, body)| body).collect();
    let (entry, rest) = (json!({"isEntryPoint": true}), json!({"label": "One", "comment": "c", "isDisabled": true}));
    assert_eq!(bodies, [json!({"name": "Order"}), entry, rest]);
    assert_eq!(place.text().await, after);
    assert_eq!(place.import(&after).await.unwrap(), Imported::Updated);
    assert_eq!(place.writes().len(), 3, "what is live already is not written");
    assert_eq!(place.import(&before).await.unwrap(), Imported::Updated);
    assert_eq!(place.text().await, before, "and back, to the byte");
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let place = Place::of_says(2).await;
    let before = place.text().await;
    place.change(|flow| {
        flow.configs.insert((node_id(1), "en".to_owned()), say("theirs"));
        flow.touch();
    });
    let after = before.replace("text 1\"", "ours\"");
    let error = place.import(&after).await.unwrap_err();
    assert!(matches!(error.failure, Failure::ChangedBefore { .. }), "{error}");
    // Between the look and the write of that very node.
    place.text().await;
    place.world.lock().unwrap().meanwhile = Some(Box::new(|flow, seen| {
        if seen.path.ends_with(&node_id(2)) {
            flow.configs.insert((node_id(2), "en".to_owned()), say("theirs too"));
        }
    }));
    let after = place.world.lock().unwrap().flows[0].configs[&(node_id(1), "en".to_owned())].to_string();
    assert!(after.contains("theirs"));
    let error = place.import(&before.replace("text 1\"", "theirs\"").replace("text 2\"", "ours\"")).await.unwrap_err();
    assert!(error.to_string().contains("was changed meanwhile by somebody else"), "{error}");
    assert_eq!(place.writes(), []);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_up_and_not_made_again() {
    let place = Place::of_says(1).await;
    let before = place.text().await;
    for act in [Act::Drop, reply(503, "{}"), reply(500, "<html>"), reply(200, "<html>"), reply(200, "{}")] {
        place.world.lock().unwrap().lost = Some(act);
        let n_before = place.writes().len();
        let after = before.replace("text 1\"", &format!("text {n_before}0\""));
        assert_eq!(place.import(&after).await.unwrap(), Imported::Updated);
        assert_eq!(place.writes().len(), n_before + 1);
        assert_eq!(place.text().await, after);
    }
}

#[tokio::test]
async fn a_page_that_says_yes_instead_of_the_tenant_is_not_believed() {
    let place = Place::of_says(1).await;
    let before = place.text().await;
    let new_text = before.replace("text 1\"", "text 2\"");
    let new_name = before.replace("\"Booking\"", "\"Reservation\"");
    assert_ne!(new_name, before);
    for (after, page) in [(&new_text, "<html>sign in</html>"), (&new_name, "\n  <!doctype html>")] {
        place.world.lock().unwrap().kept_back = Some(reply(200, page));
        let error = place.import(after).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Garbage { .. }), "{error}");
        assert!(error.maybe_took_effect());
        assert_eq!(place.text().await, before);
        assert_eq!(place.import(after).await.unwrap(), Imported::Updated);
        place.import(&before).await.unwrap();
    }
}

#[tokio::test]
async fn structure_is_refused_before_anything_is_written_where_packages_are() {
    let place = Place::of_says(2).await;
    let before = place.text().await;
    let node = |n: usize| before.find(&format!(r#"{{"type":"say","ref":"{}""#, node_ref(n))).unwrap();
    let without = format!("{}{}", &before[..node(1)], &before[node(2)..]);
    assert_ne!(without, before);
    let error = place.import(&without).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Impossible { .. }), "{error}");
    assert!(error.to_string().contains("takes a package"), "{error}");
    let unknown = before
        .replace(BOOKING, &BOOKING.replace('2', "3"))
        .replace(booking().as_str(), "flow_33333333000040008000000000000003");
    assert!(place.import(&unknown).await.unwrap_err().to_string().contains("to create"));
    assert_eq!(place.writes(), []);
}

#[tokio::test]
async fn a_chart_that_is_no_tree_is_live_and_says_why() {
    let place = Place::of_says(1).await;
    place.change(|flow| flow.relations[0]["next"] = json!(node_id(2)));
    let document: Value = serde_json::from_str(&place.text().await).unwrap();
    assert_eq!(document["id"], booking().as_str());
    assert!(document["unreadable"].as_str().unwrap().contains("hangs"), "{document}");
}

#[tokio::test]
async fn a_configuration_counts_where_a_locale_has_one_of_its_own() {
    let mut flow = Held::with_says(2);
    flow.configs.insert((node_id(2), "de".to_owned()), say("zwei"));
    let place = Place::with(&["en", "de"], vec![flow]).await;
    let before = place.text().await;
    let document: Value = serde_json::from_str(&before).unwrap();
    assert_eq!(document["chart"][1]["config"], json!({"en": say("text 1")}));
    assert_eq!(document["chart"][2]["config"], json!({"de": say("zwei"), "en": say("text 2")}));
    let after = before.replace("zwei", "drei");
    place.import(&after).await.unwrap();
    assert_eq!(place.writes()[0].1, json!({"config": say("drei"), "localeId": "id-de"}));
    assert_eq!(place.text().await, after);
}

#[tokio::test]
async fn a_list_is_read_by_its_cursor_and_is_whole_or_none() {
    let page = |seen: &Seen, n_all: usize, total: usize| {
        let from: usize = seen.query.get("next").map_or(0, |next| next.parse().unwrap());
        let to = (from + 100).min(n_all);
        let flow = |n: usize| json!({"_id": format!("{n:024}"), "referenceId": format!("{n:08}-0000-4000-8000-000000000000"), "name": "A"});
        let cursor = (to < n_all).then(|| to.to_string());
        let items: Vec<Value> = (from..to).map(flow).collect();
        reply(200, json!({"items": items, "total": total, "nextCursor": cursor}).to_string())
    };
    let server = Server::start(move |seen| match seen.path.rsplit('/').next().unwrap() {
        "locales" => reply(200, r#"{"_embedded":{"locales":[]},"total":0}"#),
        "flows" => page(seen, 250, 250),
        _ => reply(403, r#"{"detail":"no"}"#),
    })
    .await;
    let environment = EnvironmentId(PROJECT.to_owned());
    let error = client(&server).export(&environment, &Plain, &ample()).await.unwrap_err();
    assert!(error.to_string().contains("the user of this key may not read a flow"), "{error}");
    assert_eq!(server.all().iter().filter(|seen| seen.path.ends_with("/flows")).count(), 3);
    let server = Server::start(move |seen| match seen.path.rsplit('/').next().unwrap() {
        "locales" => reply(200, r#"{"items":[],"total":0}"#),
        _ => page(seen, 250, 251),
    })
    .await;
    let error = client(&server).export(&environment, &Plain, &ample()).await.unwrap_err();
    assert!(matches!(&error.failure, Failure::Incomplete { detail } if detail.contains("expected 251")), "{error}");
}
