//! Hides secrets in texts from elsewhere: what a tenant, a git server or a proxy echoes is not printed.
//!
//! A secret is found raw, percent-encoded in either case and with `+` for a space, with HTML entities, with the
//! escapes of JSON and its kin, through several of these at once, in base64 of either alphabet (alone, as
//! `user:secret`, or in the midst of something longer) and in hexadecimal; and broken over lines. Texts are read in
//! ever plainer views ([`view`]) and searched for a few needles, so that no list of spellings has to be complete.

mod needles;
mod view;

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use serde_json::Value;

use needles::{Needle, Secret, needles};
use view::View;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// Passing secrets remembered: the current ones and some that requests under way may still carry.
const PASSING_MAX: usize = 16;

/// The secrets in use.
#[derive(Debug, Default)]
pub struct Mask(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    kept: Vec<Secret>,
    /// Tokens, and whatever else comes and goes; the newest last.
    passing: Vec<Secret>,
}

impl Mask {
    /// Hides `secret` from now on, until many others were learnt after it.
    pub fn learn(&self, secret: &SecretString) {
        let secret = Secret { user: None, secret: secret.clone() };
        let passing = &mut self.known().passing;
        passing.retain(|known| !known.is(&secret));
        passing.push(secret);
        if passing.len() > PASSING_MAX {
            passing.remove(0);
        }
    }

    /// Hides `secret` for good.
    pub fn keep(&self, secret: &SecretString) {
        self.add(Secret { user: None, secret: secret.clone() });
    }

    /// Hides `secret` for good, also where it is sent together with `user`.
    pub fn keep_pair(&self, user: &str, secret: &SecretString) {
        self.add(Secret { user: Some(SecretString::from(user.to_owned())), secret: secret.clone() });
    }

    fn add(&self, secret: Secret) {
        let kept = &mut self.known().kept;
        if !kept.iter().any(|known| known.is(&secret)) {
            kept.push(secret);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text with `***` in place of every secret. What was JSON stays JSON.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let needles: Vec<Needle> = {
            let Known { kept, passing } = &*self.known();
            kept.iter().chain(passing).flat_map(needles).collect()
        };
        hide(text, &needles)
    }
}

fn hide(text: &str, needles: &[Needle]) -> String {
    let found = find(text, needles);
    if found.is_empty() {
        return text.to_owned();
    }
    // A secret may look like the structure around it: in JSON, values are hidden one by one.
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str(text)
    {
        let hidden = hide_within(value, needles).to_string();
        if find(&hidden, needles).is_empty() {
            return hidden;
        }
    }
    let mut hidden = String::with_capacity(text.len());
    let mut at = 0;
    for span in found {
        hidden.push_str(&text[at..span.start]);
        hidden.push_str(HIDDEN);
        at = span.end;
    }
    hidden.push_str(&text[at..]);
    hidden
}

fn hide_within(value: Value, needles: &[Needle]) -> Value {
    match value {
        Value::String(text) => Value::String(hide(&text, needles)),
        Value::Number(number) if !find(&number.to_string(), needles).is_empty() => Value::from(HIDDEN),
        Value::Array(values) => values.into_iter().map(|value| hide_within(value, needles)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (hide(&key, needles), hide_within(value, needles))).collect()
        }
        plain => plain,
    }
}

/// Where secrets stand, in order and apart from each other, at the borders of characters and of escapes.
fn find(text: &str, needles: &[Needle]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let view = View::new(text);
    let squeezed = view.clone().squeezed();
    let views = view.with_plainer_ones();
    for Needle { plain, squeezed: needle, case } in needles {
        views.iter().for_each(|view| view.find(plain, *case, &mut found));
        squeezed.find(needle, *case, &mut found);
    }
    found.extend(passwords_in_urls(text));
    let escapes = view::escapes(text);
    found.iter_mut().for_each(|span| widen(span, text, &escapes));
    found.sort_by_key(|span: &Range<usize>| (span.start, std::cmp::Reverse(span.end)));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for span in found {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// What stands as a password in a URL is one, known or not.
fn passwords_in_urls(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let start = at + mark.len();
        let ends = |c: char| c.is_whitespace() || c.is_control() || "/?#\"'`<>\\".contains(c);
        let authority = text[start..].split(ends).next()?;
        let (user, _) = authority.rsplit_once('@')?;
        let (name, password) = user.split_once(':')?;
        let from = start + name.len() + 1;
        (!password.is_empty()).then(|| from..from + password.len())
    })
}

/// Makes a span take whole characters and whole escapes.
fn widen(span: &mut Range<usize>, text: &str, escapes: &[Range<usize>]) {
    while !text.is_char_boundary(span.start) {
        span.start -= 1;
    }
    while !text.is_char_boundary(span.end) {
        span.end += 1;
    }
    for escape in escapes {
        if escape.start < span.end && span.start < escape.end {
            *span = span.start.min(escape.start)..span.end.max(escape.end);
        }
    }
}

#[cfg(test)]
mod tests;
