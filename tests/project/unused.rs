//! What is `pub` is somebody's outside of its file.

use std::collections::BTreeSet;

use super::sources::{Source, files, read, sources};
use super::tokens::{Token, tokens, without_comments};

/// Functions, constants and statics; of a type, the compiler knows whether it must be seen.
#[test]
fn nothing_is_public_for_nobody() {
    let others = ["tests", "benches"].iter().flat_map(|folder| files(folder, &[".rs"]));
    let others: Vec<(String, String)> = others.map(|path| (without_comments(&read(&path)), path)).collect();
    let sources = sources();
    let ours = sources.iter().map(|Source { path, code, .. }| (code.as_str(), path.as_str()));
    let all = ours.chain(others.iter().map(|(code, path)| (code.as_str(), path.as_str())));
    let named: Vec<(&str, BTreeSet<&str>)> = all.map(|(code, path)| (path, names_in(code))).collect();
    let mut wrong = Vec::new();
    for Source { path, code, product } in &sources {
        let is_known = |name: &&str| named.iter().any(|(file, names)| file != path && names.contains(name));
        let unknown = public(&code[..*product]).into_iter().filter(|name| !is_known(name));
        wrong.extend(unknown.map(|name| format!("{path}: nobody else needs `{name}`: make it private, or remove it")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of a file, but those that are only imported or handed on.
fn names_in(code: &str) -> BTreeSet<&str> {
    let mut is_import = false;
    let of_code = |token| {
        is_import = token == Token::Word("use") || (is_import && token != Token::Mark(';'));
        if let Token::Word(name) = token { (!is_import).then_some(name) } else { None }
    };
    // serde is told in quotes who reads and writes a member.
    let quoted = code.split("with = \"").skip(1).filter_map(|rest| rest.split('"').next()?.rsplit("::").next());
    tokens(code).into_iter().filter_map(of_code).chain(quoted).collect()
}

/// The public functions, constants and statics of a file. In a module that is written out, `pub` is for the file.
fn public(code: &str) -> Vec<&str> {
    let tokens = tokens(code);
    let (mut found, mut depth, mut module) = (Vec::new(), 0_usize, None);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => {
                let is_module = at > 1 && tokens[at - 2] == Token::Word("mod");
                module = module.or(is_module.then_some(depth));
                depth += 1;
            }
            Token::Mark('}') => {
                depth -= 1;
                module = module.filter(|module| *module < depth);
            }
            Token::Word("pub") if module.is_none() => found.extend(item(&tokens[at + 1..])),
            _ => {}
        }
    }
    found
}

/// The name of the item that `pub` stands before, where that is a function, a constant or a static.
fn item<'a>(mut rest: &[Token<'a>]) -> Option<&'a str> {
    if rest.first() == Some(&Token::Mark('(')) {
        let end = rest.iter().position(|token| *token == Token::Mark(')'))?;
        rest = &rest[end + 1..];
    }
    while let [Token::Word("const" | "async" | "unsafe"), Token::Word("fn" | "async" | "unsafe"), ..] = rest {
        rest = &rest[1..];
    }
    match rest {
        [Token::Word("fn" | "const" | "static"), Token::Word(name), ..] => Some(name),
        _ => None,
    }
}

#[test]
fn items_are_found_whatever_stands_before_them() {
    let code = "pub fn a() {} pub(crate) const fn b() {} pub(in crate::x) async fn c() { fn d() {} } pub const E: u8 = 1; \
                pub struct F; mod g { pub fn h() {} } pub static I: u8 = 2;";
    assert_eq!(public(code), ["a", "b", "c", "E", "I"]);
    assert_eq!(names_in("use x::{y, z}; pub use w; fn f() { v() }"), BTreeSet::from(["f", "fn", "pub", "v"]));
}
