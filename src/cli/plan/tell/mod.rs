//! A difference told to somebody who builds flows: labels before ids, texts as people would hear them.

mod edges;
mod flow;
mod nodes;
mod summary;
mod values;
mod words;

pub(super) use flow::flow;
pub(super) use summary::summary;
pub(super) use words::shortened;
