//! One page of a list, as the tenant sends it.
//!
//! Pages are taken apart by quotes and brackets alone: one item that nobody can parse must not hide the others, nor
//! itself. An item whose bytes were seen before is not even looked into.

use std::borrow::Cow;

use super::super::Recognised;
use crate::flow::{KnownFlow, scan};

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'a> {
    pub(super) items: Vec<PageItem<'a>>,
    pub(super) total: u64,
}

/// An item of a page, exactly the bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageItem<'a> {
    pub(super) text: &'a [u8],
    pub(super) told: Told<'a>,
}

/// What an item's bytes told on the way to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// They were seen before.
    Known(Box<KnownFlow>),
    Head(Head<'a>),
    /// It is no object.
    Nothing,
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

impl<'a> Page<'a> {
    /// Reads a page; `None` where it is something else. An item that is recognised is not looked into.
    pub(super) fn read(body: &'a [u8], recognise: &dyn Fn(&[u8]) -> Option<Recognised>) -> Option<Self> {
        let mut members = scan::members(body)?;
        let (mut items, mut total) = (None, None);
        let mut length_of = |key: &str, rest: &'a [u8]| {
            if key != "items" {
                return None;
            }
            let (read, length) = PageItem::all(rest, recognise).unzip();
            items = read;
            length
        };
        while let Some(member) = members.next_of_length(&mut length_of) {
            if member.key == "total" {
                total = member.value.as_u64();
            }
        }
        members.is_whole().then_some(Self { items: items?, total: total? })
    }
}

impl<'a> PageItem<'a> {
    /// The items of the array that a text begins with, and how long that is; `None` where it has no end.
    fn all(text: &'a [u8], recognise: &dyn Fn(&[u8]) -> Option<Recognised>) -> Option<(Vec<Self>, usize)> {
        let mut elements = scan::elements(text)?;
        let mut items = Vec::new();
        loop {
            let mut told = None;
            let Some(value) = elements.next_of_length(|rest| {
                if let Some(Recognised { flow, bytes }) = recognise(rest) {
                    told = Some(Told::Known(Box::new(flow)));
                    return Some(bytes);
                }
                let (head, end) = Head::of_beginning(rest)?;
                told = end.is_some().then_some(Told::Head(head));
                end
            }) else {
                break;
            };
            let scan::Value { text, is_whole: true, .. } = value else { return None };
            let told = told.unwrap_or_else(|| Head::read(text).map_or(Told::Nothing, Told::Head));
            items.push(Self { text, told });
        }
        Some((items, elements.end()?))
    }
}

impl<'a> Beginning<'a> {
    /// Reads what came of a page; `None` where that is something else.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let (mut items, mut total) = (None, None);
        for member in scan::members(body)? {
            match &*member.key {
                "items" => items = Some(member.value),
                "total" => total = member.value.as_u64(),
                _ => {}
            }
        }
        let (whole, cut): (Vec<_>, Vec<_>) = scan::elements(items?.text)?.partition(|item| item.is_whole);
        let items = whole.into_iter().map(|item| item.text).collect();
        Some(Self { items, cut: cut.first().map(|item| item.text), total })
    }
}

impl<'a> Head<'a> {
    /// Reads an item's head, of which more may be to come; `None` where it is no object.
    pub(super) fn read(item: &'a [u8]) -> Option<Self> {
        Self::of_beginning(item).map(|(head, _)| head)
    }

