//! Operations that go by the place of a node in its array: right until somebody adds a node in front of it. A `test` of
//! the node's id before them makes such a patch refuse instead of changing another node.

use super::operation::{Operation, Path, What};
use super::value::Value;
use super::work::{Spent, Work};
use crate::flow::document::{Kind, Node};
use crate::flow::pointer;

/// The arrays of things that have ids.
const ARRAYS: [&str; 3] = ["nodes", "edges", "externalReferences"];

/// What was tested so far.
#[derive(Debug, Default)]
pub(super) struct Guards {
    /// Array and index.
    tested: Vec<(String, usize)>,
}

/// An array of things that have ids, and the place of one of them.
type Spot = (String, usize);

impl Guards {
    /// The paths of an operation that go by an index that no `test` of the id has confirmed. To be called before
    /// the operation is applied.
    pub(super) fn unguarded<'o, 'a>(
        &self,
        target: &mut Value<'a>,
        operation: &'o Operation<'a>,
        work: &mut Work,
    ) -> Result<Option<&'o Path<'a>>, Spent> {
        let paths = match &operation.what {
            What::Test(_) => return Ok(None),
            What::Move(from) | What::Copy(from) => [Some(from), Some(&operation.path)],
            What::Add(_) | What::Replace(_) | What::Remove => [Some(&operation.path), None],
        };
        for path in paths.into_iter().flatten() {
            if let Some(spot) = spot(&path.segments)
                && !self.tested.contains(&spot)
                && has_id(target, &spot, work)?
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Counts an operation that was applied.
    pub(super) fn count(&mut self, operation: &Operation<'_>) {
        let Operation { path, what, .. } = operation;
        match what {
            What::Test(wanted) => {
                let tests_id = match path.segments.as_slice() {
                    [_, _] => wanted.member("id").and_then(Node::as_str).is_some(),
                    [_, _, member] => member == "id",
                    _ => false,
                };
                self.tested.extend(spot(&path.segments).filter(|_| tests_id));
            }
            What::Move(from) => {
                self.shifted(&from.segments);
                self.shifted(&path.segments);
            }
            What::Add(_) | What::Copy(_) | What::Remove => self.shifted(&path.segments),
            What::Replace(_) => self.replaced(&path.segments),
        }
    }

    /// Elements from this one on may be others now.
    fn shifted(&mut self, segments: &[String]) {
        match segments {
            [_, _] => {
                if let Some((array, index)) = spot(segments) {
                    self.tested.retain(|(other, tested)| *other != array || *tested < index);
                }
            }
            _ => self.replaced(segments),
        }
    }

    /// What a path names is another now.
    fn replaced(&mut self, segments: &[String]) {
        let is_inside = |(array, index): &Spot| match segments {
            [] => true,
            [only] => only == array,
            [first, second] => first == array && pointer::index(second) == Some(*index),
            [first, second, member] => first == array && pointer::index(second) == Some(*index) && member == "id",
            _ => false,
        };
        self.tested.retain(|spot| !is_inside(spot));
    }
}

fn spot(segments: &[String]) -> Option<Spot> {
    let [array, index, ..] = segments else { return None };
    Some((array.clone(), pointer::index(index)?)).filter(|_| ARRAYS.contains(&array.as_str()))
}

/// Whether there is something with an id.
fn has_id(target: &mut Value<'_>, (array, index): &Spot, work: &mut Work) -> Result<bool, Spent> {
    let Some(array) = target.member(array, work)? else { return Ok(false) };
    array.open(work)?;
    let Some(element) = array.child_mut(*index).filter(|element| element.kind() == Kind::Object) else {
        return Ok(false);
    };
    Ok(element.member("id", work)?.is_some_and(|id| id.as_str().is_some()))
}
