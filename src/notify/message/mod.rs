//! News in words: a file a service, each within its limits.
//!
//! Flows, tenants and git say things in here that nobody has checked. In what people read, none of it is ever a link, a
//! mention or markup (`plain`).

mod plain;
mod slack;
mod status;
mod teams;
mod webhook;
mod words;

pub(super) use status::status;

use super::what::Ended;
use crate::config::NotificationEvent;

/// A message to people or machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Webhook,
    Slack,
    Teams,
}

/// The body of the request; `events` are those of the news that are wanted, at least one.
pub(super) fn body(form: Form, ended: &Ended, events: &[NotificationEvent]) -> Vec<u8> {
    match form {
        Form::Webhook => webhook::body(ended, events),
        Form::Slack => slack::body(ended, events).to_string().into_bytes(),
        Form::Teams => teams::body(ended, events).to_string().into_bytes(),
    }
}
