//! What the platform holds and what calls do to it: pure, the time and the rules are handed in.
//!
//! - `kinds`, `config`: node types, and what a node's config may hold.
//! - `node`, `chart`, `place`: the chart of a flow, and where nodes may stand in it.
//! - `flow`, `intent`, `locale`, `thing`, `endpoint`, `meta`: the other resources.
//! - `content`, `project`, `snapshot`, `package`, `platform`: all of them together.
//! - `task`, `task_calls`, `work`: what takes time. `merge`, `remint`: packages and snapshots coming back.
//! - `body`: bodies of calls; `chart_calls`, `flow_calls`: what these do.
//! - `graph`: who needs whom in a project.

pub(crate) mod body;
pub(crate) mod chart;
mod chart_calls;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod endpoint;
pub(crate) mod flow;
pub(crate) mod flow_calls;
pub(crate) mod graph;
pub(crate) mod intent;
pub(crate) mod kinds;
pub(crate) mod locale;
pub(crate) mod merge;
pub(crate) mod meta;
pub(crate) mod node;
pub(crate) mod package;
pub(crate) mod place;
pub(crate) mod platform;
pub(crate) mod project;
mod remint;
pub(crate) mod snapshot;
pub(crate) mod task;
mod task_calls;
pub(crate) mod thing;
mod work;
