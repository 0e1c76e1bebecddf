//! A server that does what a script says, and clients of it in a hurry.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowsync::config::{Api, Auth, OAuth2, SecretSource, TenantAddress};
use flowsync::flow::{ContentHash, Definition, EnvironmentId, FlowId, LiveFlow};
use flowsync::tenant::flows_v2::{Client, Tuning};
use flowsync::tenant::{Call, CallLimits, ReadLive, StartLimit, Tenant, TenantError, Unrecorded};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Part of every secret: it must show up nowhere.
pub(crate) const CANARY: &str = "c4nary";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) call: Call,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How many requests of this call came before.
    pub(crate) nth: usize,
}

/// What to do about it.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers.
    Reply { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Announces more than it sends, and closes.
    Short { status: u16, body: Vec<u8> },
    /// Closes without a word.
    Drop,
    /// Never answers.
    Hang,
    /// Does so once it has a permit, which is used up.
    Held(Arc<Semaphore>, Box<Self>),
    /// Sends a body without announcing its length, for ever.
    Flood,
}

pub(crate) fn reply(status: u16, body: impl AsRef<str>) -> Act {
    Act::Reply { status, headers: Vec::new(), body: body.as_ref().as_bytes().to_vec() }
}

pub(crate) fn reply_with(status: u16, name: &str, value: impl ToString, body: &str) -> Act {
    Act::Reply { status, headers: vec![(name.to_owned(), value.to_string())], body: body.as_bytes().to_vec() }
}

/// What a tenant in good health says, with one flow.
pub(crate) fn good(seen: &Seen) -> Act {
    let item = |id: &str| format!(r#"{{"items":[{{"id":"{id}","name":"A","environmentId":"env"}}],"total":1}}"#);
    match seen.call {
        Call::Token => {
            let token = format!("{CANARY}-token-{}", seen.nth);
            reply(200, format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}"#))
        }
        Call::Export => reply(200, item("flow_a")),
        Call::Intents | Call::Entities | Call::Variables => reply(200, item("greeting")),
        Call::Import => reply(200, r#"{"id":"flow_a"}"#),
        Call::Status => reply(200, r#"{"status":"deployed"}"#),
        Call::Rollback => reply(200, "{}"),
        Call::Delete => reply(204, ""),
        Call::Serving | Call::Release => reply(405, ""),
    }
}

type Script = dyn Fn(&Seen) -> Act + Send + Sync;

/// The server; it ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
    secrets: TempDir,
    accepts: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (log, script): (Arc<Mutex<Vec<Seen>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let secrets = TempDir::new().unwrap();
        for name in ["id", "secret", "key"] {
            std::fs::write(secrets.path().join(name), format!("{CANARY}-{name}\n")).unwrap();
        }
        let served = Arc::clone(&log);
        let accepts = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served), Arc::clone(&script)));
            }
        });
        Self { address, log, secrets, accepts }
    }

    /// One that answers `act` to the requests of `call` while `when` holds of their number, and is well otherwise.
    pub(crate) async fn faulty(call: Call, act: Act, when: fn(usize) -> bool) -> Self {
        Self::start(move |seen| if seen.call == call && when(seen.nth) { act.clone() } else { good(seen) }).await
    }

    /// Takes no more connections; what is left are the secrets.
    pub(crate) async fn close(self) -> TempDir {
        self.accepts.abort();
        let _ = self.accepts.await;
        self.secrets
    }

    /// Every request so far.
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn seen(&self, call: Call) -> Vec<Seen> {
        self.log.lock().unwrap().iter().filter(|seen| seen.call == call).cloned().collect()
    }

    pub(crate) fn secret(&self, name: &str) -> SecretSource {
        SecretSource::File(self.secrets.path().join(name))
    }

    pub(crate) fn secrets(&self) -> &Path {
        self.secrets.path()
    }

    pub(crate) fn oauth2(&self) -> Auth {
        Auth::OAuth2(OAuth2 {
            token_url: format!("http://{}/oauth/token", self.address).parse().unwrap(),
            client_id: self.secret("id"),
            client_secret: self.secret("secret"),
        })
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(self.oauth2(), hurry())
    }

    pub(crate) fn client_with(&self, auth: Auth, tuning: Tuning) -> Client {
        let url = format!("http://{}/api/v2", self.address).parse().unwrap();
        let environment_id = EnvironmentId("env".to_owned());
        let address =
            TenantAddress { api: Api::FlowsV2, url, environment_id, auth, ca_file: None, allow_insecure: false };
        Client::connect_tuned(&address, NonZeroUsize::new(4).unwrap(), tuning).unwrap()
    }
}

/// The numbers of the specification, a hundred times as fast where something waits.
pub(crate) fn hurry() -> Tuning {
    Tuning {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(4),
        second: Duration::from_millis(10),
        list_pause: Duration::from_millis(1),
        task_pause: Duration::from_millis(2),
        task_pause_max: Duration::from_millis(20),
        seed: Some(1),
        ..Tuning::default()
    }
}

