use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn mask(secrets: &[&str]) -> Mask {
    let mask = Mask::default();
    secrets.iter().for_each(|secret| mask.keep(&SecretString::from(*secret)));
    mask
}

#[test]
fn a_text_without_a_secret_stays_as_it_is() {
    let mask = mask(&["c4nary"]);
    for text in ["", "a+b %41 &amp; \\u0041", "c4nar", "{\"b\": 1,\n\"a\": 2}", "Grüße 😀"] {
        assert_eq!(mask.hide(text), text);
    }
    assert_eq!(Mask::default().hide("c4nary"), "c4nary");
}

#[test]
fn a_password_in_a_url_is_hidden_though_nobody_knew_it() {
    for (text, hidden) in [
        ("cannot resolve 'http://ann:hunter2@proxy:3128/'", "cannot resolve 'http://ann:***@proxy:3128/'"),
        ("http://ann:p@ss@proxy", "http://ann:***@proxy"),
        ("http://:x@a http://b:y@c", "http://:***@a http://b:***@c"),
        (
            "ssh://git@host:22/x@y http://host:1/a:b@c http://u:@h",
            "ssh://git@host:22/x@y http://host:1/a:b@c http://u:@h",
        ),
    ] {
        assert_eq!(Mask::default().hide(text), hidden);
    }
}

#[test]
fn secrets_that_overlap_are_hidden_whole() {
    let mask = mask(&["acme", "acme-c4nary", "acme-c4nary-2"]);
    assert_eq!(mask.hide("acme-c4nary-2 acme-c4nary acme"), "*** *** ***");
    assert_eq!(mask.hide("acmeacme"), "******");
}

#[test]
fn a_secret_too_short_to_hide_is_hidden_beside_its_user() {
    let mask = Mask::default();
    mask.keep_pair("ann", &SecretString::from("pw"));
    assert_eq!(mask.hide("http://ann:pw@proxy Basic YW5uOnB3 pw"), "http://***proxy Basic *** pw");
}

