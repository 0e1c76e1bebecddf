//! The sandbox tenant of one test, on a runtime that all tests share.

use std::sync::LazyLock;

use flowsync::flow::ReferenceKind;
use flowsync::tenant::sandbox::{Behaviour, FaultPlan, Handle, LoggedRequest, Running, Sandbox, Settings};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::flow;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// A running tenant with `env_prod` and `env_staging`.
pub struct Tenant {
    running: Running,
    pub state: Handle,
}

impl Tenant {
    pub fn start() -> Self {
        Self::started_with(Settings::default())
    }

    pub fn started_with(settings: Settings) -> Self {
        let running = RUNTIME.block_on(Sandbox::start(settings, "127.0.0.1:0".parse().unwrap())).unwrap();
        let state = running.state();
        Self { running, state }
    }

    pub fn url(&self) -> String {
        self.running.base_url()
    }

    pub fn token_url(&self) -> String {
        self.running.token_url()
    }

    /// Puts a fault plan in force.
    #[track_caller]
    pub fn fails(&self, plan: &str) {
        self.state.set_faults(FaultPlan::parse(plan).unwrap());
    }

    /// Ends all faults.
    pub fn heals(&self) {
        self.state.set_faults(FaultPlan::default());
    }

    pub fn behaves(&self, change: impl FnOnce(&mut Behaviour)) {
        self.state.change(change);
    }

    /// Puts flows there behind everyone's back.
    pub fn put(&self, lines: &[&str]) {
        lines.iter().for_each(|line| self.state.put_flow("env_prod", &flow(line).to_string()).unwrap());
    }

    /// The same in another environment.
    pub fn put_in(&self, environment: &str, lines: &[&str]) {
        lines.iter().for_each(|line| self.state.put_flow(environment, &flow(line).to_string()).unwrap());
    }

    /// Takes a flow away behind everyone's back.
    pub fn lose(&self, id: &str) {
        assert!(self.state.remove_flow("env_prod", &format!("flow_{id}")));
    }

    /// Puts a flow there behind everyone's back, byte for byte.
    pub fn put_text(&self, text: &str) {
        self.state.put_flow("env_prod", text).unwrap();
    }

    /// The bytes of one live flow of production, without the `environmentId` that the tenant puts in front.
    pub fn text(&self, id: &str) -> String {
        let text = self.state.flows("env_prod")[&format!("flow_{id}")].clone();
        String::from_utf8(text.to_vec()).unwrap().replacen(r#""environmentId":"env_prod","#, "", 1)
    }

    pub fn add(&self, kind: ReferenceKind, id: &str) {
        self.state.add("env_prod", kind, id);
    }

    /// What is live in production: `a 1.0.0, b 1.1.0`.
    pub fn live(&self) -> String {
        self.live_in("env_prod")
    }

    /// What is live in an environment.
    pub fn live_in(&self, environment: &str) -> String {
        let show = |(id, text): (&String, &_)| {
            let value: Value = serde_json::from_slice::<Value>(text).unwrap();
            format!("{} {}", id.trim_start_matches("flow_"), value["version"].as_str().unwrap_or("-"))
        };
        let flows = self.state.flows(environment);
        flows.iter().map(|(id, text)| show((id, text))).collect::<Vec<_>>().join(", ")
    }

    /// One live flow of production.
    pub fn flow(&self, id: &str) -> Value {
        serde_json::from_slice(&self.state.flows("env_prod")[&format!("flow_{id}")]).unwrap()
    }

    /// Requests so far that change something, oldest first.
    pub fn write_requests(&self) -> Vec<LoggedRequest> {
        let changes = |request: &LoggedRequest| matches!(request.call, Some("import" | "rollback" | "delete"));
        self.state.requests().requests.into_iter().filter(changes).collect()
    }

    /// The same in a line: `import a, delete b`; then they are forgotten.
    pub fn writes(&self) -> String {
        let show = |request: &LoggedRequest| {
            let flow = request.flow.as_deref().unwrap_or("?").trim_start_matches("flow_");
            format!("{} {flow}", request.call.unwrap_or("?"))
        };
        let text = self.write_requests().iter().map(show).collect::<Vec<_>>().join(", ");
        self.state.clear_requests();
        text
    }
}
