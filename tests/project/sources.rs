//! The project's own files, as text.

use std::path::Path;

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
#[track_caller]
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder with one of these endings, sorted; paths start at the root, with `/`.
pub fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                found.push(shown(&path));
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// One file of Rust.
pub struct Source {
    /// From the root of the project.
    pub path: String,
    /// Without comments.
    pub code: String,
    /// How much of `code` comes before its tests; nothing of a file of tests.
    pub product: usize,
}

impl Source {
    /// The top-level module it belongs to; empty for `lib.rs` and `main.rs`.
    pub fn module(&self) -> &str {
        let below = self.path.trim_start_matches("src/");
        let first = below.split('/').next().unwrap_or(below).trim_end_matches(".rs");
        if matches!(first, "lib" | "main") { "" } else { first }
    }

    /// How many modules deep it stands: 1 for `src/flow/mod.rs`.
    pub fn depth(&self) -> usize {
        let below = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        below.split('/').count()
    }
}

/// Everything in `src`.
pub fn sources() -> Vec<Source> {
    let load = |path: String| {
        let code: String = read(&path).lines().map(|line| format!("{}\n", without_comment(line))).collect();
        let is_test = path.ends_with("/tests.rs");
        let product = if is_test { 0 } else { tests_at(&code).unwrap_or(code.len()) };
        Source { path, code, product }
    };
    files("src", &[".rs"]).into_iter().map(load).collect()
}

/// Where a module of tests begins that is written out in its file.
fn tests_at(code: &str) -> Option<usize> {
    const HEAD: &str = "#[cfg(test)]\nmod ";
    let written_out = |at: &usize| code[at + HEAD.len()..].lines().next().is_some_and(|line| line.ends_with('{'));
    code.match_indices(HEAD).map(|(at, _)| at).find(written_out)
}

/// A line up to its comment. `//` right after `:` is a URL in a string.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").map(|(at, _)| at);
    let comment = starts.into_iter().find(|at| !line[..*at].ends_with(':'));
    comment.map_or(line, |at| &line[..at])
}
