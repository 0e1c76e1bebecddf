//! What a tenant sends is bounded: no amount of it fills the memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::support::{Place, ended};

/// So much of a process may be resident at its worst, in KiB.
const PEAK_KIB_MAX: u64 = 150 * 1024;

/// The answer to a page at an offset: a head, so many bytes of padding, an end.
type Page = dyn Fn(usize) -> (String, usize, String) + Send + Sync;

/// A tenant that answers every request with a page, made as it is sent.
fn flood(page: impl Fn(usize) -> (String, usize, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v2", listener.local_addr().unwrap());
    let page: Arc<Page> = Arc::new(page);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let page = Arc::clone(&page);
            std::thread::spawn(move || _ = answer(&stream, &*page));
        }
    });
    url
}

fn answer(stream: &TcpStream, page: &Page) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(first) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let offset = first.split_once("offset=").map_or("0", |(_, rest)| rest);
        let offset = offset.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        let (head, n_padding, end) = page(offset);
        let length = head.len() + n_padding + end.len();
        let mut stream = stream;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}")?;
        let block = [b'x'; 64 * 1024];
        for sent in (0..n_padding).step_by(block.len()) {
            stream.write_all(&block[..block.len().min(n_padding - sent)])?;
        }
        stream.write_all(end.as_bytes())?;
    }
    Ok(())
}

/// A place whose tenant is that one.
fn at(url: &str) -> Place {
    let mut place = Place::new(&["a 1.0.0"]);
    place.set("API_KEY", "key");
    let environment = format!(
        "  production:\n    tenant:\n      api: flows-v2\n      url: {url}\n      environmentId: env_prod\n      auth: {{ apiKey: {{ env: API_KEY }} }}\n"
    );
    place.configure(&place.repository_yaml(""), &environment);
    place
}

/// Runs `plan`; its exit code, and the most it ever had in memory.
#[cfg(target_os = "linux")]
fn peak_of_a_plan(place: &Place) -> (i32, u64, String) {
    let mut child = place.command(&["plan", "--output", "json"]).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(peak_kib);
        std::thread::yield_now();
    }
    let ended = ended(child);
    (ended.code, peak_kib, ended.stderr)
}

#[test]
#[cfg(target_os = "linux")]
fn pages_of_sixty_megabytes_are_taken_one_after_the_other() {
    const N_PAGES: usize = 3;
    let place = at(&flood(|offset| {
        let head = format!(r#"{{"items":[{{"id":"flow_x{offset}","environmentId":"env_prod","pad":""#);
        (head, 60_000_000, format!(r#""}}],"total":{N_PAGES}}}"#))
    }));
    let (code, peak_kib, stderr) = peak_of_a_plan(&place);
    assert_eq!(code, 0, "{stderr}");
    assert!(peak_kib > 60_000 && peak_kib < PEAK_KIB_MAX, "{peak_kib} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn a_list_that_grows_as_it_is_read_comes_to_an_end() {
    let place = at(&flood(|offset| {
        let item = |n| format!(r#"{{"id":"flow_x{n}","environmentId":"env_prod","name":"a list without an end"}}"#);
        let items: Vec<String> = (offset..offset + 1_000).map(item).collect();
        (format!(r#"{{"items":[{}],"pad":""#, items.join(",")), 0, format!(r#"","total":{}}}"#, offset + 1_001))
    }));
    let (code, peak_kib, stderr) = peak_of_a_plan(&place);
    assert!(code == 1 && stderr.contains("the list has no end: more than 100000 items"), "{stderr}");
    assert!(peak_kib < PEAK_KIB_MAX, "{peak_kib} KiB");
}
