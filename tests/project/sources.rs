//! The project's own files, as text.

use std::path::Path;

use super::tokens::without_comments;

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
    let code_of = |path: &String| without_comments(&read(path));
    let codes: Vec<(String, String)> = files("src", &[".rs"]).into_iter().map(|path| (code_of(&path), path)).collect();
    let tests: Vec<String> = codes.iter().flat_map(|(code, path)| modules_of_tests(path, code)).collect();
    let load = |(code, path): (String, String)| {
        let is_below =
            |module: &String| path.strip_prefix(module.as_str()).is_some_and(|it| it.starts_with(['.', '/']));
        let is_test = tests.iter().any(is_below);
        let product = if is_test { 0 } else { tests_at(&code).unwrap_or(code.len()) };
        Source { path, code, product }
    };
    codes.into_iter().map(load).collect()
}

/// The modules of tests that a file declares and does not write out, as paths without an ending.
fn modules_of_tests(path: &str, code: &str) -> Vec<String> {
    let folder = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let names = code.split(HEAD).skip(1).filter_map(|rest| rest.lines().next()?.strip_suffix(';'));
    names.map(|name| format!("{folder}/{name}")).collect()
}

/// What stands before the name of a module of tests.
const HEAD: &str = "#[cfg(test)]\nmod ";

/// Where a module of tests begins that is written out in its file.
fn tests_at(code: &str) -> Option<usize> {
    let written_out = |at: &usize| code[at + HEAD.len()..].lines().next().is_some_and(|line| line.ends_with('{'));
    code.match_indices(HEAD).map(|(at, _)| at).find(written_out)
}
