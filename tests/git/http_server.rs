//! `git http-backend` behind the smallest HTTP server that can bridge to it, with faults on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use openssl::ssl::SslAcceptor;

/// What the server does besides serving.
#[derive(Default, Clone)]
pub struct Rules {
    /// Only this user and password get in.
    pub login: Option<(String, String)>,
    /// Pushes are answered with 403.
    pub read_only: bool,
    /// Pushes take effect, and the connection ends before the answer.
    pub drop_push_answer: bool,
    /// Pushes end before they take effect.
    pub drop_push: bool,
    /// Everything is redirected to this base URL, once the login is right.
    pub redirect: Option<String>,
}

pub struct HttpServer {
    port: u16,
    scheme: &'static str,
    shared: Arc<Shared>,
}

struct Shared {
    base: PathBuf,
    backend: PathBuf,
    rules: Mutex<Rules>,
    n_logins: AtomicUsize,
    heads: Mutex<Vec<String>>,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl HttpServer {
    pub fn start(base: &Path, rules: Rules) -> Self {
        Self::start_with(base, rules, None)
    }

    pub fn start_tls(base: &Path, rules: Rules, acceptor: SslAcceptor) -> Self {
        Self::start_with(base, rules, Some(acceptor))
    }

    fn start_with(base: &Path, rules: Rules, acceptor: Option<SslAcceptor>) -> Self {
        let backend = PathBuf::from(crate::support::git(base, &["--exec-path"])).join("git-http-backend");
        let (n_logins, heads) = (AtomicUsize::new(0), Mutex::default());
        let shared = Arc::new(Shared { base: base.to_owned(), backend, rules: Mutex::new(rules), n_logins, heads });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let server = Self { port, scheme, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                std::thread::spawn(move || match acceptor {
                    None => shared.serve(stream),
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream) {
                            shared.serve(stream);
                        }
                    }
                });
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}/{path}", self.scheme, self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn set(&self, rules: Rules) {
        *self.shared.rules.lock().unwrap() = rules;
    }

    /// How often somebody tried to sign in.
    pub fn n_logins(&self) -> usize {
        self.shared.n_logins.load(Ordering::Relaxed)
    }

    /// All request lines and headers so far.
    pub fn heard(&self) -> String {
        self.shared.heads.lock().unwrap().join("\n")
    }
}

impl Shared {
    fn serve(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        if let Some(request) = read_request(&mut stream) {
            self.heads.lock().unwrap().push(format!("{} {} {:?}", request.method, request.target, request.headers));
            if let Some(answer) = self.answer(&request) {
                let _ = stream.get_mut().write_all(&answer);
            }
        }
        let _ = stream.get_mut().flush();
    }

    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let rules = self.rules.lock().unwrap().clone();
        if let Some((user, password)) = &rules.login {
            let wanted = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            self.n_logins.fetch_add(usize::from(request.header("authorization").is_some()), Ordering::Relaxed);
            if request.header("authorization") != Some(&format!("Basic {wanted}")) {
                return Some(plain("401 Unauthorized", "WWW-Authenticate: Basic realm=\"git\"\r\n"));
            }
        }
        if let Some(base) = &rules.redirect {
            return Some(plain("302 Found", &format!("Location: {base}{}\r\n", request.target)));
        }
        let is_push = request.target.contains("git-receive-pack");
        let sends = is_push && request.method == "POST";
        match () {
            () if is_push && rules.read_only => Some(plain("403 Forbidden", "")),
            () if sends && rules.drop_push => None,
            () if sends && rules.drop_push_answer => {
                self.backend(request);
                None
            }
            () => Some(self.backend(request)),
        }
    }

    fn backend(&self, request: &Request) -> Vec<u8> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut child = Command::new(&self.backend)
            .env("GIT_PROJECT_ROOT", &self.base)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env("REMOTE_USER", "tester")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let body = request.body.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&body));
        let output = child.wait_with_output().unwrap().stdout;
        let _ = writer.join();
        let split = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(0);
        let (head, body) =
            (String::from_utf8_lossy(&output[..split]).into_owned(), &output[(split + 4).min(output.len())..]);
        let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
        let headers: String =
            head.lines().filter(|line| !line.starts_with("Status:")).map(|line| format!("{line}\r\n")).collect();
        let start =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [start.as_bytes(), body].concat()
    }
}

fn plain(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}

fn read_request(stream: &mut BufReader<impl Read + Write>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((key, value)) = line.trim_end().split_once(':') else { break };
        headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if request.header("transfer-encoding") == Some("chunked") {
        while let Some(length) = chunk_length(stream).filter(|length| *length > 0) {
            let mut chunk = vec![0; length + 2];
            stream.read_exact(&mut chunk).ok()?;
            request.body.extend(&chunk[..length]);
        }
    } else if let Some(length) = request.header("content-length").and_then(|length| length.parse().ok()) {
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).ok()?;
    }
    Some(request)
}

fn chunk_length(stream: &mut BufReader<impl Read>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    usize::from_str_radix(line.trim(), 16).ok()
}

/// A proxy that passes `CONNECT` on to one port whatever is asked, and remembers what was.
pub fn connect_proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || tunnel(stream, to, &heard));
        }
    });
    (port, asked)
}

fn tunnel(stream: TcpStream, to: u16, heard: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut line = first.clone();
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    heard.lock().unwrap().push(first.trim().to_owned());
    let mut client = stream;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let server = TcpStream::connect(("127.0.0.1", to)).ok()?;
    let (mut to_server, mut from_server) = (server.try_clone().ok()?, server);
    std::thread::spawn(move || std::io::copy(&mut reader, &mut to_server));
    std::io::copy(&mut from_server, &mut client).ok()?;
    Some(())
}
