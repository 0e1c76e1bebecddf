//! A controller that is asked over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};

use crate::support::{Ended, Place, ended};

/// A controller that listens, killed with the test.
pub struct Listening {
    child: Option<Child>,
    address: String,
}

impl Listening {
    pub fn start(place: &Place) -> Self {
        let mut child = place.command(&["run", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("listening on"))).unwrap();
        let address = line.rsplit("http://").next().unwrap().trim().to_owned();
        // Whatever else it says is read, so that it is never in its way.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child: Some(child), address }
    }

    /// Head and body of the answer to a request.
    pub fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Has it read its configuration again.
    pub fn hang_up(&self) {
        self.child.iter().for_each(|child| signal(child, "-HUP"));
    }

    /// Ends it the polite way.
    pub fn stop(mut self) -> Ended {
        let child = self.child.take().unwrap();
        signal(&child, "-TERM");
        ended(child)
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
