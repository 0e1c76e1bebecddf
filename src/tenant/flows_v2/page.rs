//! One page of a list, as the tenant sends it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A page; `items` are exactly the bytes that came.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) items: Vec<&'a RawValue>,
    pub(super) total: u64,
}

/// What an item must say of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, rename = "environmentId")]
    pub(super) environment: Option<Cow<'a, str>>,
}

impl<'a> Page<'a> {
    /// Reads a page; `None` where it is something else.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

impl<'a> Head<'a> {
    /// Reads an item's head; `None` where it has none.
    pub(super) fn read(item: &'a RawValue) -> Option<Self> {
        serde_json::from_str(item.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_bytes_that_came() {
        let body = b"{ \"total\":2, \"offset\":0,\"items\":[ { \"id\" : \"a\\u0062\",\"x\":1.0e5 } ,{\"id\":\"c\"}] }";
        let page = Page::read(body).unwrap();
        assert_eq!(page.total, 2);
        assert_eq!(page.items[0].get(), "{ \"id\" : \"a\\u0062\",\"x\":1.0e5 }");
        let head = Head::read(page.items[0]).unwrap();
        assert_eq!((head.id.as_ref(), head.environment), ("ab", None));
    }

    #[test]
    fn anything_else_is_no_page() {
        for body in
            ["", "[]", "null", "<html>", r#"{"items":[]}"#, r#"{"items":{},"total":0}"#, r#"{"items":[],"total":-1}"#]
        {
            assert!(Page::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Head::read(serde_json::from_str("7").unwrap()).is_none());
    }
}
