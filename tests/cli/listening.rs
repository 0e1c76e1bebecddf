//! A controller that is asked over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::support::{Ended, Place, ended, until};

/// A controller that listens, killed with the test.
pub struct Listening {
    child: Option<Child>,
    address: String,
    said: Arc<Mutex<String>>,
    /// Reads whatever it says, so that it never waits for whoever reads.
    reading: Option<JoinHandle<()>>,
}

/// An answer: its status, its head, its body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Listening {
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with more arguments.
    pub fn start_with(place: &Place, more: &[&str]) -> Self {
        let mut child = place.command(&[&["run", "--listen", "127.0.0.1:0"], more].concat()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(String::new()));
        let keep = {
            let said = said.clone();
            move |line: &str| *said.lock().unwrap() += &format!("{line}\n")
        };
        let line = lines.by_ref().inspect(|line| keep(line)).find(|line| line.contains("listening on")).unwrap();
        let address = line.rsplit("http://").next().unwrap().split('"').next().unwrap().trim().to_owned();
        let reading = std::thread::spawn(move || lines.for_each(|line| keep(&line)));
        Self { child: Some(child), address, said, reading: Some(reading) }
    }

    /// Head and body of the answer to a request.
    pub fn get(&self, path: &str) -> (String, String) {
        let Answer { head, body, .. } = self.ask("GET", path, &[], "");
        (head, body)
    }

    /// The answer to a request.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}");
        stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// How many passes of an environment have ended.
    pub fn n_passes(&self, environment: &str) -> u64 {
        let (_, metrics) = self.get("/metrics");
        let is_one = |line: &&str| {
            line.starts_with("flowsync_passes_total{") && line.contains(&format!("environment=\"{environment}\""))
        };
        let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        metrics.lines().filter(is_one).map(count).sum()
    }

    /// Comes back when so many passes of an environment have ended.
    #[track_caller]
    pub fn until_passes(&self, environment: &str, n_passes: u64) {
        until(&format!("{n_passes} passes of {environment} have ended"), || self.n_passes(environment) >= n_passes);
    }

    /// What it has said on stderr so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Comes back when it has said this on stderr.
    #[track_caller]
    pub fn until_said(&self, text: &str) {
        until(&format!("it says `{text}`"), || self.said().contains(text));
    }

    /// Has it read its configuration again.
    pub fn hang_up(&self) {
        self.child.iter().for_each(|child| signal(child, "-HUP"));
    }

    /// Ends it the polite way; with everything it said.
    pub fn stop(mut self) -> Ended {
        let child = self.child.take().unwrap();
        signal(&child, "-TERM");
        let ended = ended(child);
        self.reading.take().unwrap().join().unwrap();
        Ended { stderr: self.said(), ..ended }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}
