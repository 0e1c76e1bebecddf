//! What was printed, with what is another each time (commits, hashes, times, places) by its kind.

use crate::support::{Ended, Place};

/// What was printed, and the exit code where it is not 0.
pub fn shown(place: &Place, ended: &Ended) -> String {
    let Ended { code, stdout, stderr } = ended;
    let code = if *code == 0 { String::new() } else { format!("exit {code}\n") };
    let said = if stderr.is_empty() { String::new() } else { format!("stderr:\n{stderr}") };
    let text = format!("{code}{stdout}{said}");
    let text = text.replace(&place.path("").display().to_string(), "DIR/").replace(&place.tenant.url(), "TENANT");
    let (mut settled, mut word) = (String::new(), String::new());
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() || "-:.".contains(character) {
            word.push(character);
        } else {
            settled.push_str(&by_kind(&std::mem::take(&mut word)));
            // Times have as many digits as they need, and columns are filled up.
            if character != ' ' || !settled.ends_with("<time> ") {
                settled.push(character);
            }
        }
    }
    settled.trim_end().to_owned()
}

/// A word, or what kind of thing it is where it is another each time.
fn by_kind(word: &str) -> String {
    let is_hex = |text: &str| text.len() >= 7 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let shape: String = word.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    if let (Some((time, rest)), true) = (word.split_once('-'), shape.starts_with("00000000T000000Z-")) {
        assert_eq!((time.len(), rest.len() >= 8), (16, true));
        return format!("<deployment>{}", &rest[8..]);
    }
    if shape.starts_with("0000-00-00T00:00:00") {
        return format!("<time>{}", word.trim_start_matches(|it: char| it.is_ascii_digit() || "-:.TZ".contains(it)));
    }
    match word.split_once(':') {
        Some(("sha256", rest)) if is_hex(rest) => "sha256:<hash>".to_owned(),
        _ if shape == "0000-00" => "<month>".to_owned(),
        _ => {
            let text = word.trim_end_matches([':', '.']);
            if is_hex(text) { format!("<{} hex>{}", text.len(), &word[text.len()..]) } else { word.to_owned() }
        }
    }
}
