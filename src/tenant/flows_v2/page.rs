//! One page of a list, as the tenant sends it.
//!
//! Pages and items are read as JSON where they are, and by quotes and brackets alone where they are not quite: one
//! item that nobody can parse must not hide the others, nor itself.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::flow::scan;

/// A page; `items` are exactly the bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'a> {
    pub(super) items: Vec<&'a [u8]>,
    pub(super) total: u64,
}

/// The beginning of a page that was too large to be taken whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Beginning<'a> {
    /// The items that came whole.
    pub(super) items: Vec<&'a [u8]>,
    /// The one that did not.
    pub(super) cut: Option<&'a [u8]>,
    /// Where it stands before the items.
    pub(super) total: Option<u64>,
}

/// What an item says of itself; where it says a thing twice, the last time counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Absent where there is none, or none that is a string with something in it.
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) environment: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct StrictPage<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    total: u64,
}

#[derive(Deserialize)]
struct StrictHead<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, rename = "environmentId")]
    environment: Option<Cow<'a, str>>,
}

impl<'a> Page<'a> {
    /// Reads a page; `None` where it is something else.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        if let Ok(StrictPage { items, total }) = serde_json::from_slice(body) {
            return Some(Self { items: items.into_iter().map(|item| item.get().as_bytes()).collect(), total });
        }
        let (Beginning { items, cut: None, total: Some(total) }, true) = scanned(body)? else { return None };
        Some(Self { items, total })
    }
}

impl<'a> Beginning<'a> {
    /// Reads what came of a page; `None` where that is something else.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        Some(scanned(body)?.0)
    }
}

/// What is found of a page, and whether it is whole. `None` where there are no items at all.
fn scanned(body: &[u8]) -> Option<(Beginning<'_>, bool)> {
    let mut members = scan::members(body)?;
    let (mut items, mut total) = (None, None);
    for member in members.by_ref() {
        match &*member.key {
            "items" => items = Some(member.value),
            "total" => total = member.value.as_u64(),
            _ => {}
        }
    }
    let mut elements = scan::elements(items?.text)?;
    let (whole, cut): (Vec<_>, Vec<_>) = elements.by_ref().partition(|item| item.is_whole);
    let is_whole = elements.is_whole() && members.is_whole();
    let items = whole.into_iter().map(|item| item.text).collect();
    Some((Beginning { items, cut: cut.first().map(|item| item.text), total }, is_whole))
}

impl<'a> Head<'a> {
    /// Reads an item's head, of which more may be to come; `None` where it is no object.
    pub(super) fn read(item: &'a [u8]) -> Option<Self> {
        if let Ok(StrictHead { id, environment }) = serde_json::from_slice(item) {
            return Some(Self { id: Some(id).filter(|id| !id.is_empty()), environment });
        }
        let mut head = Self::default();
        for scan::Member { key, value, .. } in scan::members(item)? {
            match &*key {
                "id" => head.id = value.as_str().filter(|id| !id.is_empty()),
                "environmentId" => head.environment = value.as_str(),
                _ => {}
            }
        }
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(item: &str) -> Option<(Option<String>, Option<String>)> {
        let Head { id, environment } = Head::read(item.as_bytes())?;
        Some((id.map(Cow::into_owned), environment.map(Cow::into_owned)))
    }

    #[test]
    fn items_are_the_bytes_that_came() {
        let body = b"{ \"total\":2, \"offset\":0,\"items\":[ { \"id\" : \"a\\u0062\",\"x\":1.0e5 } ,{\"id\":\"c\"}] }";
        let page = Page::read(body).unwrap();
        assert_eq!(page.total, 2);
        assert_eq!(page.items[0], b"{ \"id\" : \"a\\u0062\",\"x\":1.0e5 }");
        let Head { id, environment } = Head::read(page.items[0]).unwrap();
        assert_eq!((id.as_deref(), environment), (Some("ab"), None));
    }

    #[test]
    fn an_item_that_nobody_can_parse_hides_no_other() {
        let odd: [&[u8]; 6] = [
            b"{\"id\":\"a\",\"id\":\"b\"}",
            b"{\"id\":\"b\",\"x\":\"\x01\"}",
            b"{\"id\":\"b\",\"x\":\"\xff\"}",
            b"{\"id\":\"b\",\"x\":[01,NaN,]}",
            b"{\"x\":\"\\ud800\",\"id\":\"b\",\"environmentId\":7}",
            b"{\"x\" 1}",
        ];
        for item in odd {
            let body = [b"{\"items\":[{\"id\":\"c\"}, ".as_slice(), item, b" ,{\"id\":\"d\"}],\"total\":3}"].concat();
            let page = Page::read(&body).unwrap();
            assert_eq!(page, Page { items: vec![b"{\"id\":\"c\"}", item, b"{\"id\":\"d\"}"], total: 3 });
            let expected = if item == b"{\"x\" 1}" { None } else { Some("b".into()) };
            assert_eq!(Head::read(item).unwrap().id, expected);
        }
    }

    #[test]
    fn anything_else_is_no_page() {
        for body in [
            "",
            "[]",
            "null",
            "<html>",
            r#"{"items":[]}"#,
            r#"{"items":{},"total":0}"#,
            r#"{"items":[],"total":-1}"#,
            r#"{"items":[{"id":"a"],"total":1}"#,
            r#"{"items":[{"id":"a"}],"total":1"#,
            r#"{"items":[{"id":"a"}] "total":1}"#,
        ] {
            assert!(Page::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Head::read(b"7").is_none() && Head::read(b"[{}]").is_none());
    }

    #[test]
    fn what_an_item_says_last_counts() {
        let some = |id: &str, environment: &str| Some((Some(id.to_owned()), Some(environment.to_owned())));
        let twice = r#"{"id":"a","environmentId":"e","\u0069d":"b","environmentId":"f"}"#;
        assert_eq!(head(twice), some("b", "f"));
        assert_eq!(head(r#"{"id":"a","id":7}"#), Some((None, None)));
        assert_eq!(head(r#"{"id":""}"#), Some((None, None)));
        assert_eq!(head("{}"), Some((None, None)));
    }

    #[test]
    fn the_beginning_of_a_page_tells_what_came_whole_and_what_did_not() {
        let begun = |body: &'static str| Beginning::read(body.as_bytes()).unwrap();
        let body = r#"{"total":9,"items":[{"id":"a"},{"id":"b","x":"#;
        assert_eq!(
            begun(body),
            Beginning { items: vec![b"{\"id\":\"a\"}"], cut: Some(br#"{"id":"b","x":"#), total: Some(9) }
        );
        assert_eq!(
            begun(r#"{"items":[{"id":"a"},"#),
            Beginning { items: vec![b"{\"id\":\"a\"}"], cut: None, total: None }
        );
        assert!(Beginning::read(b"<html>").is_none() && Beginning::read(br#"{"total":9,"ite"#).is_none());
    }
}
