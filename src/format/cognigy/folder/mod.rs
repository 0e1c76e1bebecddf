//! A flow as a folder: `flow.json` with its structure and the settings of one locale, `locales/<name>.json` with those of
//! the others, and code as files. What is said here once is said once in the composed document, and back.

mod code;
mod compose;
mod layout;
mod names;
mod parts;
mod rewrite;
mod scatter;
#[cfg(test)]
mod tests;

pub use compose::{Composition, compose, place_of};
pub use layout::{Known, Layout};
pub use names::folder_name;
pub use rewrite::{Files, NewFolder, changes, is_same, parsed};
pub(in crate::format) use rewrite::{named_in, rewritten, written};
pub use scatter::{Scattered, scatter};

/// The file that heads the folder.
pub const HEAD: &str = "flow.json";

/// Folders of other files, and how those end; right below the flow's folder.
pub const FOLDERS: [(&str, &str); 2] = [("locales", ".json"), ("code", "")];

/// Whether a file has something to say of a flow, by the end of its path: it heads the folder or lies in one of its folders.
#[must_use]
pub fn is_part(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next());
    let is_in = |(below, ending): &(&str, &str)| folder == Some(*below) && name.ends_with(ending);
    name == HEAD || (!name.starts_with('.') && FOLDERS.iter().any(is_in))
}