/// [`hurry`], for answers that never come.
pub(crate) fn impatient() -> Tuning {
    let short = Duration::from_millis(150);
    Tuning { page_timeout: short, import_timeout: short, status_timeout: short, other_timeout: short, ..hurry() }
}

/// Limits that no test reaches.
pub(crate) fn ample() -> CallLimits {
    CallLimits { lease: StartLimit::none(), give_up_at: Instant::now() + Duration::from_secs(60) }
}

/// Keeps what came.
pub(crate) struct Plain;

impl ReadLive for Plain {
    fn read(&self, raw: &[u8]) -> Result<LiveFlow, String> {
        let flow: serde_json::Value = serde_json::from_slice(raw).map_err(|error| error.to_string())?;
        if flow["name"] == "unreadable" {
            return Err("it says so".to_owned());
        }
        let hash: ContentHash = "0".repeat(64).parse().map_err(|_| "no hash".to_owned())?;
        let flow = Definition {
            id: flow["id"].as_str().unwrap_or_default().parse::<FlowId>().map_err(|error| error.to_string())?,
            name: flow["name"].as_str().unwrap_or_default().to_owned(),
            version: String::new(),
            references: Vec::new(),
            content_hash: hash,
            equality_hash: hash,
            reading: flowsync::flow::Reading::Whole,
            text: Some(raw.into()),
        };
        Ok(flow.into())
    }
}

/// Makes a call, whichever; what it returned in words. An error is looked through for secrets.
pub(crate) async fn make(client: &Client, call: Call, limits: &CallLimits) -> Result<String, TenantError> {
    let (env, id) = (EnvironmentId("env".to_owned()), "flow_a".parse().unwrap());
    fn words(value: impl Debug) -> String {
        format!("{value:?}")
    }
    let made = match call {
        Call::Token | Call::Export => client.export(&env, &Plain, limits).await.map(|export| words(export.flows.len())),
        Call::Intents => client.intents(&env, limits).await.map(words),
        Call::Entities => client.entities(&env, limits).await.map(words),
        Call::Variables => client.variables(&env, limits).await.map(words),
        Call::Import => {
            client.import(&env, &id, br#"{"id":"flow_a"}"#, &Unrecorded, limits).await.map(|reply| words(reply.value))
        }
        Call::Status => client.status(&env, &id, limits).await.map(words),
        Call::Rollback => client.rollback(&env, &id, "1.0.0", limits).await.map(|_| "()".to_owned()),
        Call::Delete => client.delete(&env, &id, &Unrecorded, limits).await.map(|_| "()".to_owned()),
        Call::Serving => client.serving(&env, &[], limits).await.map(|serving| format!("{serving:?}")),
        Call::Release => client.freeze(&env, "r", limits).await.map(|frozen| format!("{frozen:?}")),
    };
    if let Err(error) = &made {
        assert_no_secret(error);
    }
    made
}

pub(crate) fn assert_no_secret(error: &TenantError) {
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

async fn serve(stream: TcpStream, log: Arc<Mutex<Vec<Seen>>>, script: Arc<Script>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(mut seen) = receive(&mut stream).await? {
        {
            let mut log = log.lock().unwrap();
            seen.nth = log.iter().filter(|earlier| earlier.call == seen.call).count();
            log.push(seen.clone());
        }
        let mut act = script(&seen);
        while let Act::Held(gate, then) = act {
            gate.acquire().await.unwrap().forget();
            act = *then;
        }
        match act {
            Act::Reply { status, headers, body } => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                // A 204 has no body and no length.
                let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                stream.write_all(format!("HTTP/1.1 {status} -\r\n{headers}{length}\r\n").as_bytes()).await?;
                stream.write_all(&body).await?;
                stream.flush().await?;
            }
            Act::Short { status, body } => {
                let length = body.len() + 7;
                stream.write_all(format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await?;
                stream.write_all(&body).await?;
                stream.flush().await?;
                return Ok(());
            }
            Act::Drop => return Ok(()),
            Act::Hang | Act::Held(..) => std::future::pending().await,
            Act::Flood => {
                stream.write_all(b"HTTP/1.1 200 -\r\nconnection: close\r\n\r\n").await?;
                loop {
                    stream.write_all(&[b' '; 4096]).await?;
                }
            }
        }
    }
    Ok(())
}

async fn receive(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Seen>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: BTreeMap<_, _> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let mut first = lines[0].split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let url: url::Url = format!("http://t{target}").parse().unwrap();
    let query = url.query_pairs().into_owned().collect();
    let call = call_of(&method, url.path());
    Ok(Some(Seen { call, method, path: url.path().to_owned(), query, headers, body, nth: 0 }))
}

fn call_of(method: &str, path: &str) -> Call {
    match (method, path.rsplit('/').next().unwrap_or_default()) {
        (_, "token") => Call::Token,
        (_, "intents") => Call::Intents,
        (_, "entities") => Call::Entities,
        (_, "variables") => Call::Variables,
        (_, "import") => Call::Import,
        (_, "status") => Call::Status,
        (_, "rollback") => Call::Rollback,
        ("DELETE", _) => Call::Delete,
        _ => Call::Export,
    }
}
