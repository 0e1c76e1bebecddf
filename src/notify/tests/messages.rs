//! Each service's message, whole.

use serde_json::Value;

use super::super::message::{Form, body, status};
use super::super::what::{Began, News};
use super::*;

fn rolled_back() -> Ended {
    let failed = FlowReport {
        error: Some("the tenant refused it: `name` <b>".to_owned()),
        ..flow("flow_b", Action::Update, Outcome::RolledBack)
    };
    let flows = vec![
        flow("flow_a", Action::Create, Outcome::RolledBack),
        failed,
        flow("flow_c", Action::Delete, Outcome::NotAttempted),
    ];
    let mut ended = ended(SyncResult::RolledBack, Some(SyncResult::InSync), &[NotificationEvent::RolledBack], flows);
    ended.report.record_commit = Some(CommitId("ffffffffffffffffffffffffffffffffffffffff".to_owned()));
    ended.report.error =
        Some("1 flow failed & all was put back: <!channel> @here <https://evil.example|x> `a`".to_owned());
    ended
}

fn recovered() -> Ended {
    let flows = vec![flow("flow_a", Action::Update, Outcome::Deployed)];
    let events = [NotificationEvent::Deployed, NotificationEvent::Recovered];
    ended(SyncResult::Deployed, Some(SyncResult::Refused), &events, flows)
}

fn said(form: Form, ended: &Ended) -> String {
    let body: Value = serde_json::from_slice(&body(form, ended, &ended.events)).unwrap();
    // What keeps links and mentions apart is not seen.
    format!("{body:#}").replace('\u{2060}', "<joiner>")
}

