//! A server that keeps what it is sent, and answers as it is told: 200 `ok` where nothing was said.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;

pub use crate::test_http::Answer;
use crate::test_http::{Request, serve};

#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// As it came, encoded, with its query.
    pub path: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// As text, for whatever is text.
    pub body: String,
    /// As it came.
    pub bytes: Vec<u8>,
}

pub struct Recorder {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    answers: VecDeque<Answer>,
    /// What comes after those.
    always: Option<Answer>,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self::Reply { status, headers: Vec::new(), body: String::new() }
    }

    pub fn with(status: u16, header: (&str, &str), body: &str) -> Self {
        let headers = vec![(header.0.to_owned(), header.1.to_owned())];
        Self::Reply { status, headers, body: body.to_owned() }
    }
}

impl Recorder {
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let served = Arc::clone(&state);
        let address = serve(move |request| {
            let Request { method, target, headers, body } = request;
            let text = String::from_utf8_lossy(&body).into_owned();
            let mut state = served.lock().unwrap();
            state.seen.push(Seen { method, path: target, headers, body: text, bytes: body });
            let ok = || Answer::Reply { status: 200, headers: Vec::new(), body: "ok".to_owned() };
            state.answers.pop_front().or_else(|| state.always.clone()).unwrap_or_else(ok)
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next request so.
    pub fn answer(&self, answer: Answer) {
        self.state.lock().unwrap().answers.push_back(answer);
    }

    /// Answers every request so that nothing else was said for.
    pub fn always(&self, answer: Answer) {
        self.state.lock().unwrap().always = Some(answer);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub fn n_seen(&self) -> usize {
        self.state.lock().unwrap().seen.len()
    }
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Whether a request with a body is signed with this secret.
pub fn is_signed(seen: &Seen, secret: &str) -> bool {
    seen.headers.get("x-flowsync-signature") == Some(&format!("sha256={}", hmac(seen.body.as_bytes(), secret)))
}

/// The hex HMAC-SHA256 of a body.
pub fn hmac(body: &[u8], secret: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
