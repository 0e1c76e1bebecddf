//! GitLab: hooks of projects and groups, and system hooks.
//!
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/>, <https://docs.gitlab.com/administration/system_hooks/>

use serde::Deserialize;

use super::payload::{Read, json, of_ref, of_refs};
use super::verdict::HookVerdict;

/// What every payload has: hooks of projects the first, system hooks the second or both.
#[derive(Deserialize)]
struct Kind {
    object_kind: Option<String>,
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
}

/// A system hook's only word of a push that has many refs.
#[derive(Deserialize)]
struct Update {
    refs: Vec<String>,
}

pub(super) fn read(body: &[u8]) -> Read {
    let kind: Kind = json(body)?;
    match kind.object_kind.or(kind.event_name).as_deref() {
        Some("push") => of_ref(&json::<Push>(body)?.reference),
        Some("repository_update") => of_refs(json::<Update>(body)?.refs.iter().map(String::as_str)),
        Some(_) => Ok(HookVerdict::Nothing),
        None => of_ref(&json::<Push>(body)?.reference),
    }
}
