//! What holds for every request.

use proptest::prelude::*;

use super::payloads::PUSHES;
use super::*;

/// A documented push in which bytes were changed, cut out or put in.
fn mutated() -> impl Strategy<Value = (Sender, Vec<u8>)> {
    let edit = (any::<prop::sample::Index>(), 0..4_usize, prop::collection::vec(any::<u8>(), 0..4));
    (prop::sample::select(&PUSHES[..]), prop::collection::vec(edit, 1..6)).prop_map(|((sender, body), edits)| {
        let mut body = body.as_bytes().to_vec();
        for (at, n_out, bytes) in edits {
            let from = at.index(body.len() + 1);
            body.splice(from..(from + n_out).min(body.len()), bytes);
        }
        (sender, body)
    })
}

proptest! {
    #[test]
    fn whatever_comes_signed_is_judged(at in 0..SENDERS.len(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_ne!(Request::of(SENDERS[at], body).judge(), HookVerdict::BadSignature);
    }

    #[test]
    fn whatever_becomes_of_a_payload_is_judged((sender, body) in mutated(), event in "[a-z:_]{0,12}") {
        let request = Request::of(sender, body);
        prop_assert_ne!(request.clone().judge(), HookVerdict::BadSignature);
        let form = request.clone().with("Content-Type", "application/x-www-form-urlencoded").judge();
        prop_assert_ne!(form, HookVerdict::BadSignature);
        for header in ["X-GitHub-Event", "X-Gitea-Event", "X-Forgejo-Event", "X-Event-Key"] {
            prop_assert_ne!(request.clone().with(header, &event).judge(), HookVerdict::BadSignature);
        }
    }

    #[test]
    fn a_payload_that_was_changed_on_its_way_is_refused((sender, body) in mutated()) {
        let (_, original) = PUSHES.iter().find(|(other, _)| *other == sender).unwrap();
        prop_assume!(sender != Sender::GitLab && body != original.as_bytes());
        let request = Request { body, ..Request::of(sender, *original) };
        prop_assert_eq!(request.judge(), HookVerdict::BadSignature);
    }

    #[test]
    fn whatever_the_headers_hold_is_judged(
        names in prop::collection::vec((0..6_usize, prop::collection::vec(any::<u8>(), 0..80)), 0..4),
        body in prop::collection::vec(any::<u8>(), 0..40),
        secret in prop::collection::vec(any::<u8>(), 0..90),
    ) {
        let headers: Vec<_> = names.iter().map(|(at, value)| (Request::of(SENDERS[*at], "").headers[0].0, value)).collect();
        let said = judge(headers.iter().map(|(name, value)| (*name, value.as_slice())), &body, &secret);
        let is_token = headers.iter().any(|(name, value)| *name == "X-Gitlab-Token" && value.trim_ascii() == secret);
        prop_assert!(said == HookVerdict::BadSignature || is_token);
    }

    #[test]
    fn another_secret_signs_nothing((sender, body) in prop::sample::select(&PUSHES[..]), secret in prop::collection::vec(any::<u8>(), 0..90)) {
        prop_assume!(secret != SECRET);
        prop_assert_eq!(Request::of(sender, body).judge_by(&secret), HookVerdict::BadSignature);
    }

    #[test]
    fn the_name_of_a_branch_arrives_as_it_is(name in "\\PC{1,40}", escape in any::<bool>()) {
        let quoted = serde_json::to_string(&name).unwrap();
        let inner: String = if escape {
            name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
        } else {
            quoted[1..quoted.len() - 1].to_owned()
        };
        for (sender, body) in [
            (Sender::GitHub, format!(r#"{{"ref":"refs/heads/{inner}"}}"#)),
            (Sender::Other, format!(r#"{{"ref":"refs/heads/{inner}"}}"#)),
            (Sender::GitLab, format!(r#"{{"object_kind":"push","ref":"refs/heads/{inner}"}}"#)),
            (Sender::Bitbucket, format!(r#"{{"push":{{"changes":[{{"new":{{"type":"branch","name":"{inner}"}}}}]}}}}"#)),
            (Sender::Bitbucket, format!(r#"{{"changes":[{{"ref":{{"id":"refs/heads/{inner}"}}}}]}}"#)),
        ] {
            prop_assert_eq!(Request::of(sender, body).judge(), branches(&[&name]));
        }
    }
}
