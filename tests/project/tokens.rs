//! Rust as words and marks: as much of it as paths and `use` need.

/// A piece of code; what stands in quotes is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// `::`.
    Colons,
    Mark(char),
}

/// The tokens of code without comments.
pub fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = quoted(rest) {
            length
        } else if in_word(first) {
            let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..length]));
            length
        } else if rest.starts_with("::") {
            tokens.push(Token::Colons);
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Code without its comments.
pub fn without_comments(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_comment = rest.starts_with("//");
        let length = if is_comment {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = quoted(rest) {
            length
        } else if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, after) = rest.split_at(length);
        kept.push_str(if is_comment { "" } else { piece });
        rest = after;
    }
    kept
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a string or character that `code` begins with.
fn quoted(code: &str) -> Option<usize> {
    let after = ["br", "b", "c", "r"].iter().find_map(|prefix| Some((prefix, code.strip_prefix(prefix)?)));
    let after = after.filter(|(_, after)| after.starts_with(['"', '#', '\''])).map_or(code, |(_, after)| after);
    let before = code.len() - after.len();
    if code[..before].contains('r') {
        let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = after[hashes..].strip_prefix('"')?;
        return Some(before + hashes + 1 + inside.find(&end)? + end.len());
    }
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut inside = after.char_indices().skip(1);
    let mut n_chars = 0;
    while let Some((at, c)) = inside.next() {
        match c {
            '\\' => _ = inside.next(),
            c if c == quote => return Some(before + at + 1),
            // A lifetime.
            _ if quote == '\'' && n_chars > 0 && !after[1..].starts_with('\\') => return None,
            _ => {}
        }
        n_chars += 1;
    }
    None
}

#[test]
fn quotes_comments_and_lifetimes_are_told_apart() {
    let code = r##"fn f<'a>(x: &'a str) { g("// \"a", '"', '\'', r#"b " c"#, b'x') } // it's d"##;
    let words = |code: &str| {
        let word = |token| if let Token::Word(word) = token { Some(word.to_owned()) } else { None };
        tokens(code).into_iter().filter_map(word).collect::<Vec<_>>()
    };
    assert_eq!(without_comments(code), code.trim_end_matches("// it's d"));
    assert_eq!(words(&without_comments(code)), ["fn", "f", "a", "x", "a", "str", "g"]);
}
