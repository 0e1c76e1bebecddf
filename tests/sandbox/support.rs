//! One running sandbox and a client that holds its API key.

use std::time::Duration;

use flowsync::flow::ReferenceKind;
use flowsync::tenant::sandbox::{FaultPlan, Running, Sandbox, Settings};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// A client with the sandbox it talks to.
pub(crate) struct Tenant {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The ids of a page's items.
    pub(crate) fn ids(&self) -> Vec<String> {
        let json = self.json();
        let items = json["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The paths of the violations.
    pub(crate) fn violations(&self) -> Vec<String> {
        let json = self.json();
        let violations = json["violations"].as_array().cloned().unwrap_or_default();
        violations.iter().map(|violation| violation["path"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Tenant {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let running = Sandbox::start(settings, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let tls = flowsync::tls::nobody().unwrap();
        let client = Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let client = client.timeout(Duration::from_secs(20)).build().unwrap();
        Self { running, client }
    }

    /// One with an intent, an entity and a variable.
    pub(crate) async fn furnished() -> Self {
        let tenant = Self::start().await;
        let state = tenant.running.state();
        state.add("env_prod", ReferenceKind::Intent, "hello");
        state.add("env_prod", ReferenceKind::Entity, "city");
        state.add("env_prod", ReferenceKind::Variable, "tariff");
        tenant
    }

    pub(crate) fn faults(&self, plan: &str) {
        self.running.state().set_faults(FaultPlan::parse(plan).unwrap());
    }

    /// A request below the base URL, without credentials.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.running.base_url()))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("X-API-Key", "sandbox-key")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(with_json(self.request(Method::POST, path), &body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn import(&self, flow: &Value) -> Answer {
        self.post("/flows/import", &json!({ "flow": flow, "environmentId": "env_prod" })).await
    }

    pub(crate) fn import_request(&self, flow: &Value) -> RequestBuilder {
        let body = json!({ "flow": flow, "environmentId": "env_prod" });
        with_json(self.request(Method::POST, "/flows/import"), &body.to_string())
    }

    pub(crate) async fn status(&self, id: &str) -> Answer {
        self.get(&format!("/flows/{id}/status?environmentId=env_prod")).await
    }

    pub(crate) async fn rollback(&self, id: &str, version: &str) -> Answer {
        let body = json!({ "targetVersion": version, "environmentId": "env_prod" });
        self.post(&format!("/flows/{id}/rollback"), &body).await
    }

    /// A request to the control interface.
    pub(crate) async fn control(&self, method: Method, path: &str, body: &str) -> Answer {
        let url = format!("http://{}/sandbox{path}", self.running.address());
        answer(self.client.request(method, url).body(body.to_owned())).await
    }

    pub(crate) async fn token_answer(&self, form: &[(&str, &str)]) -> Answer {
        answer(self.client.post(self.running.token_url()).form(form)).await
    }

    /// The name under which a flow is live.
    pub(crate) fn live_name(&self, id: &str) -> Option<String> {
        let item = self.running.state().flows("env_prod").remove(id)?;
        let flow: Value = serde_json::from_slice(&item).unwrap();
        Some(flow["name"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn with_json(request: RequestBuilder, body: &str) -> RequestBuilder {
    request.header("Content-Type", "application/json; charset=utf-8").body(body.to_owned())
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    try_answer(request).await.unwrap()
}

/// The error is a connection that was lost, before the answer or within it.
pub(crate) async fn try_answer(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8_lossy(&response.bytes().await?).into_owned();
    Ok(Answer { status, headers, text })
}

/// A flow that needs nothing.
pub(crate) fn flow(id: &str, version: &str) -> Value {
    flow_needing(id, version, &[])
}

/// A flow that refers to others (`flow_b`) or to other things (`intent:hello`) of `env_prod`.
pub(crate) fn flow_needing(id: &str, version: &str, needs: &[&str]) -> Value {
    let references = needs.iter().map(|need| {
        let (kind, id) = need.split_once(':').unwrap_or(("flow", need));
        json!({ "type": kind, "id": id, "environmentId": "env_prod" })
    });
    json!({
        "id": id,
        "name": format!("Flow {version}"),
        "version": version,
        "nodes": [{ "id": "start", "type": "start", "configuration": {} }, { "id": "end", "type": "end" }],
        "edges": [{ "from": "start", "to": "end", "condition": null }],
        "externalReferences": references.collect::<Vec<_>>(),
    })
}
