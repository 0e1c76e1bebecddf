//! The sites where people review: GitHub, GitLab and Gitea. A pull request is opened there, or the open one brought up
//! to date.
//!
//! `site` is the way to one project: its token, its limits, one answer. `pulls` is what is said there about pull requests,
//! a file a kind; `words` is what a person reads in one; `statuses` is what is said of a commit. Nothing here knows git: whoever proposes a branch has pushed it.
//! `hooks` is the other way: what a request to us, which a site signed, says of branches.

mod error;
mod hooks;
mod patience;
mod pulls;
mod site;
mod statuses;
mod words;

pub use error::{ForgeError, OpenError};
pub use hooks::{HookVerdict, UnreadableHook, judge};
#[doc(hidden)]
pub use patience::Patience;
pub use pulls::{Opened, PullOutcome, PullRequest};
pub use site::Forge;
pub(crate) use site::Reach;
pub use statuses::{CommitState, CommitStatus};
pub use words::{About, FlowChange};
