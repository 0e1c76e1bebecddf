//! Pull requests, merge requests on GitLab: a file a kind of forge, and one for what is done with them.

mod dialect;
mod gitea;
mod github;
mod gitlab;
mod propose;

pub use dialect::PullRequest;
pub(super) use dialect::TITLE_CHARS_MAX;
pub use propose::{Opened, PullOutcome};
