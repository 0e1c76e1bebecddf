//! A project of the vendor's API in a stand-in, and what the vendor's own command line leaves of it on the disk.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use flowsync::tenant::sandbox::cognigy_rest::{Handle, Running};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::hotel;
use crate::project::RUNTIME;

pub use crate::hotel::PROJECT;

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let tls = flowsync::tls::nobody().unwrap();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
});

/// A request that must go well, as another user makes it; what it answers, if anything.
#[track_caller]
pub fn ask(url: &str, method: Method, path: &str, body: Option<&Value>) -> Value {
    let request = CLIENT.request(method, format!("{url}/new/v2.0{path}"));
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

/// The names of everything of a kind in a project, sorted.
#[track_caller]
pub fn names(url: &str, kind: &str) -> Vec<String> {
    let list = ask(url, Method::GET, &format!("/{kind}?projectId={PROJECT}&limit=100"), None);
    let mut names: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// A running stand-in.
pub struct Project {
    running: Running,
}

impl Project {
    pub fn start(seed: &str) -> Self {
        let running = RUNTIME.block_on(hotel::start(seed, |rules| rules.stale_charts = false));
        Self { running }
    }

    pub fn state(&self) -> Handle {
        self.running.state()
    }

    pub fn url(&self) -> String {
        self.running.base_url()
    }

    /// A request that must go well, as another user makes it; what it answers, if anything.
    #[track_caller]
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        ask(&self.url(), method, path, body)
    }

    #[track_caller]
    fn read(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None)
    }

    /// Writes what the vendor's command line clones, with the calls that it makes.
    pub fn clone_to(&self, folder: &Path) {
        let write = |path: &str, value: &Value| {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{value:#}")).unwrap();
        };
        let locales = self.read(&format!("/locales?projectId={PROJECT}"))["items"].clone();
        write("flows/locales.json", &locales);
        let flows = self.read(&format!("/flows?projectId={PROJECT}&limit=100"))["items"].clone();
        for flow in flows.as_array().unwrap() {
            let (id, name) = (flow["_id"].as_str().unwrap(), flow["name"].as_str().unwrap());
            write(&format!("flows/{name}/config.json"), flow);
            for locale in locales.as_array().unwrap() {
                let query = format!("preferredLocaleId={}", locale["_id"].as_str().unwrap());
                let mut chart = self.read(&format!("/flows/{id}/chart?{query}"));
                for node in chart["nodes"].as_array_mut().unwrap() {
                    let path = format!("/flows/{id}/chart/nodes/{}?{query}", node["_id"].as_str().unwrap());
                    node["config"] = self.read(&path)["config"].clone();
                    node.as_object_mut().unwrap().remove("preview");
                }
                write(&format!("flows/{name}/{}/chart.json", locale["name"].as_str().unwrap()), &chart);
            }
        }
    }
}
