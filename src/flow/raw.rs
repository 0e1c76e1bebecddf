//! A live flow that cannot be parsed: what is found in its bytes all the same, and the hash that stands for it.

use std::borrow::Cow;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::document::{Document, kept, scan};
use super::{ContentHash, Reference};

/// What is hashed first, so that such a hash is never that of a canonical form: this is the beginning of no JSON.
const HASH_DOMAIN: &[u8] = b"flowsync: bytes of a live flow\0";

/// What was found in the bytes of a live flow. Where a key stands twice the last one counts, as it does for the
/// readers of JSON that a tenant is made of.
pub(super) struct RawFlow<'a> {
    text: &'a [u8],
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) references: Vec<Reference>,
    /// What is left without the top-level `environmentId`.
    parts: Vec<Range<usize>>,
}

impl<'a> RawFlow<'a> {
    pub(super) fn in_text(text: &'a [u8]) -> Self {
        let (name, version) = (String::new(), String::new());
        let mut found = Self {
            text,
            id: None,
            name,
            version,
            references: Vec::new(),
            parts: std::iter::once(0..text.len()).collect(),
        };
        let Some(mut members) = scan::members(text) else { return found };
        let mut items = Vec::new();
        for scan::Member { key, start, value } in members.by_ref() {
            let word = || value.as_str().map(Cow::into_owned);
            match &*key {
                "id" => found.id = word(),
                "name" => found.name = word().unwrap_or_default(),
                "version" => found.version = word().unwrap_or_default(),
                "externalReferences" => found.references = references(value.text),
                _ => {}
            }
            items.push((start..value.span.end, key == "environmentId"));
        }
        if members.is_whole() {
            found.parts = kept(text.len(), &items);
        }
        found
    }

    /// The bytes without the top-level `environmentId`, where its end can be told.
    pub(super) fn body(&self) -> Vec<u8> {
        self.parts().collect::<Vec<_>>().concat()
    }

    /// Over the same bytes without the blanks between values: a tenant may set them as it likes.
    pub(super) fn hash(&self) -> ContentHash {
        let mut hasher = Sha256::new_with_prefix(HASH_DOMAIN);
        self.parts().flat_map(scan::solid_pieces).for_each(|piece| hasher.update(piece));
        ContentHash(hasher.finalize().into())
    }

    fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter().filter_map(|part| self.text.get(part.clone()))
    }
}

