//! JSON Merge Patch (RFC 7386) on values that know where they come from.

use super::value::{Content, Key, Member, Side, Value, index_of};
use super::work::{Spent, Work};
use crate::flow::document::{Kind, Node};

/// From so many members on they are looked up by an index.
const MANY: usize = 16;

/// Merges a patch, the node of an overlay, into a value.
pub(super) fn merge<'a>(target: &mut Value<'a>, patch: Node<'a>, work: &mut Work) -> Result<(), Spent> {
    work.looked(1)?;
    if patch.kind() != Kind::Object {
        *target = Value::whole(Side::Overlay, patch);
        return Ok(());
    }
    if target.kind() == Kind::Object {
        target.open(work)?;
    } else {
        // What is no object is as if it were an empty one.
        *target = Value { side: Side::Overlay, node: patch, content: Content::Object(Vec::new(), None) };
    }
    let Content::Object(members, cut) = &mut target.content else { return Ok(()) };
    let indexed = (members.len() >= MANY).then(|| index_of(members));
    let mut leaving = Vec::new();
    for (key_node, value) in patch.members() {
        let key = Key::Written(key_node);
        let known = match &indexed {
            Some(indexed) => indexed.get(&*key.text()).copied(),
            None => {
                work.looked(members.len())?;
                members.iter().position(|member| member.key.text() == key.text())
            }
        };
        match (known, value.is_null()) {
            (Some(index), true) => leaving.push((index, key_node)),
            (None, true) => {}
            (Some(index), false) => {
                if let Some(member) = members.get_mut(index) {
                    merge(&mut member.value, value, work)?;
                }
            }
            (None, false) => {
                work.made(1)?;
                let mut added = Value::whole(Side::Overlay, value);
                if value.kind() == Kind::Object {
                    // A null in it adds nothing.
                    added.content = Content::Object(Vec::new(), None);
                    merge(&mut added, value, work)?;
                }
                members.push(Member { key, value: added });
            }
        }
    }
    if let Some((_, by)) = leaving.last() {
        *cut = Some(*by);
        leaving.sort_by_key(|(index, _)| *index);
        let mut index = 0;
        members.retain(|_| {
            let stays = leaving.binary_search_by_key(&index, |(index, _)| *index).is_err();
            index += 1;
            stays
        });
    }
    Ok(())
}
