//! A message by an incoming webhook of Slack.
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
//! <https://docs.slack.dev/reference/block-kit/blocks/section-block>

use serde_json::{Value, json};

use super::super::what::Ended;
use super::plain::ended;
use super::words::{errors, facts, flows, headline, listed};
use crate::config::NotificationEvent;

/// Most characters of a section's text, as Slack counts them: after escaping.
const SECTION_CHARS_MAX: usize = 3_000;
/// Characters of all flows: Slack takes 50 blocks, and refuses about 13,000 characters in all of them.
const FLOW_CHARS_MAX: usize = 8_000;

pub(super) fn body(ended: &Ended, events: &[NotificationEvent]) -> Value {
    let headline = escape(&headline(ended, events));
    let facts: Vec<String> = facts(ended).iter().map(|fact| escape(fact)).collect();
    let first =
        if facts.is_empty() { format!("*{headline}*") } else { format!("*{headline}*\n{}", facts.join(" · ")) };
    let mut blocks = vec![section(&first)];
    blocks.extend(flow_sections(ended).iter().map(|text| section(text)));
    let errors = errors(ended);
    if !errors.is_empty() {
        // In code nothing is markup; what would end it is another character.
        let text = escape(&errors.join("\n").replace('`', "'"));
        let inside = within(&text, SECTION_CHARS_MAX - "```\n…\n```".chars().count());
        blocks.push(section(&format!("```\n{inside}\n```")));
    }
    json!({ "text": headline, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

/// `verbatim`: Slack looks for no names and addresses in it.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

/// Ids are letters and digits: there is nothing to escape in a line.
fn flow_sections(ended: &Ended) -> Vec<String> {
    let mut n_chars = 0;
    let fits = |line: &str| {
        n_chars += line.chars().count() + 1;
        n_chars <= FLOW_CHARS_MAX
    };
    let mut sections: Vec<String> = Vec::new();
    for line in listed(flows(ended), fits) {
        match sections.last_mut() {
            Some(section) if section.chars().count() + line.chars().count() < SECTION_CHARS_MAX => {
                section.push('\n');
                section.push_str(&line);
            }
            _ => sections.push(line),
        }
    }
    sections
}

/// What Slack asks for in all text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The beginning of an escaped text, without half an escape at its end.
fn within(text: &str, n_chars: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(n_chars) else { return text.to_owned() };
    let begun = text[..end].rfind('&').filter(|at| !text[*at..end].contains(';'));
    ended(&text[..begun.unwrap_or(end)])
}
