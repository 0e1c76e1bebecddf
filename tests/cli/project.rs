//! A project of the vendor's own API, beside a repository: the stand-in, and one environment `production` of it.

use std::sync::LazyLock;

use flowsync::tenant::sandbox::cognigy_rest::rules::Behaviour;
use flowsync::tenant::sandbox::cognigy_rest::{FaultPlan, Handle, Running};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::hotel;
use crate::support::{Ended, Place};

/// Where stand-ins of all tests run.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Two flows in two locales.
pub const SEED: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    flows:
      - name: Main
        referenceId: 11111111-1111-4111-8111-111111111111
        attachedFlows: [Booking]
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - type: if
            label: Book?
            config: { condition: { type: rule, condition: "", rule: { left: input.intent, operand: eq, right: book } } }
            branches:
              - { type: then, chart: [{ goTo: Booking, label: Book }] }
          - { code: "const a = 1;\r\n", label: Count }
      - name: Booking
        referenceId: 22222222-2222-4222-8222-222222222222
        chart:
          - { say: When would you like to come?, label: Ask }
"#;

/// Where [`SEED`]'s two flows stand, once pulled.
pub const MAIN: &str = "flows/main/flow.json";
pub const BOOKING: &str = "flows/booking/flow.json";

/// The flows' ids, as `summary` shortens them.
pub const MAIN_ID: &str = "11111111111141118111111111111111";
pub const BOOKING_ID: &str = "22222222222242228222222222222222";

/// The stand-in of one test with everything one user has.
pub struct Project {
    pub place: Place,
    pub state: Handle,
    running: Running,
}

impl Project {
    /// A project with [`SEED`], and nothing in git.
    pub fn new() -> Self {
        Self::with("", SEED, |_| {})
    }

    /// [`SEED`], pulled, committed and adopted.
    pub fn adopted(sync: &str) -> Self {
        let project = Self::with(sync, SEED, |_| {});
        project.adopt();
        project
    }

    /// A project with lines of its environment's `sync:`, a seed, and a behaviour.
    pub fn with(sync: &str, seed: &str, change: impl FnOnce(&mut Behaviour)) -> Self {
        Self::of("requestsPer5Minutes: 100000", sync, seed, change)
    }

    /// The same with lines of its environment's `tenant:` too.
    pub fn of(tenant: &str, sync: &str, seed: &str, change: impl FnOnce(&mut Behaviour)) -> Self {
        let running = RUNTIME.block_on(hotel::start(seed, change));
        let mut place = Place::new(&[]);
        place.set("COGNIGY_API_KEY", "sandbox-key");
        let lines = |text: &str| -> String { text.lines().map(|line| format!("      {}\n", line.trim())).collect() };
        let environment = format!(
            "  production:\n    tenant:\n      api: cognigy-rest\n      url: {}\n      projectId: 64c0ffee0000000000000001\n      auth: {{ apiKey: {{ env: COGNIGY_API_KEY }} }}\n{}    sync:\n      verifyTimeout: 2s\n{}",
            running.base_url(),
            lines(tenant),
            lines(sync)
        );
        place.configure(&place.repository_yaml(""), &environment);
        place.update_work();
        Self { place, state: running.state(), running }
    }

    pub fn url(&self) -> String {
        self.running.base_url()
    }

    /// Brings into git what is live, and has it written down.
    #[track_caller]
    pub fn adopt(&self) {
        self.place.run_in_work(&["pull"]).exits(0);
        self.place.push("pulled");
        assert_eq!(self.place.sync(), "0 in-sync");
        self.place.update_work();
        self.state.clear_requests();
    }

    /// Edits a file of the work tree.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.place.work().join(file)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.place.write(file, &text.replacen(from, to, 1));
    }

    /// The same, committed and pushed.
    #[track_caller]
    pub fn commit(&self, file: &str, from: &str, to: &str) {
        self.place.update_work();
        self.edit(file, from, to);
        self.place.push("edited");
    }

    /// Somebody says something else in the editor.
    #[track_caller]
    pub fn somebody_says(&self, flow: &str, node: &str, text: &str) {
        let config = json!({ "config": { "say": { "type": "text", "text": [text], "data": "", "linear": false, "loop": false } } });
        self.state.edit(flow, node, &config).unwrap();
    }

    /// Puts a fault plan in force.
    #[track_caller]
    pub fn fails(&self, plan: &str) {
        self.state.set_faults(FaultPlan::parse(plan).unwrap());
    }

    pub fn heals(&self) {
        self.state.set_faults(FaultPlan::default());
    }

    /// A request that must go well, as another user makes it; what it answers, if anything.
    #[track_caller]
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let tls = flowsync::tls::nobody().unwrap();
        let client = Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
        let request = client.request(method, format!("{}/new/v2.0{path}", self.url()));
        let request = request.header("X-API-Key", "sandbox-key").header("Accept", "application/json");
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
            None => request,
        };
        let (status, text) = RUNTIME.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Everything the binary would pull now, as one text.
    #[track_caller]
    pub fn live(&self) -> String {
        let into = tempfile::tempdir().unwrap();
        let folder = into.path().join("live").display().to_string();
        self.place.run(&["pull", "--into", &folder]).exits(0);
        let mut files = Vec::new();
        collect(&into.path().join("live"), &mut files);
        files.sort();
        files.concat()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        self.place.run_in_work(&[arguments, &["--output", "json"]].concat()).exits(0).json()
    }

    pub fn sync_with(&self, more: &[&str]) -> Ended {
        self.place.sync_with(more)
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(format!("{}\n{}", path.file_name().unwrap().display(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}
