//! HTTP/1.1 as a server of tests speaks it: requests as they came, answers as they are told, faults between.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query as they came, encoded.
    pub target: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What a server does about one.
#[derive(Debug, Clone)]
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// The connection ends.
    Drop,
    /// Nothing comes, until the client goes.
    Hang,
}

/// Answers requests on a port of its own, each connection on a thread, as long as the test runs; its address.
pub fn serve(answer: impl Fn(Request) -> Answer + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || converse(stream, answer));
        }
    });
    address
}

fn converse(mut stream: TcpStream, answer: impl Fn(Request) -> Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    while let Some(request) = receive(&mut reader) {
        match answer(request) {
            Answer::Reply { status, headers, body } => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
            }
            Answer::Drop => return None,
            Answer::Hang => {
                _ = reader.read(&mut [0]);
                return None;
            }
        }
    }
    None
}

fn receive(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n_bytes| *n_bytes > 0).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = BTreeMap::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    Some(Request { method, target, headers, body })
}
