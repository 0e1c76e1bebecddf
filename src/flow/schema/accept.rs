//! A quick yes: whether a flow surely satisfies the schema, told from the document alone.
//!
//! Most flows do, and for them the validator would be shown a copy of the whole document only to say
//! so. A no means "not sure": the validator decides, and it alone says what is wrong. A test holds the
//! two against each other.

use crate::flow::document::{Kind, Node};

const NODE_TYPES: [&[u8]; 5] = [br#""start""#, br#""intent""#, br#""action""#, br#""end""#, br#""external""#];
const REFERENCE_TYPES: [&[u8]; 4] = [br#""flow""#, br#""intent""#, br#""entity""#, br#""variable""#];

/// What is known of a member the schema names.
enum Member {
    /// It is as the schema wants it; required ones have a bit.
    Good(u8),
    /// It may not be, or its key is written with escapes.
    Unsure,
}

/// Whether the document surely satisfies the schema.
pub(super) fn is_surely_valid(root: Node<'_>) -> bool {
    holds(root, 0b1_1111, |key, value| match key {
        br#""id""# => good_if(is_flow_id(value), 1),
        br#""name""# => good_if(value.kind() == Kind::String && value.raw().len() > 2, 2),
        br#""version""# => good_if(is_version(value), 4),
        br#""nodes""# => good_if(all(value, is_node), 8),
        br#""edges""# => good_if(all(value, is_edge), 16),
        br#""externalReferences""# => good_if(all(value, is_reference), 0),
        _ => Member::Good(0),
    })
}

fn is_node(node: Node<'_>) -> bool {
    holds(node, 0b111, |key, value| match key {
        br#""id""# => good_if(value.kind() == Kind::String, 1),
        br#""type""# => good_if(NODE_TYPES.contains(&value.raw()), 2),
        br#""configuration""# => good_if(value.kind() == Kind::Object, 4),
        _ => Member::Good(0),
    })
}

fn is_edge(edge: Node<'_>) -> bool {
    holds(edge, 0b11, |key, value| match key {
        br#""from""# => good_if(value.kind() == Kind::String, 1),
        br#""to""# => good_if(value.kind() == Kind::String, 2),
        br#""condition""# => good_if(matches!(value.kind(), Kind::String | Kind::Null), 0),
        _ => Member::Good(0),
    })
}

fn is_reference(reference: Node<'_>) -> bool {
    holds(reference, 0b111, |key, value| match key {
        br#""type""# => good_if(REFERENCE_TYPES.contains(&value.raw()), 1),
        br#""id""# => good_if(value.kind() == Kind::String, 2),
        br#""environmentId""# => good_if(value.kind() == Kind::String, 4),
        _ => Member::Good(0),
    })
}

/// Whether `object` is one, `look` is content with each of its members (a key comes as written, in its
/// quotes), and every bit of `required` was given. The parser lets no key stand twice.
#[inline]
fn holds<'a>(object: Node<'a>, required: u8, look: impl Fn(&[u8], Node<'a>) -> Member) -> bool {
    let mut given = 0;
    for (key, value) in object.members() {
        match look(key.raw(), value) {
            Member::Good(bit) if !key.is_escaped() => given |= bit,
            _ => return false,
        }
    }
    object.kind() == Kind::Object && given & required == required
}

fn good_if(is_good: bool, bit: u8) -> Member {
    if is_good { Member::Good(bit) } else { Member::Unsure }
}

fn all(array: Node<'_>, is_good: fn(Node<'_>) -> bool) -> bool {
    array.kind() == Kind::Array && array.elements().all(is_good)
}

/// `^flow_[a-zA-Z0-9]+$`, written without escapes.
fn is_flow_id(value: Node<'_>) -> bool {
    let id = value.raw().strip_prefix(br#""flow_"#).and_then(|rest| rest.strip_suffix(b"\""));
    id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_alphanumeric))
}

