//! A document while it is being composed: every part still knows the file and the place it was written in, and what
//! nobody looks into stays the text it is.

use std::borrow::Cow;
use std::collections::HashMap;

use super::work::{Spent, Work};
use crate::flow::document::{Kind, Node};

/// The file that a value was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Flow,
    Overlay,
}

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    pub(super) side: Side,
    /// Where it was written.
    pub(super) node: Node<'a>,
    pub(super) content: Content<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum Content<'a> {
    /// As it was written, all of it.
    Whole,
    /// Another text.
    Text(String),
    /// An array that was looked into, and what of the overlay last took an element out of it.
    Array(Vec<Value<'a>>, Option<Node<'a>>),
    /// The same of an object.
    Object(Vec<Member<'a>>, Option<Node<'a>>),
}

#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub(super) key: Key<'a>,
    pub(super) value: Value<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum Key<'a> {
    /// A string of a file.
    Written(Node<'a>),
    /// From a JSON pointer.
    Named(String),
}

impl<'a> Key<'a> {
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Written(node) => node.as_str().unwrap_or_default(),
            Self::Named(name) => Cow::Borrowed(name),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Written(node) => out.extend_from_slice(node.raw()),
            Self::Named(name) => write_text(name, out),
        }
    }
}

/// What a segment of a pointer finds in a value.
pub(super) enum Resolution {
    Index(usize),
    /// No such member or element.
    Nothing,
}

impl<'a> Value<'a> {
    pub(super) fn whole(side: Side, node: Node<'a>) -> Self {
        Self { side, node, content: Content::Whole }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.content {
            Content::Whole => self.node.kind(),
            Content::Text(_) => Kind::String,
            Content::Array(..) => Kind::Array,
            Content::Object(..) => Kind::Object,
        }
    }

    pub(super) fn as_str(&self) -> Option<Cow<'_, str>> {
        match &self.content {
            Content::Whole => self.node.as_str(),
            Content::Text(text) => Some(Cow::Borrowed(text)),
            Content::Array(..) | Content::Object(..) => None,
        }
    }

    /// Lists what is in a container, one level deep.
    pub(super) fn open(&mut self, work: &mut Work) -> Result<(), Spent> {
        if !matches!(self.content, Content::Whole) {
            return Ok(());
        }
        let (side, node) = (self.side, self.node);
        match node.kind() {
            Kind::Array => {
                let items: Vec<_> = node.elements().map(|element| Self::whole(side, element)).collect();
                work.made(items.len())?;
                self.content = Content::Array(items, None);
            }
            Kind::Object => {
                let member = |(key, value)| Member { key: Key::Written(key), value: Self::whole(side, value) };
                let members: Vec<_> = node.members().map(member).collect();
                work.made(members.len())?;
                self.content = Content::Object(members, None);
            }
            _ => {}
        }
        Ok(())
    }

    /// Its members, after [`Value::open`]; none of anything but an object.
    pub(super) fn members(&self) -> &[Member<'a>] {
        match &self.content {
            Content::Object(members, _) => members,
            _ => &[],
        }
    }

    /// How many values it was taken apart into.
    pub(super) fn n_parts(&self) -> usize {
        match &self.content {
            Content::Whole | Content::Text(_) => 1,
            Content::Array(items, _) => 1 + items.iter().map(Self::n_parts).sum::<usize>(),
            Content::Object(members, _) => 1 + members.iter().map(|member| member.value.n_parts()).sum::<usize>(),
        }
    }

    /// How deep it was taken apart.
    pub(super) fn depth(&self) -> usize {
        match &self.content {
            Content::Whole | Content::Text(_) => 0,
            Content::Array(items, _) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Content::Object(members, _) => {
                1 + members.iter().map(|member| member.value.depth()).max().unwrap_or_default()
            }
        }
    }

    /// The member or element that a segment names, after [`Value::open`].
    pub(super) fn find(&self, segment: &str, work: &mut Work) -> Result<Resolution, Spent> {
        let index = match &self.content {
            Content::Object(members, _) => {
                work.looked(members.len())?;
                members.iter().position(|member| member.key.text() == segment)
            }
            Content::Array(items, _) => crate::flow::pointer::index(segment).filter(|index| *index < items.len()),
            Content::Whole | Content::Text(_) => None,
        };
        Ok(index.map_or(Resolution::Nothing, Resolution::Index))
    }

    pub(super) fn child_mut(&mut self, index: usize) -> Option<&mut Self> {
        match &mut self.content {
            Content::Object(members, _) => members.get_mut(index).map(|member| &mut member.value),
            Content::Array(items, _) => items.get_mut(index),
            Content::Whole | Content::Text(_) => None,
        }
    }

    /// A member of an object.
    pub(super) fn member(&mut self, key: &str, work: &mut Work) -> Result<Option<&mut Self>, Spent> {
        if self.kind() != Kind::Object {
            return Ok(None);
        }
        self.open(work)?;
        Ok(match self.find(key, work)? {
            Resolution::Index(index) => self.child_mut(index),
            Resolution::Nothing => None,
        })
    }

    /// Takes a member or element out; `by` of the overlay does it.
    pub(super) fn take_out(&mut self, index: usize, by: Node<'a>) -> Option<Self> {
        match &mut self.content {
            Content::Object(members, cut) if index < members.len() => {
                *cut = Some(by);
                Some(members.remove(index).value)
            }
            Content::Array(items, cut) if index < items.len() => {
                *cut = Some(by);
                Some(items.remove(index))
            }
            _ => None,
        }
    }

    /// Writes the text: what was not looked into as it stood.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Whole => out.extend_from_slice(self.node.raw()),
            Content::Text(text) => write_text(text, out),
            Content::Array(items, _) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b", " } else { b"" });
                    item.write(out);
                }
                out.push(b']');
            }
            Content::Object(members, _) => {
                out.push(b'{');
                for (index, Member { key, value }) in members.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b", " } else { b"" });
                    key.write(out);
                    out.extend_from_slice(b": ");
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// How many bytes [`Value::write`] makes, at most.
    pub(super) fn n_bytes(&self) -> usize {
        match &self.content {
            Content::Whole => self.node.span().len(),
            Content::Text(text) => 6 * text.len() + 2,
            Content::Array(items, _) => 2 + items.iter().map(|item| item.n_bytes() + 2).sum::<usize>(),
            Content::Object(members, _) => {
                let key = |key: &Key<'_>| match key {
                    Key::Written(node) => node.span().len(),
                    Key::Named(name) => 6 * name.len() + 2,
                };
                2 + members.iter().map(|member| key(&member.key) + member.value.n_bytes() + 4).sum::<usize>()
            }
        }
    }
}

/// Members by key, where there are so many that looking through them each time would be long.
pub(super) fn index_of(members: &[Member<'_>]) -> HashMap<String, usize> {
    members.iter().enumerate().map(|(index, member)| (member.key.text().into_owned(), index)).collect()
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}
