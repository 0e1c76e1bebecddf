//! Which header decides, and what it must hold.

use super::*;

const MAIN: &str = r#"{"ref":"refs/heads/main"}"#;

#[test]
fn the_signature_of_githubs_own_example_is_right() {
    let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let stated = format!("sha256={digits}");
    let said = judge([("X-Hub-Signature-256", stated.as_bytes())], b"Hello, World!", SECRET);
    assert_eq!(unreadable(said).to_string(), "expected JSON, found something else at line 1, column 1");
    let shouted = format!("sha256={}", digits.to_uppercase());
    let said = judge([("x-hub-signature-256", shouted.as_bytes())], b"Hello, World!", SECRET);
    assert!(matches!(said, HookVerdict::Unreadable(_)), "{said:?}");
}

#[test]
fn nothing_but_the_right_signature_over_the_raw_body_is_taken() {
    let digits = hex_hmac(MAIN.as_bytes());
    for name in ["X-Hub-Signature-256", "X-Hub-Signature", "X-Flowsync-Signature"] {
        let says =
            |value: &str| judge([(name, value.as_bytes())], MAIN.as_bytes(), SECRET) != HookVerdict::BadSignature;
        assert!(says(&format!("sha256={digits}")) && says(&format!(" sha256={digits} ")), "{name}");
        for wrong in ["", "sha256=", &digits, "sha256", "=", "\u{fc}"] {
            assert!(!says(wrong), "{name}: {wrong}");
        }
        let cut = &digits[..62];
        for wrong in [
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256={cut}"),
            format!("sha256={cut}0"),
            format!("sha256={digits}00"),
            format!("sha256={cut}zz"),
            format!("sha256={cut}+0"),
            format!("sha256={digits},sha256={digits}"),
        ] {
            assert!(!says(&wrong), "{name}: {wrong}");
        }
    }
    for name in ["X-Gitea-Signature", "X-Forgejo-Signature"] {
        let says =
            |value: &str| judge([(name, value.as_bytes())], MAIN.as_bytes(), SECRET) != HookVerdict::BadSignature;
        assert!(says(&digits), "{name}");
        for wrong in ["", &format!("sha256={digits}"), &digits[..63], &digits[..62]] {
            assert!(!says(wrong), "{name}: {wrong}");
        }
    }
    for wrong in ["", "It's a Secret to Everybod", "It's a Secret to Everybody!", "it's a secret to everybody"] {
        let body = br#"{"object_kind":"push","ref":"refs/heads/main"}"#;
        assert_eq!(judge([("X-Gitlab-Token", wrong.as_bytes())], body, SECRET), HookVerdict::BadSignature, "{wrong}");
    }
}

#[test]
fn a_body_that_means_the_same_is_not_the_body_that_was_signed() {
    let signed = Request::of(Sender::Other, MAIN);
    assert_eq!(signed.judge(), branches(&["main"]));
    for other in [r#"{"ref": "refs/heads/main"}"#, "{\"ref\":\"refs/heads/main\"}\n", r#"{"ref":"refs\/heads/main"}"#] {
        assert_eq!(Request { body: other.into(), ..signed.clone() }.judge(), HookVerdict::BadSignature, "{other}");
    }
}

#[test]
fn a_request_without_a_known_header_is_not_signed() {
    assert_eq!(judge([], MAIN.as_bytes(), SECRET), HookVerdict::BadSignature);
    let others: [(&str, &[u8]); 2] = [("Authorization", SECRET), ("X-Signature", SECRET)];
    assert_eq!(judge(others, b"", SECRET), HookVerdict::BadSignature);
}

#[test]
fn the_first_header_decides_and_no_later_one_mends_it() {
    for (at, first) in SENDERS.iter().enumerate() {
        for later in &SENDERS[at + 1..] {
            let (right, wrong) = (Request::of(*later, MAIN), Request::of(*first, "something else"));
            let mut both = right.clone();
            let bad = if *first == Sender::GitLab { b"hunter2".to_vec() } else { wrong.headers[0].1.clone() };
            both.headers.push((wrong.headers[0].0, bad));
            assert_eq!(both.judge(), HookVerdict::BadSignature, "{first:?} {later:?}");
            let mut both = Request::of(*first, MAIN);
            both.headers.insert(0, (right.headers[0].0, b"nonsense".to_vec()));
            assert_ne!(both.judge(), HookVerdict::BadSignature, "{first:?} {later:?}");
        }
    }
}

#[test]
fn a_signature_that_stands_twice_is_none() {
    for sender in SENDERS {
        let mut twice = Request::of(sender, MAIN);
        twice.headers.extend(twice.headers.clone());
        assert_eq!(twice.judge(), HookVerdict::BadSignature, "{sender:?}");
    }
}

#[test]
fn no_request_is_genuine_where_there_is_no_secret() {
    for sender in SENDERS {
        let mut request = Request::of(sender, MAIN);
        if sender == Sender::GitLab {
            request.headers[0].1.clear();
        }
        assert_eq!(request.judge_by(b""), HookVerdict::BadSignature, "{sender:?}");
    }
}