    /// The head of the item that a text begins with, and one past its end, where the item is told apart from what
    /// follows by its members alone.
    fn of_beginning(text: &'a [u8]) -> Option<(Self, Option<usize>)> {
        let mut members = scan::members(text)?;
        let mut head = Self::default();
        for scan::Member { key, value, .. } in members.by_ref() {
            match &*key {
                "id" => head.id = value.as_str().filter(|id| !id.is_empty()),
                "environmentId" => head.environment = value.as_str(),
                _ => {}
            }
        }
        Some((head, members.end()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::ContentHash;

    fn head(item: &str) -> Option<(Option<String>, Option<String>)> {
        let Head { id, environment } = Head::read(item.as_bytes())?;
        Some((id.map(Cow::into_owned), environment.map(Cow::into_owned)))
    }

    fn texts<'a>(page: &Page<'a>) -> Vec<&'a [u8]> {
        page.items.iter().map(|item| item.text).collect()
    }

    #[test]
    fn items_are_the_bytes_that_came() {
        let body = b"{ \"total\":2, \"offset\":0,\"items\":[ { \"id\" : \"a\\u0062\",\"x\":1.0e5 } ,{\"id\":\"c\"}] }";
        let page = Page::read(body, &|_| None).unwrap();
        assert_eq!(page.total, 2);
        assert_eq!(page.items[0].text, b"{ \"id\" : \"a\\u0062\",\"x\":1.0e5 }");
        let Told::Head(Head { id, environment }) = &page.items[0].told else { panic!("{page:?}") };
        assert_eq!((id.as_deref(), environment), (Some("ab"), &None));
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
            let page = Page::read(&body, &|_| None).unwrap();
            assert_eq!((texts(&page), page.total), (vec![b"{\"id\":\"c\"}".as_slice(), item, b"{\"id\":\"d\"}"], 3));
            let expected = if item == b"{\"x\" 1}" { None } else { Some("b".into()) };
            let Told::Head(head) = &page.items[1].told else { panic!("{page:?}") };
            assert_eq!(head.id, expected);
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
            assert!(Page::read(body.as_bytes(), &|_| None).is_none(), "{body}");
        }
        assert!(Head::read(b"7").is_none() && Head::read(b"[{}]").is_none());
    }

    #[test]
    fn what_is_recognised_is_not_looked_into() {
        let (content_hash, equality_hash) = (ContentHash([0; 32]), ContentHash([1; 32]));
        let flow = |id: &str| KnownFlow { id: id.parse().unwrap(), content_hash, equality_hash };
        let known = br#"{"id":"flow_a","x":"]}"}"#;
        let recognise =
            |text: &[u8]| text.starts_with(known).then(|| Recognised { flow: flow("flow_a"), bytes: known.len() });
        let of = |text: &[u8]| [br#"{"items":[ "#, text, br#" , {"id":"b"}],"total":2}"#].concat();
        let body = of(known);
        let page = Page::read(&body, &recognise).unwrap();
        assert_eq!(texts(&page), [known.as_slice(), br#"{"id":"b"}"#]);
        assert_eq!(page.items[0].told, Told::Known(Box::new(flow("flow_a"))));
        assert!(matches!(page.items[1].told, Told::Head(_)));
        // As long as it says, whatever is in it: nobody looked.
        let body = of(br#"{"id":"a"}"#);
        let page = Page::read(&body, &|text| {
            text.starts_with(b"{\"id\":\"a").then(|| Recognised { flow: flow("flow_a"), bytes: 10 })
        });
        assert_eq!(texts(&page.unwrap()), [br#"{"id":"a"}"#, br#"{"id":"b"}"#]);
        let beyond = |_: &[u8]| Some(Recognised { flow: flow("flow_a"), bytes: usize::MAX / 2 });
        assert!(Page::read(&of(known), &beyond).is_some(), "what nobody can know is not believed");
    }

    proptest! {
        #[test]
        fn items_end_where_brackets_alone_say(soup in r#"[\[\]{}:," a1\\]{0,24}"#) {
            let body = format!(r#"{{"items":[{soup}],"total":1}}"#);
            let by_brackets = Beginning::read(body.as_bytes()).map(|read| read.items);
            if let Some(page) = Page::read(body.as_bytes(), &|_| None) {
                prop_assert_eq!(Some(texts(&page)), by_brackets);
            }
        }
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
