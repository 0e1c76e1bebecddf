//! Whatever flows, tenants and git say: each service's limits hold, and nothing is a link, a mention or markup.

use proptest::prelude::*;
use serde_json::Value;

use super::super::message::{Form, body, status};
use super::super::what::News;
use super::*;

/// Bits that mean something to some service, and the longest and widest of characters.
fn foreign() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        Just("<!channel>".to_owned()),
        Just("<@U024BE7LH> @here @channel".to_owned()),
        Just("https://evil.example/?a=1&b=2".to_owned()),
        Just("[x](http://evil.example) <at>all</at>".to_owned()),
        Just("``` ` *b* _i_ ~s~ &amp; &lt;".to_owned()),
        Just("www.evil.example mailto:a@b.example".to_owned()),
        Just("\u{1b}[31m\u{202e}\r\n\t\u{0}".to_owned()),
        Just("&".repeat(700)),
        Just("👩‍💻\"\\".repeat(300)),
        ".{0,40}",
    ];
    prop::collection::vec(bit, 0..12).prop_map(|bits| bits.join(" "))
}

fn any_ended() -> impl Strategy<Value = Ended> {
    let id_chars = prop_oneof![Just(1_usize), Just(30), Just(400)];
    let n_flows = prop_oneof![Just(0_usize), Just(1), Just(7), Just(2_000)];
    (foreign(), foreign(), any::<bool>(), n_flows, id_chars).prop_map(|(error, help, has_problems, n, length)| {
        let id = |at: usize| format!("flow_{at:0length$}");
        let flows = (0..n).map(|at| flow(&id(at), Action::Update, Outcome::RolledBack)).collect();
        let mut ended = ended(SyncResult::RolledBack, None, &[NotificationEvent::RolledBack], flows);
        if has_problems {
            use crate::problem::{Place, Problem, Rule, Severity};
            let problem = |line: u32| Problem {
                place: Place { file: error.chars().take(300).collect(), line, column: 1, pointer: String::new() },
                rule: Rule::BadValue,
                severity: Severity::Error,
                message: error.clone(),
                help: help.clone(),
            };
            ended.report.problems = (1..20).map(problem).collect();
        }
        ended.report.error = Some(error);
        ended
    })
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// No service finds an address or a name in it.
fn is_plain(text: &str) -> bool {
    let is_apart = |at: usize| text[at + 1..].starts_with('\u{2060}');
    !text.contains("://") && text.match_indices('@').all(|(at, _)| is_apart(at)) && !text.contains("www.")
}

proptest! {
    #[test]
    fn slack_takes_it(ended in any_ended()) {
        let body: Value = serde_json::from_slice(&body(Form::Slack, &ended, &ended.events)).unwrap();
        let blocks = body["blocks"].as_array().unwrap();
        prop_assert!(blocks.len() <= 50);
        let mut n_chars = 0;
        for block in blocks {
            prop_assert_eq!(&block["type"], "section");
            prop_assert_eq!(&block["text"]["verbatim"], true);
            let text = block["text"]["text"].as_str().unwrap();
            prop_assert!((1..=3_000).contains(&text.chars().count()), "{}", text.chars().count());
            n_chars += text.chars().count();
            prop_assert!(!text.contains(['<', '>']) && is_plain(text), "{text}");
            let escapes = text.match_indices('&').all(|(at, _)| {
                ["&amp;", "&lt;", "&gt;"].iter().any(|escape| text[at..].starts_with(escape))
            });
            prop_assert!(escapes, "{text}");
            prop_assert!(!text.contains("```") || (text.matches("```").count() == 2 && text.ends_with("\n```")), "{text}");
        }
        prop_assert!(n_chars <= 13_000, "{n_chars}");
        prop_assert!(is_plain(body["text"].as_str().unwrap()));
    }

    #[test]
    fn teams_takes_it(ended in any_ended()) {
        let bytes = body(Form::Teams, &ended, &ended.events);
        prop_assert!(bytes.len() <= 21_000, "{}", bytes.len());
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let card = &body["attachments"][0]["content"];
        let blocks = card["body"].as_array().unwrap();
        prop_assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"), "{card:#}");
        let mut found = Vec::new();
        texts(&card["body"], &mut found);
        prop_assert!(found.iter().all(|text| is_plain(text)), "{found:?}");
    }

    #[test]
    fn github_takes_it(ended in any_ended()) {
        let status = status(&News::Ended(Box::new(ended))).unwrap();
        let n_chars = status.description.chars().count();
        prop_assert!((1..=140).contains(&n_chars) && is_plain(&status.description), "{}", status.description);
        prop_assert!(!status.description.contains(char::is_control));
    }

    #[test]
    fn every_flow_is_named_or_counted(ended in any_ended()) {
        let n = ended.report.flows.len();
        for form in [Form::Slack, Form::Teams] {
            let text = String::from_utf8(body(form, &ended, &[])).unwrap();
            let named = text.matches("flow_").count();
            let counted = format!("and {} more flow", n - named.min(n));
            prop_assert!(named == n || text.contains(&counted), "{n} {named}");
        }
    }

    #[test]
    fn a_machine_gets_what_it_takes_for_json(ended in any_ended()) {
        let body: Value = serde_json::from_slice(&body(Form::Webhook, &ended, &ended.events)).unwrap();
        prop_assert_eq!(body["flows"].as_array().unwrap().len(), ended.report.flows.len());
        let error = body["error"].as_str().unwrap();
        prop_assert!(ended.report.error.unwrap().starts_with(error.trim_end_matches('…')));
    }
}
