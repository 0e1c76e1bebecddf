//! Where things are: the URL of a repository, a branch, a folder of it; and which hosts are this machine.
//!
//! Each is parsed once, where it comes in, by one set of rules; whoever is handed one need not check it again.

mod as_text;
mod branch;
mod checked_url;
mod folder;
mod loopback;
mod refused;
mod repository_url;

pub use branch::Branch;
pub use checked_url::{Insecure, Scheme};
pub(crate) use checked_url::{checked_url, shown_scheme};
pub use folder::Folder;
pub use loopback::is_loopback;
pub(crate) use refused::shown;
pub use refused::{NameRefused, UrlProblem, UrlRefused};
pub(crate) use repository_url::strip;
pub use repository_url::{RemoteUrl, RepositoryUrl};