#[test]
fn each_line_of_a_key_is_hidden() {
    let line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB";
    let mask = mask(&[&format!("-----BEGIN KEY-----\n{line}\nAAAA\n-----END KEY-----")]);
    assert_eq!(mask.hide(&format!("no key: {line}!")), "no key: ***!");
    assert_eq!(mask.hide("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
}

#[test]
fn passing_secrets_make_room_for_others_and_kept_ones_stay() {
    let mask = mask(&["k3pt-secret"]);
    let token = |n: usize| format!("tok3n-{n:03}");
    for n in 0..100 {
        mask.learn(&SecretString::from(token(n)));
        mask.learn(&SecretString::from("used-again"));
    }
    assert_eq!(mask.hide("k3pt-secret used-again"), "*** ***");
    assert_eq!(mask.hide(&token(99)), "***");
    assert_eq!(mask.hide(&token(0)), token(0));
}

#[test]
fn what_surrounds_a_secret_in_json_is_left_whole() {
    for (secret, text, expected) in [
        // It looks like structure, like a number, like the rest of an escape, like the beginning of one.
        (r#"","b":""#, r#"{"a":"1","b":"2"}"#, None),
        ("12345678", r#"{"n":12345678}"#, Some(r#"{"n":"***"}"#)),
        ("name", r#"["\name"]"#, Some(r#"["***"]"#)),
        (r"abc\", r#"{"x":"abc\"def"}"#, None),
        ("nested", r#"{"x":"{\"nested\":\"\\u006eested\"}"}"#, Some(r#"{"x":"{\"***\":\"***\"}"}"#)),
    ] {
        let hidden = mask(&[secret]).hide(text);
        assert!(!hidden.contains(secret), "{hidden}");
        if let Some(expected) = expected {
            assert_eq!(hidden, expected);
        }
    }
    // What is JSON only in part has whole escapes.
    assert_eq!(mask(&["name"]).hide(r#"found: ["\name"]"#), r#"found: ["***"]"#);
}

/// A way to write a text.
type Spell = fn(&str) -> String;

fn each(text: &str, spell: impl Fn(char) -> String) -> String {
    text.chars().map(spell).collect()
}

fn bytes(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect()
}

/// Reversible spellings, in any of which a secret may stand, and in several at once.
const SPELLINGS: [Spell; 15] = [
    str::to_owned,
    |text| bytes(text, |byte| format!("%{byte:02X}")),
    |text| bytes(text, |byte| format!("%{byte:02x}")),
    |text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    |text| {
        each(
            text,
            |c| if c.is_ascii_alphanumeric() { c.into() } else { bytes(&c.to_string(), |b| format!("%{b:02x}")) },
        )
    },
    |text| each(text, |c| format!("&#{};", c as u32)),
    |text| each(text, |c| format!("&#x{:X};", c as u32)),
    |text| each(text, |c| format!("&#x{:04x};", c as u32)),
    |text| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    },
    |text| text.replace('&', "&amp;").replace('/', "&sol;").replace('+', "&plus;").replace('=', "&equals;"),
    |text| serde_json::to_string(text).unwrap().trim_matches('"').to_owned(),
    |text| each(text, |c| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()),
    |text| each(text, |c| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()),
    |text| format!("{text:?}").trim_matches('"').replace('/', "\\/"),
    |text| bytes(text, |byte| format!("\\x{byte:02x}")),
];

/// Ways that no other is put on top of, each with what is left to see of the end.
const CODES: [(Spell, &str); 9] = [
    (|text| STANDARD_NO_PAD.encode(text), ""),
    (|text| URL_SAFE_NO_PAD.encode(text), ""),
    (|text| STANDARD.encode(text), "="),
    (|text| URL_SAFE.encode(text), "="),
    (|text| STANDARD.encode(format!("ann:{text}")), "="),
    (|text| URL_SAFE.encode(format!("ann:{text}")), "="),
    (|text| bytes(text, |byte| format!("{byte:02x}")), ""),
    (|text| bytes(text, |byte| format!("{byte:02X}")), ""),
    (
        |text| STANDARD.encode(text).as_bytes().chunks(7).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n"),
        "=",
    ),
];

fn secret() -> impl Strategy<Value = String> {
    // What tokens and passwords are made of; the ends are told from the text around.
    proptest::string::string_regex("[a-zA-Z0-9][a-zA-Z0-9 +/=&%<>'\"\\\\.,:;@#ä😀-]{6,30}[a-zA-Z0-9]").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_secret_is_hidden_however_it_is_spelt(
        secret in secret(),
        (inner, outer) in (0..SPELLINGS.len(), 0..SPELLINGS.len()),
    ) {
        let spelt = SPELLINGS[outer](&SPELLINGS[inner](&secret));
        let hidden = mask(&[&secret]).hide(&format!("<b>({spelt})</b>"));
        prop_assert_eq!(hidden, "<b>(***)</b>", "of {}", spelt);
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_encoded(secret in secret(), code in 0..CODES.len(), outer in 0..SPELLINGS.len()) {
        let (encode, rest) = CODES[code];
        let encoded = encode(&secret);
        let mask = Mask::default();
        mask.keep_pair("ann", &SecretString::from(secret.clone()));
        let hidden = mask.hide(&format!("({encoded})"));
        let left = hidden.trim_start_matches("(***").trim_end_matches(')');
        prop_assert!(left.chars().all(|c| rest.contains(c) || c.is_ascii_whitespace()), "{} of {}", hidden, encoded);
        let spelt = SPELLINGS[outer](&encoded);
        prop_assert!(!mask.hide(&format!("({spelt})")).contains(&spelt), "{}", spelt);
    }

    #[test]
    fn a_secret_in_the_midst_of_what_is_encoded_is_hidden(
        secret in secret(),
        (before, after) in ("[a-z]{0,9}", "[a-z]{0,9}"),
    ) {
        let whole = format!("{before}{secret}{after}");
        for encoded in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            let hidden = mask(&[&secret]).hide(&encoded);
            // Of the secret, bits of one character at either end may be left.
            prop_assert!(hidden.contains(HIDDEN) && hidden.len() < encoded.len(), "{} of {}", hidden, encoded);
            let shown = STANDARD.decode(hidden.replace("***", "").trim_end_matches('=')).unwrap_or_default();
            prop_assert!(!String::from_utf8_lossy(&shown).contains(&secret));
        }
    }

    #[test]
    fn json_stays_json_and_holds_no_secret(
        secret in secret(),
        (inner, outer) in (0..SPELLINGS.len(), 0..SPELLINGS.len()),
        indented in any::<bool>(),
    ) {
        let spelt = SPELLINGS[outer](&SPELLINGS[inner](&secret));
        let json = serde_json::json!({ "message": format!("no ({spelt})!"), "list": [spelt, 7, null], spelt.clone(): true });
        let text = if indented { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
        let hidden: Value = serde_json::from_str(&mask(&[&secret]).hide(&text)).unwrap();
        prop_assert_eq!(hidden, serde_json::json!({ "message": "no (***)!", "list": ["***", 7, null], "***": true }));
    }
}