/// `^[0-9]+\.[0-9]+\.[0-9]+$`, written without escapes.
fn is_version(value: Node<'_>) -> bool {
    let inside = value.raw().strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    inside.is_some_and(|inside| {
        let mut parts = inside.split(|byte| *byte == b'.');
        parts.by_ref().take(3).filter(|part| is_number(part)).count() == 3 && parts.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::super::super::document::Document;
    use super::super::is_valid;
    use super::*;

    const GOOD: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0","nodes":[{"id":"s","type":"start","configuration":{}},{"id":"e","type":"end","configuration":{"a":[1]},"x":{}}],"edges":[{"from":"s","to":"e","condition":null},{"from":"s","to":"e","condition":"c"},{"to":"e","from":"s"}],"externalReferences":[{"type":"intent","id":"i","environmentId":"e"}],"more":[{}]}"#;

    fn is_sure(text: &str) -> bool {
        is_surely_valid(Document::parse(text.as_bytes()).unwrap().root())
    }

    fn json_files(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                json_files(&entry, files);
            } else if entry.extension().is_some_and(|extension| extension == "json") {
                files.push(entry);
            }
        }
    }

    #[test]
    fn the_examples_need_no_validator() {
        let mut files = Vec::new();
        json_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flows-repo/flows"), &mut files);
        assert!(files.len() > 10);
        for file in files {
            assert!(is_sure(&std::fs::read_to_string(&file).unwrap()), "{}", file.display());
        }
    }

    #[test]
    fn what_is_wrong_or_oddly_written_is_left_to_the_validator() {
        assert!(is_sure(GOOD));
        assert!(is_sure(&GOOD.replace(r#""name":"A""#, r#""name":"\u0041""#)));
        for (from, to) in [
            (r#""id":"flow_a","#, ""),
            ("flow_a", "flow_"),
            ("flow_a", r"flow_\u0061"),
            (r#""name":"A""#, r#""name":"""#),
            (r#""name""#, r#""n\u0061me""#),
            (r#""more""#, r#""m\u006fre""#),
            ("1.0.0", "1.0"),
            ("1.0.0", "1.0.0."),
            ("1.0.0", "1..0"),
            ("1.0.0", "1.0.0.0"),
            (r#""start""#, r#""strat""#),
            (r#""configuration":{}"#, r#""configuration":[]"#),
            (r#""from":"s","#, ""),
            ("null", "1"),
            (r#""intent""#, r#""flows""#),
            (r#""environmentId":"e""#, r#""environmentId":null"#),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert!(!is_sure(&GOOD.replacen(from, to, 1)), "{from} -> {to}");
        }
        for text in ["[]", "{}", "null", r#""flow_a""#] {
            assert!(!is_sure(text));
        }
    }

    /// What a mutation puts in the place of a part of the text.
    const PARTS: [&str; 22] = [
        "",
        "null",
        "1",
        "{}",
        "[]",
        "[{}]",
        "\"\"",
        "\"start\"",
        "\"flow\"",
        "\"flow_b\"",
        "\"2.10.0\"",
        "\"id\"",
        "\"type\"",
        "\"nodes\"",
        "\"to\"",
        "\\n",
        "\\u0061",
        "a",
        "ä",
        "9",
        ",",
        "true",
    ];

    /// Where tokens begin and end.
    fn seams(text: &str) -> Vec<usize> {
        let is_seam = |(_, c): &(usize, char)| !c.is_ascii_alphanumeric();
        text.char_indices().filter(is_seam).flat_map(|(at, c)| [at, at + c.len_utf8()]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_is_accepted_quickly_the_validator_accepts(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..5_usize, 0..PARTS.len()), 1..4),
        ) {
            let mut text = GOOD.to_owned();
            for (from, length, part) in changes {
                let seams = seams(&text);
                let from = from.index(seams.len());
                let to = (from + length).min(seams.len() - 1);
                let range = seams[from]..seams[to].max(seams[from]);
                text.replace_range(range, PARTS[part]);
            }
            if let Ok(document) = Document::parse(text.as_bytes()) {
                prop_assert!(!is_surely_valid(document.root()) || is_valid(document.root()), "{}", text);
            }
        }
    }
}
