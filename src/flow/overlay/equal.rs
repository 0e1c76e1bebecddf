//! What a patch's `test` calls equal (RFC 6902, 4.6): no order of members, no escapes, numbers by their value.

use std::collections::HashMap;

use super::value::{Content, Member, Value};
use super::work::{Spent, Work};
use crate::flow::document::{Kind, Node};

/// Whether a value is equal to one of the patch.
pub(super) fn is_equal(value: &Value<'_>, wanted: Node<'_>, work: &mut Work) -> Result<bool, Spent> {
    work.looked(1)?;
    match &value.content {
        Content::Whole => nodes_equal(value.node, wanted, work),
        Content::Text(text) => Ok(wanted.as_str().is_some_and(|wanted| wanted == *text)),
        Content::Array(items, _) => {
            let mut others = wanted.elements();
            if wanted.kind() != Kind::Array || others.clone().count() != items.len() {
                return Ok(false);
            }
            all(items.iter(), |item| match others.next() {
                Some(other) => is_equal(item, other, work),
                None => Ok(false),
            })
        }
        Content::Object(members, _) => {
            let others: HashMap<_, _> = wanted.entries().collect();
            work.looked(others.len())?;
            if wanted.kind() != Kind::Object || others.len() != members.len() {
                return Ok(false);
            }
            all(members.iter(), |Member { key, value }| match others.get(&*key.text()) {
                Some(other) => is_equal(value, *other, work),
                None => Ok(false),
            })
        }
    }
}

fn nodes_equal(one: Node<'_>, other: Node<'_>, work: &mut Work) -> Result<bool, Spent> {
    work.looked(1)?;
    match (one.kind(), other.kind()) {
        (Kind::Integer | Kind::Float, Kind::Integer | Kind::Float) => Ok(number(one) == number(other)),
        (Kind::Array, Kind::Array) => {
            if one.elements().count() != other.elements().count() {
                return Ok(false);
            }
            all(one.elements().zip(other.elements()), |(one, other)| nodes_equal(one, other, work))
        }
        (Kind::Object, Kind::Object) => {
            let others: HashMap<_, _> = other.entries().collect();
            work.looked(others.len())?;
            if one.entries().count() != others.len() {
                return Ok(false);
            }
            all(one.entries(), |(key, value)| match others.get(&key) {
                Some(other) => nodes_equal(value, *other, work),
                None => Ok(false),
            })
        }
        (Kind::String, Kind::String) => Ok(one.as_str() == other.as_str()),
        (one_kind, other_kind) => Ok(one_kind == other_kind && one.raw() == other.raw()),
    }
}

fn all<T>(items: impl Iterator<Item = T>, mut is_so: impl FnMut(T) -> Result<bool, Spent>) -> Result<bool, Spent> {
    for item in items {
        if !is_so(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A number in one spelling: digits where it is whole, else as a double is written.
fn number(node: Node<'_>) -> String {
    let text = String::from_utf8_lossy(node.raw());
    if node.kind() == Kind::Integer {
        return if text == "-0" { "0".to_owned() } else { text.into_owned() };
    }
    match text.parse::<f64>() {
        // `-0.0` is zero as well.
        Ok(0.0) => "0".to_owned(),
        Ok(float) if float.fract() == 0.0 => format!("{float:.0}"),
        Ok(float) => format!("{float:e}"),
        Err(_) => text.into_owned(),
    }
}
