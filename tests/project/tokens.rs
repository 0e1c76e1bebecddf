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
            c if quote == '\'' && n_chars > 0 && !after[1..].starts_with('\\') => {
                let _ = c;
                return None;
            }
            _ => {}
        }
        n_chars += 1;
    }
    None
}
