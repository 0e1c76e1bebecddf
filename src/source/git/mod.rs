//! Git through libgit2: a local repository used where it is, or a remote with a bare clone in the cache.
//!
//! Invariants: nothing is forced; on tracked branches only the records folder is written; no hook, submodule, symbolic
//! link or remote helper of a repository is ever followed; whoever writes in the cache holds its lock.
//! Every call runs on a blocking thread with a repository of its own.

mod around;
mod attributes;
mod build;
mod cache;
mod chance;
mod clones;
mod facts;
mod fetches;
mod flows;
mod folder;
mod global;
mod history;
mod home;
mod host_keys;
mod known_hosts;
mod local;
mod local_watch;
mod locks;
mod merge;
mod names;
mod normal;
mod pace;
mod packs;
mod propose;
mod prove;
mod push;
mod read;
mod remote;
mod repack;
mod sharing;
mod sign_in;
mod signing;
mod source;
mod talk;
mod tidy;
mod tips;
mod units;
mod upkeep;
mod versions;
mod watch;
mod work_files;
mod work_tree;

pub use around::{LocalRecord, LocalRepository, blob_id, discover_work_tree};
pub use fetches::Fetches;
pub use merge::Merged;
pub use normal::normal_url;
pub use source::{GitOptions, GitSource};
pub use units::folder_id;
pub use watch::RefWatch;
pub use work_tree::WorkTree;

use super::BlobId;

/// The id git gives a file with this content.
///
/// Hashing memory cannot fail; were it to, the empty id matches no blob.
fn blob_of(content: &[u8]) -> BlobId {
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, content);
    BlobId(id.map(|id| id.to_string()).unwrap_or_default())
}