/// The entries that can be understood, each on its own.
fn references(text: &[u8]) -> Vec<Reference> {
    let entries = scan::elements(text).into_iter().flatten();
    let read =
        |entry: scan::Value<'_>| Document::read(entry.text.into()).0.and_then(|entry| Reference::read(entry.root()));
    entries.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use crate::flow::{Comparison, Definition, DefinitionError, Reading};

    fn read(text: impl AsRef<[u8]>) -> Definition {
        Definition::from_live(text.as_ref(), &Comparison::default()).unwrap()
    }

    /// Every kind of text that the parser refuses, with an id to be found in it.
    fn refused() -> Vec<Vec<u8>> {
        let with = |value: &str| format!(r#"{{"id":"flow_a","name":"A","x":{value},"version":"1.2.3"}}"#).into_bytes();
        let mut texts: Vec<Vec<u8>> = [
            r#"{"y":1,"y":2}"#,
            r#""\ud800""#,
            r#""\udc00x""#,
            "1e999",
            "01",
            "NaN",
            "\"a\u{1}b\"",
            "\"a\nb\"",
            r#""\x41""#,
            "[1,]",
            "{\"a\" 1}",
            "/* c */ 1",
        ]
        .map(with)
        .into();
        texts.push(with(&format!("{}1{}", "[".repeat(200), "]".repeat(200))));
        texts.push(with(&"9".repeat(5_000)));
        texts.push(with(&format!("\"{}\"", "x".repeat(17 << 20))));
        texts
            .push([b"{\"id\":\"flow_a\",\"x\":\"\xff\xfe\",\"name\":\"A\",\"version\":\"1.2.3\"}".as_slice()].concat());
        texts.push(r#"{"id":"flow_b","id":"flow_a","name":"A","version":"9.9.9","version":"1.2.3"}"#.into());
        texts.push("\u{feff}{\"id\":\"flow_a\",\"name\":\"A\",\"version\":\"1.2.3\"}".into());
        texts
    }

    #[test]
    fn what_the_parser_refuses_is_a_flow_with_an_id_a_reason_and_its_bytes() {
        for text in refused() {
            let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
            let flow = read(&text);
            assert_eq!((flow.id.as_str(), &*flow.name, &*flow.version), ("flow_a", "A", "1.2.3"), "{shown}");
            assert!(matches!(flow.reading, Reading::Raw(_)), "{shown}");
            assert!(flow.reading.unreadable().is_some_and(|why| !why.to_string().is_empty()), "{shown}");
            assert_eq!(&**flow.body().unwrap(), &*text, "{shown}");
            assert_eq!(flow.content_hash, flow.equality_hash);
            assert_eq!(read(flow.body().unwrap()), flow, "what is kept is read back as the same");
        }
    }

    #[test]
    fn a_hash_of_bytes_knows_every_byte_but_blanks_and_the_environment() {
        let hash = |text: &str| read(text).content_hash;
        let flow = hash(r#"{"id":"flow_a","x":{"y":1,"y":2}}"#);
        for same in [
            r#"{"environmentId":"env","id":"flow_a","x":{"y":1,"y":2}}"#,
            r#"{ "id" : "flow_a", "environmentId":"e","x": {"y" :1,"y":2},"environmentId":"f" }"#,
        ] {
            assert_eq!(hash(same), flow, "{same}");
        }
        for other in [
            r#"{"id":"flow_a","x":{"y":2,"y":1}}"#,
            r#"{"x":{"y":1,"y":2},"id":"flow_a"}"#,
            r#"{"id":"flow_a","x":{"y":1,"y":2,"environmentId":"env"}}"#,
            r#"{"id":"flow_a","x":{"y":1,"y":2},"z":" "}"#,
        ] {
            assert_ne!(hash(other), flow, "{other}");
        }
        assert_ne!(hash(r#"{"id":"flow_a","z":" ","z":1}"#), hash(r#"{"id":"flow_a","z":"  ","z":1}"#));
    }

    #[test]
    fn references_are_found_one_by_one() {
        let entry = |id: &str| format!(r#"{{"type":"flow","id":"{id}","environmentId":"env"}}"#);
        let (a, b) = (entry("flow_x"), entry("flow_y"));
        let text = format!(r#"{{"id":"flow_a","id":"flow_a","externalReferences":[{a},7,{{"type":}},{b},{a}]}}"#);
        let shown: Vec<_> = read(text).references.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["flow_x", "flow_y"]);
    }

    #[test]
    fn a_beginning_tells_whose_it_is() {
        let begun = |text: &str| Definition::from_beginning(text.as_bytes(), 64);
        let flow = begun(r#"{"environmentId":"env","id":"flow_a","nodes":[{"id":"n1"#).unwrap();
        assert_eq!((flow.id.as_str(), flow.reading.clone()), ("flow_a", Reading::Beginning { bytes_max: 64 }));
        assert_eq!(flow.reading.unreadable().unwrap().to_string(), "it is larger than 64 bytes");
        assert!(flow.body().is_err());
        assert_eq!(begun(r#"{"id":"flow_a"#), Err(DefinitionError::NoId), "half an id is none");
        assert!(matches!(begun(r#"{"id":"a","nodes":["#), Err(DefinitionError::Id(_))));
    }

    #[test]
    fn without_an_id_there_is_no_flow() {
        for text in ["{\"id\":7,\"id\":7}", "{\"x\":1,\"x\":2}", "[1,]", "{\"id\":\"flow_a\",\"id\":null}"] {
            let read = Definition::from_live(text.as_bytes(), &Comparison::default());
            assert!(matches!(read, Err(DefinitionError::Parse(_))), "{text}");
        }
        let read = Definition::from_live(br#"{"id":"flow_a","id":"x"}"#, &Comparison::default());
        assert!(matches!(read, Err(DefinitionError::Id(_))));
    }
}
