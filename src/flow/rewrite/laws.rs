//! The laws of a rewritten file.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Plain;

use super::rewrite;
use crate::flow::diff::any::{any_flow, any_json};
use crate::flow::document::Document;
use crate::flow::indent::{Keys, indented};

fn parse(text: &[u8]) -> Document {
    Document::parse(text).unwrap()
}

/// A text in another hand: laid out in lines or not, with another indentation and line end.
fn in_another_hand(text: &str, hand: u8) -> String {
    let spread = || indented(text.as_bytes(), Keys::AsWritten).unwrap();
    match hand {
        0 => text.to_owned(),
        1 => spread(),
        2 => spread().replace("\n", "\r\n"),
        3 => spread().replace("  ", "\t").trim_end().to_owned(),
        _ => serde_json::from_str::<Plain>(text).unwrap().to_string(),
    }
}

fn check(old: &str, new: &str) -> Result<(), TestCaseError> {
    let (before, after) = (parse(old.as_bytes()), parse(new.as_bytes()));
    let made = rewrite(&before, &after);
    let read = Document::parse(made.clone());
    prop_assert!(read.is_ok(), "{} {} {}", old, new, String::from_utf8_lossy(&made));
    let read = read.unwrap();
    prop_assert_eq!(read.canonical(), after.canonical(), "{} {}", old, new);
    prop_assert_eq!(rewrite(&read, &after), made.clone(), "{} {}", old, new);
    let has_empty_line =
        |text: &[u8]| text.split(|byte| *byte == b'\n').rev().skip(1).any(|line| line.trim_ascii().is_empty());
    prop_assert!(has_empty_line(old.as_bytes()) || !has_empty_line(&made), "{}", String::from_utf8_lossy(&made));
    Ok(())
}

/// Paths to every scalar.
fn scalars(value: &Plain, path: String, found: &mut Vec<String>) {
    match value {
        Plain::Object(members) => members.iter().for_each(|(key, value)| {
            scalars(value, format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Plain::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| scalars(item, format!("{path}/{at}"), found));
        }
        _ => found.push(path),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_says_what_it_is_to_say(old in any_flow(), new in any_flow(), hand in 0_u8..5) {
        check(&in_another_hand(&old, hand), &new)?;
    }

    #[test]
    fn any_file_does(old in any_json(), new in any_json(), hand in 0_u8..4) {
        check(&in_another_hand(&old, hand), &new)?;
        let old = in_another_hand(&old, hand);
        prop_assert_eq!(rewrite(&parse(old.as_bytes()), &parse(old.as_bytes())), old.clone().into_bytes());
    }

    #[test]
    fn one_changed_value_is_one_changed_line(flow in any_flow(), hand in 1_u8..4, which in any::<proptest::sample::Index>(), new in select(vec!["\"q\"", "7", "null"])) {
        let mut value: Plain = serde_json::from_str(&flow).unwrap();
        let mut paths = Vec::new();
        scalars(&value, String::new(), &mut paths);
        // An id that changes is another item.
        paths.retain(|path| !path.ends_with("/id"));
        if !paths.is_empty() {
            let old = in_another_hand(&value.to_string(), hand);
            *value.pointer_mut(&paths[which.index(paths.len())]).unwrap() = serde_json::from_str(new).unwrap();
            let made = rewrite(&parse(old.as_bytes()), &parse(value.to_string().as_bytes()));
            let made = String::from_utf8(made).unwrap();
            let (old_lines, new_lines): (Vec<_>, Vec<_>) = (old.split('\n').collect(), made.split('\n').collect());
            prop_assert_eq!(old_lines.len(), new_lines.len(), "{} {}", old, made);
            let n_changed = old_lines.iter().zip(&new_lines).filter(|(old, new)| old != new).count();
            prop_assert!(n_changed <= 1, "{} {}", old, made);
        }
    }
}
