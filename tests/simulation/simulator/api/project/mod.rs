//! `cognigy-rest`: a project of the vendor's own API. flowsync's own client speaks to the stand-in's own handlers, in
//! this process and under paused time; in between lies a line on which everything may happen to a request.

mod client;
mod document;
mod line;
mod live;
mod trouble;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use flowsync::config::{self, Auth, CognigyRest, OAuth2, SecretSource, TenantAddress};
use flowsync::flow::{Definition, EnvironmentId, FlowId};
use flowsync::format::Format;
use flowsync::record::audit::EventKind;
use flowsync::tenant::cognigy_rest;
use flowsync::tenant::flows_v2::Connections;
use flowsync::tenant::memory::Garble;
use flowsync::tenant::sandbox::cognigy_rest::settings::{OauthClient, Settings};
use flowsync::tenant::sandbox::cognigy_rest::{CognigySandbox, Handle, PROJECT, Seed};
use tokio::time::Instant;

pub use client::ProjectClient;
pub use line::Line;
pub use trouble::RequestFault;
pub use trouble::{faults_of, is_request_for_content};

use super::super::people::Meant;
use super::super::script::Script;
use super::super::world::origin;
use super::{Api, Change, Client, Desk};
use live::State;

const SEED: &str = r#"{"projects":[{"name":"P","id":"64c0ffee0000000000000001","locales":["en-US","de-DE"]}]}"#;
const SECRET: &str = "simulation";

/// Requests that one process makes at once.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// A project; clones share it.
#[derive(Clone)]
pub struct Project(Arc<Inner>);

struct Inner {
    handle: Handle,
    options: CognigyRest,
    state: Mutex<State>,
}

/// A process of flowsync, as far as it remembers the tenant.
pub struct Process {
    client: cognigy_rest::Client,
    line: Arc<Line>,
}

impl Project {
    pub fn new(options: CognigyRest, seed: u64) -> Arc<Self> {
        static PLANTED: OnceLock<Seed> = OnceLock::new();
        let settings = Settings {
            clients: vec![OauthClient { id: SECRET.into(), secret: SECRET.into() }],
            seed: PLANTED.get_or_init(|| Seed::parse(SEED).unwrap()).clone(),
            chance: seed,
            ..Settings::default()
        };
        let handle = CognigySandbox::inside(settings, origin()).unwrap();
        let state = Mutex::new(State::new(handle.locales(PROJECT).unwrap()));
        Arc::new(Self(Arc::new(Inner { handle, options, state })))
    }

    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// What is live now.
    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap();
        state.look(&self.0.handle);
        state
    }

    /// A process that has just started.
    fn process(&self, desk: &Desk) -> Arc<Process> {
        let line = Arc::new(Line::new(self.clone()));
        let address = address(&self.0.options);
        let tuning = cognigy_rest::Client::tuning(Some(desk.chance()));
        let connections = Connections::inside(line.clone(), desk.clock.clone());
        let client = connections.connect_project_tuned(&address, &self.0.options, CONCURRENCY, None, tuning).unwrap();
        Arc::new(Process { client, line })
    }
}

fn address(options: &CognigyRest) -> TenantAddress {
    static FILE: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), SECRET).unwrap();
        file
    });
    let secret = || SecretSource::File(file.path().to_owned());
    let oauth2 = OAuth2 {
        token_url: "http://localhost/auth/oauth2/token".parse().unwrap(),
        client_id: secret(),
        client_secret: secret(),
    };
    TenantAddress {
        api: config::Api::CognigyRest(options.clone()),
        url: "http://localhost".parse().unwrap(),
        environment_id: EnvironmentId(PROJECT.to_owned()),
        auth: Auth::OAuth2(oauth2),
        ca_file: None,
        allow_insecure: false,
    }
}

impl Api for Project {
    fn target(&self) -> EnvironmentId {
        EnvironmentId(PROJECT.to_owned())
    }

    fn format(&self) -> Format {
        Format::CognigyFlow
    }

    fn operations(&self) -> usize {
        600
    }

    fn id(&self, name: &str) -> FlowId {
        document::reference(name).flow_id()
    }

    fn text(&self, name: &str, flow: &Meant) -> String {
        document::flow(name, flow).to_text()
    }

    fn files(&self, name: &str, flow: &Meant) -> Vec<(String, Vec<u8>)> {
        document::files(name, flow)
    }

    fn foreign(&self) -> String {
        document::flow("zz", &Meant::by_hand(1)).to_text()
    }

    fn flow(&self, id: &FlowId) -> Option<Arc<[u8]>> {
        self.look().document(id)
    }

    fn edit(&self, body: &[u8]) -> Vec<FlowId> {
        let mut state = self.look();
        let seed = document::seed(body, |reference| state.is_there(reference));
        seed.into_iter().for_each(|seed| self.0.handle.put_flow(PROJECT, &seed).unwrap());
        state.look_away(&self.0.handle)
    }

    fn remove(&self, id: &FlowId) -> Vec<FlowId> {
        let mut state = self.look();
        state.reference(id).into_iter().for_each(|it| self.0.handle.remove_flow(&it).unwrap());
        state.look_away(&self.0.handle)
    }

    fn garble(&self, _: &FlowId, _: Garble) -> bool {
        false
    }

    fn n_writes(&self) -> usize {
        self.look().n_changes()
    }

    fn set_delay(&self, delay: Duration) {
        self.0.handle.change(|behaviour| behaviour.task_time = delay);
    }

    fn move_list_until(&self, _: Instant) {}

    fn changes(&self) -> Vec<Change> {
        self.look().take_changes()
    }

    fn announced_by(&self) -> EventKind {
        EventKind::Sending
    }

    fn client(&self, desk: &Arc<Desk>, script: &Arc<Script>) -> Client {
        let kept = desk.kept.lock().unwrap().take();
        let process = kept.unwrap_or_else(|| self.process(desk));
        process.line.lead(script.clone());
        Client::Project(Box::new(ProjectClient::new(process, desk.clone(), script.clone())))
    }
}

/// The hash by which a document is told from others.
pub fn hash(document: &[u8]) -> Option<flowsync::flow::ContentHash> {
    Definition::from_live(document, &flowsync::flow::Comparison::default()).ok().map(|it| it.content_hash)
}
