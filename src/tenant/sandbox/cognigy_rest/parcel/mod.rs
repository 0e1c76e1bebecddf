//! Package files: a zip without directory entries, one JSON a resource under `kind/id` without extension (real exports).

pub(super) mod read;
mod text;
pub(super) mod write;

/// The version of the platform that this stand-in is; a package of a newer one is refused.
const VERSION: &str = "4.101.0";
