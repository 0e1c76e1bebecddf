//! `repository.exclude`: globs of what stands below the flows folder and is no flow.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Globs, each a path from the flows folder: `*` and `?` stay within one folder, `**` crosses folders.
///
/// A glob that names a folder leaves out everything in it.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    written: Vec<String>,
    set: GlobSet,
}

/// A glob that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a glob such as `**/package.json`, found `{glob}`: {reason}")]
pub struct ExcludeError {
    /// The glob.
    pub glob: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Exclude {
    /// Reads globs.
    ///
    /// # Errors
    /// [`ExcludeError`] for the first that is none, or that could not name anything below a folder.
    pub fn new<G: AsRef<str>>(globs: &[G]) -> Result<Self, ExcludeError> {
        let mut set = GlobSetBuilder::new();
        let mut written = Vec::with_capacity(globs.len());
        for glob in globs {
            let glob = glob.as_ref();
            let failed = |reason: String| ExcludeError { glob: glob.to_owned(), reason };
            if let Some(reason) = misunderstood(glob) {
                return Err(failed(reason.to_owned()));
            }
            let mut built = GlobBuilder::new(glob.trim_end_matches('/'));
            let built = built
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| failed(error.kind().to_string()))?;
            set.add(built);
            written.push(glob.to_owned());
        }
        let set = set.build().map_err(|error| ExcludeError {
            glob: error.glob().unwrap_or_default().to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self { written, set })
    }

    /// Whether a glob names this path from the flows folder. A walk asks for each folder before it enters it.
    #[must_use]
    pub fn names(&self, below: &str) -> bool {
        !self.written.is_empty() && self.set.is_match(below)
    }

    /// As they were written.
    #[must_use]
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

/// What people write who think of another kind of pattern.
fn misunderstood(glob: &str) -> Option<&'static str> {
    let parts = || glob.trim_end_matches('/').split('/');
    match glob {
        _ if glob.starts_with('/') => Some("write it from the flows folder, without a `/` before it"),
        _ if glob.starts_with('!') => Some("nothing is taken back with `!`; name only what is left out"),
        _ if parts().any(|part| matches!(part, "." | "..")) => Some("it begins in the flows folder and stays there"),
        _ if parts().any(str::is_empty) => Some("it has an empty part"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths that the globs name.
    fn named<'p>(globs: &[&str], paths: &[&'p str]) -> Vec<&'p str> {
        let exclude = Exclude::new(globs).unwrap();
        paths.iter().copied().filter(|path| exclude.names(path)).collect()
    }

    #[test]
    fn globs_name_paths_from_the_flows_folder() {
        let paths = ["package.json", "a/package.json", "a/b/package.json", "a", "a/b.json", "Package.json"];
        assert_eq!(named(&["**/package.json"], &paths), ["package.json", "a/package.json", "a/b/package.json"]);
        assert_eq!(named(&["package.json"], &paths), ["package.json"]);
        assert_eq!(named(&["*/package.json"], &paths), ["a/package.json"]);
        assert_eq!(named(&["a/"], &paths), ["a"], "the walk does not enter it");
        assert_eq!(named(&["a/**"], &paths), ["a/package.json", "a/b/package.json", "a/b.json"]);
        assert_eq!(named(&["{P,p}ackage.json", "a/?.json"], &paths), ["package.json", "a/b.json", "Package.json"]);
        assert_eq!(named(&[], &paths), [""; 0]);
    }

    #[test]
    fn what_could_name_nothing_is_refused_with_the_reason() {
        for (glob, reason) in [
            ("/package.json", "without a `/` before it"),
            ("!a.json", "nothing is taken back"),
            ("../a.json", "stays there"),
            ("./a.json", "begins in the flows folder"),
            ("a//b", "an empty part"),
            ("", "an empty part"),
            ("[a.json", "unclosed character class"),
            ("{a,b.json", "unclosed alternate group"),
        ] {
            let error = Exclude::new(&[glob]).unwrap_err();
            assert!(error.glob == glob && error.reason.contains(reason), "{error}");
        }
    }
}
