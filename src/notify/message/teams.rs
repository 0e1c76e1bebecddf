//! An Adaptive Card for a workflow of Teams that takes webhooks.
//!
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>
//!
//! All text stands in runs of rich text, where Teams knows neither Markdown nor mentions.

use serde_json::{Value, json};

use super::super::what::Ended;
use super::plain::ended;
use super::words::{errors, facts, flows, headline, listed};
use crate::config::NotificationEvent;

/// Bytes of all flows: Teams takes 28 KB, counts more than the body, and has refused 22.
const FLOW_BYTES_MAX: usize = 12_000;
/// Bytes of all errors.
const ERROR_BYTES_MAX: usize = 6_000;

pub(super) fn body(ended: &Ended, events: &[NotificationEvent]) -> Value {
    let mut blocks = vec![text(&[
        json!({ "type": "TextRun", "text": headline(ended, events), "weight": "Bolder", "size": "Medium" }),
    ])];
    let facts = facts(ended);
    if !facts.is_empty() {
        blocks.push(text(&[run(&facts.join(" · "))]));
    }
    let mut n_bytes = 0;
    let fits = |line: &str| {
        n_bytes += line.len() + 2;
        n_bytes <= FLOW_BYTES_MAX
    };
    let flows = listed(flows(ended), fits);
    if !flows.is_empty() {
        blocks.push(text(&[run(&flows.join(", "))]));
    }
    let mut n_left = ERROR_BYTES_MAX;
    for error in errors(ended) {
        let shown = within(&error, n_left);
        n_left -= quoted_bytes(&shown).min(n_left);
        blocks.push(text(&[json!({ "type": "TextRun", "text": shown, "fontType": "Monospace" })]));
        if shown != error {
            break;
        }
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "msteams": { "width": "Full" },
    });
    let attachment =
        json!({ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card });
    json!({ "type": "message", "attachments": [attachment] })
}

fn run(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text })
}

fn text(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

/// As much of a text as so many bytes of the card hold.
fn within(text: &str, n_bytes: usize) -> String {
    if quoted_bytes(text) <= n_bytes {
        return text.to_owned();
    }
    let mut n_taken = quoted_bytes("…");
    let fits = |character: &char| {
        n_taken += Value::from(character.to_string()).to_string().len() - 2;
        n_taken <= n_bytes
    };
    let shown: String = text.chars().take_while(fits).collect();
    ended(&shown)
}

/// How many bytes a text takes in JSON, with what stands around it.
fn quoted_bytes(text: &str) -> usize {
    Value::from(text).to_string().len() + 90
}