#[test]
fn the_body_of_a_webhook_is_as_promised() {
    let text = String::from_utf8(body(Form::Webhook, &rolled_back(), &[NotificationEvent::RolledBack])).unwrap();
    // The order is that of the promise.
    insta::assert_snapshot!(text.replace(",\"", ",\n\""), @r#"
    {"event":"rolled-back",
    "environment":"production",
    "result":"rolled-back",
    "previousResult":"in-sync",
    "deploymentId":"20261126T120000-3fa9",
    "commit":"1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    "recordCommit":"ffffffffffffffffffffffffffffffffffffffff",
    "summary":{"create":1,
    "update":1,
    "delete":1,
    "failed":1},
    "flows":[{"id":"flow_a",
    "action":"create",
    "outcome":"rolled-back"},{"id":"flow_b",
    "action":"update",
    "outcome":"rolled-back"},{"id":"flow_c",
    "action":"delete",
    "outcome":"not-attempted"}],
    "error":"1 flow failed & all was put back: <!channel> @here <https://evil.example|x> `a`",
    "time":"2026-11-26T12:00:00Z"}
    "#);
    let bare = ended(SyncResult::Error, None, &[NotificationEvent::Error], Vec::new());
    let text = String::from_utf8(body(Form::Webhook, &bare, &bare.events)).unwrap();
    assert!(text.contains(r#""previousResult":null,"deploymentId":null,"commit":"1a2b"#), "{text}");
    assert!(
        text.contains(
            r#""recordCommit":null,"summary":{"create":0,"update":0,"delete":0,"failed":0},"flows":[],"error":null,"#
        ),
        "{text}"
    );
}

#[test]
fn the_event_of_a_webhook_is_the_one_that_was_asked_for() {
    for (events, word) in [(recovered().events, "deployed"), (vec![NotificationEvent::Recovered], "recovered")] {
        let text = String::from_utf8(body(Form::Webhook, &recovered(), &events)).unwrap();
        assert!(
            text.starts_with(&format!(r#"{{"event":"{word}","environment":"production","result":"deployed""#)),
            "{text}"
        );
    }
}

#[test]
fn slack_gets_sections_without_a_mention_or_a_link() {
    insta::assert_snapshot!(said(Form::Slack, &rolled_back()), @r#"
    {
      "blocks": [
        {
          "text": {
            "text": "*production: rolled-back*\ncommit 1a2b3c4d5e · deployment 20261126T120000-3fa9 · 1 to create, 1 to update, 1 to delete, 1 failed",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "flow_a put back\nflow_b failed and was put back\nflow_c not attempted",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "```\n1 flow failed &amp; all was put back: &lt;!channel&gt; @<joiner>here &lt;https:<joiner>//evil.example|x&gt; 'a'\n```",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        }
      ],
      "text": "production: rolled-back",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
    insta::assert_snapshot!(said(Form::Slack, &recovered()), @r#"
    {
      "blocks": [
        {
          "text": {
            "text": "*production: deployed, recovered (was refused)*\ncommit 1a2b3c4d5e · deployment 20261126T120000-3fa9 · 1 to update",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "flow_a updated",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        }
      ],
      "text": "production: deployed, recovered (was refused)",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
}

#[test]
fn teams_gets_a_card_without_markdown() {
    insta::assert_snapshot!(said(Form::Teams, &rolled_back()), @r#"
    {
      "attachments": [
        {
          "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "body": [
              {
                "inlines": [
                  {
                    "size": "Medium",
                    "text": "production: rolled-back",
                    "type": "TextRun",
                    "weight": "Bolder"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "commit 1a2b3c4d5e · deployment 20261126T120000-3fa9 · 1 to create, 1 to update, 1 to delete, 1 failed",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "flow_a put back, flow_b failed and was put back, flow_c not attempted",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "fontType": "Monospace",
                    "text": "1 flow failed & all was put back: <!channel> @<joiner>here <https:<joiner>//evil.example|x> `a`",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              }
            ],
            "msteams": {
              "width": "Full"
            },
            "type": "AdaptiveCard",
            "version": "1.4"
          },
          "contentType": "application/vnd.microsoft.card.adaptive",
          "contentUrl": null
        }
      ],
      "type": "message"
    }
    "#);
}

#[test]
fn what_is_wrong_with_flows_is_told_in_a_few_lines() {
    use crate::problem::{Place, Problem, Rule, Severity};
    let problem = |line: u32| Problem {
        place: Place { file: "flows/<a>.json".to_owned(), line, column: 2, pointer: "/id".to_owned() },
        rule: Rule::BadValue,
        severity: Severity::Error,
        message: "expected an id, found `@all`".to_owned(),
        help: String::new(),
    };
    let mut refused = ended(SyncResult::Refused, None, &[NotificationEvent::Refused], Vec::new());
    refused.report.error = Some("7 problem(s)".to_owned());
    refused.report.problems = (1..=7).map(problem).collect();
    insta::assert_snapshot!(said(Form::Slack, &refused), @r#"
    {
      "blocks": [
        {
          "text": {
            "text": "*production: refused*\ncommit 1a2b3c4d5e",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "```\n7 problem(s)\nflows/&lt;a&gt;.json:1:2: error[bad-value] expected an id, found '@<joiner>all'\nflows/&lt;a&gt;.json:2:2: error[bad-value] expected an id, found '@<joiner>all'\nflows/&lt;a&gt;.json:3:2: error[bad-value] expected an id, found '@<joiner>all'\nflows/&lt;a&gt;.json:4:2: error[bad-value] expected an id, found '@<joiner>all'\nflows/&lt;a&gt;.json:5:2: error[bad-value] expected an id, found '@<joiner>all'\nand 2 more\n```",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        }
      ],
      "text": "production: refused",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
}

#[test]
fn a_status_is_of_the_commit_and_in_the_environments_context() {
    let told = |news: &News| {
        let status = status(news).unwrap();
        assert_eq!((status.context.as_str(), status.commit.len()), ("flowsync/production", 40));
        format!("{:?}: {}", status.state, status.description)
    };
    let ended = |ended: Ended| News::Ended(Box::new(ended));
    let commit = CommitId("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".to_owned());
    assert_eq!(told(&News::Began(Began { environment: "production".to_owned(), commit })), "Pending: deploying");
    assert_eq!(told(&ended(recovered())), "Success: deployed: 1 to update");
    let rolled_back = told(&ended(rolled_back()));
    assert!(
        rolled_back.starts_with("Failure: rolled-back: 1 flow failed & all was put back: <!channel>"),
        "{rolled_back}"
    );
    assert!(!rolled_back.contains("://") && !rolled_back.contains("@here"), "{rolled_back}");
    let in_sync = super::ended(SyncResult::InSync, Some(SyncResult::InSync), &[], Vec::new());
    assert_eq!(told(&ended(in_sync)), "Success: in-sync");
    for (result, expected) in [
        (SyncResult::Refused, "Failure: refused"),
        (SyncResult::Error, "Failure: error"),
        (SyncResult::RollbackIncomplete, "Failure: rollback-incomplete"),
    ] {
        assert_eq!(told(&ended(super::ended(result, None, &[], Vec::new()))), expected);
    }
    assert_eq!(status(&ended(super::ended(SyncResult::Drifted, None, &[], Vec::new()))), None);
    let mut nowhere = super::ended(SyncResult::Error, None, &[], Vec::new());
    nowhere.report.commit = None;
    assert_eq!(status(&ended(nowhere)), None);
}
