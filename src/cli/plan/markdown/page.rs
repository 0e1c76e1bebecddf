//! One comment for all environments: what must be said, then as much of the rest as there is room for.

use super::budget::Budget;
use super::section::{Parts, Section};
use crate::flow::BodyAbsent;

/// Most characters of a comment; GitHub takes 65,536. Bytes are counted, which are never fewer.
const CHARS_MAX: usize = 65_000;
/// Kept free for saying what was left out of one environment.
const NOTE_BYTES: usize = 200;
/// Kept free for saying how many environments were left out.
const LAST_NOTE_BYTES: usize = 200;

/// The whole comment, on the environment that was asked for or on all.
///
/// # Errors
///
/// The text of a flow was not loaded.
pub(in crate::cli::plan) fn page(sections: &[Section<'_>], environment: Option<&str>) -> Result<String, BodyAbsent> {
    let marker = marker(environment);
    let mut parts: Vec<Parts<'_>> = sections.iter().map(Parts::new).collect();
    let mut room = CHARS_MAX - marker.len() - LAST_NOTE_BYTES;
    // With very many environments even what must be said has to be said shortly, and of the last ones not at all.
    let n_bytes: usize = parts.iter().map(|parts| parts.head.len() + NOTE_BYTES).sum();
    if n_bytes > room / 2 {
        parts.iter_mut().for_each(Parts::shorten_head);
    }
    let mut n_kept = 0;
    for parts in &parts {
        let n_bytes = parts.head.len() + NOTE_BYTES;
        if n_bytes > room {
            break;
        }
        room -= n_bytes;
        n_kept += 1;
    }
    let n_left_out = parts.len() - n_kept;
    parts.truncate(n_kept);
    let mut budget = Budget::new(room);
    parts.iter_mut().for_each(|parts| parts.take_problems(&mut budget));
    parts.iter_mut().for_each(|parts| parts.take_rows(&mut budget));
    parts.iter_mut().for_each(|parts| parts.take_graph(&mut budget));
    for parts in &mut parts {
        parts.take_details(&mut budget)?;
    }
    let mut text = marker;
    parts.iter().for_each(|parts| text.push_str(&parts.text()));
    if n_left_out > 0 {
        text.push_str(&format!("\n_Left out for length: {n_left_out} more environment(s)._\n"));
    }
    Ok(text)
}

/// A line that is not seen, by which CI finds its own comment again: a call for one environment has another
/// comment than one for all.
fn marker(environment: Option<&str>) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let name: String = environment.unwrap_or("all environments").chars().filter(|c| is_plain(c) || *c == ' ').collect();
    format!("<!-- flowsync plan: {name} -->\n")
}
