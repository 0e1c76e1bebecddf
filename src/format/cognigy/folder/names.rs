//! Names of folders and files.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::format::cognigy::document::{FlowRef, LocaleName, Node};

/// Most characters of a slug.
const SLUG_MAX: usize = 60;
/// Names that are no files on Windows.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];
/// Characters that no file name holds everywhere, and the one that stands for them.
const ESCAPED: [char; 10] = ['%', '/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// A text as part of a file name: small letters, digits and `-`.
fn slug(text: &str, otherwise: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => slug.push('a'),
            'è' | 'é' | 'ê' | 'ë' => slug.push('e'),
            'ì' | 'í' | 'î' | 'ï' => slug.push('i'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => slug.push('o'),
            'ù' | 'ú' | 'û' => slug.push('u'),
            'ç' => slug.push('c'),
            'ñ' => slug.push('n'),
            _ if !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(SLUG_MAX);
    match slug.trim_matches('-') {
        "" => otherwise.to_owned(),
        reserved if RESERVED.contains(&reserved) => format!("{reserved}-{otherwise}"),
        slug => slug.to_owned(),
    }
}

/// The folder of a new flow, among those that are `taken` (in lower case): its name, and four digits of its reference id where
/// another one has that.
#[must_use]
pub fn folder_name(name: &str, reference: FlowRef, taken: &BTreeSet<String>) -> String {
    let slug = slug(name, "flow");
    let digits: String = reference.to_string().chars().filter(|it| *it != '-').collect();
    let names = [slug.clone(), format!("{slug}-{}", &digits[..4])];
    let is_free = |name: &String| !taken.contains(name);
    names.into_iter().find(is_free).unwrap_or_else(|| format!("{slug}-{digits}"))
}

/// The file of a node's code; `locale` is named where it is not that of `flow.json`.
pub(super) fn code_file(node: &Node, locale: Option<&LocaleName>, taken: &BTreeSet<String>) -> String {
    let slug = slug(&node.head.label, "code");
    let digits: String = node.reference.to_string().chars().take(8).collect();
    let locale = locale.map(|locale| format!(".{}", escaped(locale.as_str()))).unwrap_or_default();
    let names = std::iter::once(String::new()).chain((2_u32..).map(|n| format!("-{n}")));
    let mut names = names.map(|n| format!("code/{slug}-{digits}{n}{locale}.js"));
    names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default()
}

/// The file of a locale.
pub(super) fn locale_file(locale: &LocaleName) -> String {
    format!("locales/{}.json", escaped(locale.as_str()))
}

/// The locale of a file in `locales`, by its name without `.json`.
pub(super) fn locale_of(stem: &str) -> Option<LocaleName> {
    let mut bytes = Vec::with_capacity(stem.len());
    let mut rest = stem.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()?.parse().ok()
}

/// A name as a file may be called everywhere; see [`locale_of`] for the way back.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    let n_characters = name.chars().count();
    for (at, letter) in name.chars().enumerate() {
        let is_at_end = (at == 0 || at + 1 == n_characters) && letter == '.';
        if ESCAPED.contains(&letter) || is_at_end {
            let _ = write!(escaped, "%{:02x}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}
