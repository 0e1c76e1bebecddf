//! No two files need each other, by whatever way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{Needs, needs};
use super::sources::{Source, sources};

#[test]
fn no_file_needs_itself_by_way_of_others() {
    let found: Vec<String> = circles(&needs(&sources())).iter().map(|way| way.join(" -> ")).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The shortest circle through each file that is in one, where an earlier circle does not hold it already.
fn circles(needs: &Needs) -> Vec<Vec<&str>> {
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for file in needs.keys() {
        if !circles.iter().flatten().any(|known| known == file) {
            circles.extend(way_back(needs, file));
        }
    }
    circles
}

/// The shortest way from a file over others to itself.
fn way_back<'n>(needs: &'n Needs, file: &'n str) -> Option<Vec<&'n str>> {
    let mut reached_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([file]);
    while let Some(at) = waiting.pop_front() {
        for next in needs.get(at).into_iter().flatten().map(String::as_str) {
            if !reached_from.contains_key(next) {
                reached_from.insert(next, at);
                waiting.push_back(next);
            }
        }
        if let Some(last) = reached_from.get(file) {
            let mut way = vec![file, *last];
            while way.last() != Some(&file) {
                way.extend(way.last().and_then(|at| reached_from.get(at)));
            }
            way.reverse();
            return Some(way);
        }
    }
    None
}

/// Sources written as `file: code`.
fn written(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(path, code): &(&str, &str)| Source {
        path: (*path).to_owned(),
        code: (*code).to_owned(),
        product: code.len(),
    };
    files.iter().map(source).collect()
}

#[test]
fn circles_are_found_through_re_exports_and_only_where_there_are_some() {
    let facade = ("src/a/mod.rs", "mod b; mod c; pub use b::{B, self as bee}; pub use c::C;");
    let (b, c) = (("src/a/b.rs", "pub struct B(super::C);"), ("src/a/c.rs", "pub struct C;"));
    let found = |files: &[(&str, &str)]| {
        let needs = needs(&written(files));
        circles(&needs).iter().map(|way| way.join(" ")).collect::<Vec<_>>()
    };
    assert!(found(&[facade, b, c]).is_empty(), "what is handed on is not needed");
    let circle = ["src/a/b.rs src/a/c.rs src/a/b.rs"];
    assert_eq!(found(&[facade, b, ("src/a/c.rs", "use crate::{x::Y, a::B}; pub struct C;")]), circle);
    assert_eq!(found(&[facade, b, ("src/a/c.rs", "pub struct C; fn of() { super::bee::f(\"crate::x\") }")]), circle);
    assert_eq!(found(&[facade, b, ("src/a/c.rs", "use super::*; pub struct C;")]), Vec::<String>::new());
    let used = ("src/a/mod.rs", "mod b; mod c; pub use b::B; pub use c::C; fn f() -> B { b::make() }");
    let back = ("src/a/b.rs", "use super::f; pub struct B; pub fn make() -> B { f() }");
    assert_eq!(found(&[used, back, c]), ["src/a/b.rs src/a/mod.rs src/a/b.rs"]);
}

#[test]
fn whoever_needs_somebody_is_known() {
    let needs = needs(&sources());
    let needs = |file: &str| needs.get(file).cloned().unwrap_or_default();
    let expected = |files: &[&str]| files.iter().map(|file| (*file).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(needs("src/main.rs"), expected(&[]), "it is a crate of its own");
    assert_eq!(needs("src/problem/markdown.rs"), expected(&["src/problem/escape.rs"]));
    assert!(needs("src/tenant/mod.rs").is_superset(&expected(&["src/flow/id.rs", "src/tenant/error.rs"])));
}
