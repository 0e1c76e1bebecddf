//! What `api: cognigy-rest` asks of the vendor's shared installation, which answers 1,000 requests of an address in any
//! five minutes: counted by the strict stand-in, in this process and under paused time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use flowsync::clock::SimulatedClock;
use flowsync::config::{Api, Auth, CognigyRest, Scan, SecretSource, TenantAddress};
use flowsync::flow::{EnvironmentId, FlowId};
use flowsync::tenant::cognigy_rest::Client;
use flowsync::tenant::flows_v2::Connections;
use flowsync::tenant::sandbox::cognigy_rest::settings::Settings;
use flowsync::tenant::sandbox::cognigy_rest::{Answer, CognigySandbox, Handle, PROJECT, Request, Seed};
use flowsync::tenant::{
    Answering, CallLimits, Export, InsideAnswer, InsideRequest, InsideServer, NoAnswer, StartLimit, Tenant, Unrecorded,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep};

use super::server::Plain;

/// How long each request takes.
const LATENCY: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Inside(Handle);

impl InsideServer for Inside {
    fn answer(&self, request: InsideRequest) -> Answering<'_> {
        Box::pin(async move {
            sleep(LATENCY).await;
            let InsideRequest { method, target, headers, body } = request;
            let answer = self.0.ask(Request { method, target, headers, body }).await.ok_or(NoAnswer::Lost)?;
            let Answer { status, headers, body } = answer;
            Ok(InsideAnswer { status, headers, body })
        })
    }
}

struct Place {
    handle: Handle,
    client: Client,
    environment: EnvironmentId,
    _key: NamedTempFile,
}

impl Place {
    /// A project of flows with so many nodes each.
    fn of(n_flows: usize, n_nodes: usize, options: &CognigyRest) -> Self {
        let origin = Timestamp::from_second(1_790_000_000).unwrap();
        let mut settings = Settings { seed: seed(n_flows, n_nodes), ..Settings::default() };
        settings.behaviour.task_time = Duration::from_secs(3);
        let handle = CognigySandbox::inside(settings, origin).unwrap();
        handle.advance(Duration::from_secs(10));
        let clock = Arc::new(SimulatedClock::starting_at(origin, 1));
        let connections = Connections::inside(Arc::new(Inside(handle.clone())), clock);
        let key = NamedTempFile::new().unwrap();
        std::fs::write(key.path(), "sandbox-key").unwrap();
        let address = TenantAddress {
            api: Api::CognigyRest(options.clone()),
            url: "http://localhost".parse().unwrap(),
            environment_id: EnvironmentId(PROJECT.to_owned()),
            auth: Auth::ApiKey(SecretSource::File(key.path().to_owned())),
            ca_file: None,
            allow_insecure: false,
        };
        let (concurrency, tuning) = (NonZeroUsize::new(4).unwrap(), Client::tuning(Some(1)));
        let client = connections.connect_project_tuned(&address, options, concurrency, None, tuning).unwrap();
        Self { handle, client, environment: EnvironmentId(PROJECT.to_owned()), _key: key }
    }

    async fn export(&self) -> Export {
        self.client.export(&self.environment, &Plain, &patient()).await.unwrap()
    }

    fn n_refused(&self) -> u64 {
        self.handle.requests().by_status.get("429").copied().unwrap_or_default()
    }
}

fn seed(n_flows: usize, n_nodes: usize) -> Seed {
    let says: Vec<Value> =
        (0..n_nodes).map(|n| json!({"say": format!("text {n}"), "label": format!("n{n}")})).collect();
    let flows: Vec<Value> = (0..n_flows).map(|n| json!({"name": format!("flow {n}"), "chart": says})).collect();
    let project = json!({"name": "P", "id": PROJECT, "locales": ["en-US"], "flows": flows});
    Seed::parse(&json!({"projects": [project]}).to_string()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_passes_with_changes_are_never_refused() {
    let place = Place::of(12, 20, &CognigyRest { scan: Scan::Nodes, ..CognigyRest::default() });
    let start = Instant::now();
    let mut round = 0;
    while start.elapsed() < Duration::from_secs(600) {
        round += 1;
        let export = place.export().await;
        // Somebody changes three flows, and each is deployed.
        let flows: Vec<(&FlowId, String)> =
            export.flows.iter().skip(round % 9).take(3).map(|(id, flow)| (id, text(flow))).collect();
        for (id, text) in flows {
            let changed = text.replacen("\"text\":[\"", &format!("\"text\":[\"{round} "), 1);
            place.client.import(&place.environment, id, changed.as_bytes(), &Unrecorded, &patient()).await.unwrap();
        }
    }
    let n_requests = place.handle.requests().total;
    assert_eq!(place.n_refused(), 0, "{n_requests} requests in {round} rounds");
    assert!(n_requests > 1_400, "it is held back by its own count alone: {n_requests} requests");
}

/// A request may wait for its turn as long as a window lasts.
fn patient() -> CallLimits {
    CallLimits { lease: StartLimit::none(), give_up_at: Instant::now() + Duration::from_secs(3_600) }
}

fn text(flow: &flowsync::flow::LiveFlow) -> String {
    String::from_utf8(flow.body().unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn twenty_flows_of_a_hundred_nodes_are_read_by_package_in_less_than_a_minute() {
    let place = Place::of(20, 100, &CognigyRest::default());
    let start = Instant::now();
    let export = place.export().await;
    let (took, n_requests) = (start.elapsed(), place.handle.requests().total);
    assert_eq!((export.flows.len(), place.n_refused()), (20, 0));
    assert!(took < Duration::from_secs(60) && n_requests < 100, "{n_requests} requests in {took:?}");
}
