//! Worlds of a given size, latency and limit, built in the sandbox and reconciled by the real binary;
//! prints what was measured beside what bounds it. `cargo bench --bench worlds`, or with names of
//! single measurements after `--`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod changing;
mod deploying;
mod growing;
mod hashing;
#[path = "../../tests/git/http_server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use the rest of it")]
mod http_server;
mod idling;
mod many;
mod measure;
mod soak;
mod soaked;
mod support;
mod unchanged;
mod world;

/// A row of the table.
pub(crate) struct Row {
    pub what: String,
    pub against: String,
    pub reach: String,
    pub measured: String,
    pub is_reached: bool,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut rows: Vec<Row> = Vec::new();
    let want = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    if want("start") {
        rows.push(idling::start_up());
    }
    if want("hash") {
        rows.extend(hashing::hash());
    }
    if want("validate") {
        rows.extend(hashing::validate());
    }
    if want("deploy") {
        rows.extend(runtime.block_on(deploying::layers()));
    }
    if want("limit") {
        rows.push(runtime.block_on(deploying::limited()));
    }
    if want("unchanged") {
        rows.extend(runtime.block_on(unchanged::ten_thousand()));
    }
    if want("growth") {
        rows.extend(runtime.block_on(unchanged::growth()));
    }
    if want("change") {
        rows.extend(runtime.block_on(changing::one()));
    }
    if want("first") {
        rows.extend(runtime.block_on(changing::first()));
    }
    if want("trail") {
        rows.extend(runtime.block_on(growing::trail(&[50, 200, 500])));
    }
    if want("clone") {
        rows.extend(runtime.block_on(growing::clone(300)));
    }
    if let Some(n) = wanted.iter().find_map(|word| word.strip_prefix("trail=")) {
        rows.extend(runtime.block_on(growing::trail(&[50, 500, n.parse().unwrap()])));
    }
    if let Some(n) = wanted.iter().find_map(|word| word.strip_prefix("clone=")) {
        rows.extend(runtime.block_on(growing::clone(n.parse().unwrap())));
    }
    if want("idle") {
        rows.push(runtime.block_on(idling::idle()));
    }
    if want("many") {
        rows.extend(runtime.block_on(many::many()));
    }
    if let Some(n_minutes) = wanted.iter().find_map(|word| word.strip_prefix("soak=")) {
        rows.extend(runtime.block_on(soak::soak(n_minutes.parse().unwrap())));
    }
    if let Some(n_flows) = wanted.iter().find_map(|word| word.strip_prefix("hold=")) {
        runtime.block_on(unchanged::hold(n_flows.parse().unwrap()));
    }
    println!("| what | measured against | reach | measured | |\n|---|---|---|---|---|");
    for Row { what, against, reach, measured, is_reached } in rows {
        println!(
            "| {what} | {against} | {reach} | {measured} | {} |",
            if is_reached { "reached" } else { "NOT reached" }
        );
    }
}
