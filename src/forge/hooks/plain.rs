//! Whoever is none of the known senders: `{"ref":"refs/heads/…"}`, or no body for every branch.

use serde::Deserialize;

use super::payload::{Read, json, of_ref};
use super::verdict::HookVerdict;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
}

pub(super) fn read(body: &[u8]) -> Read {
    if body.trim_ascii().is_empty() {
        return Ok(HookVerdict::EveryBranch);
    }
    of_ref(&json::<Push>(body)?.reference)
}
