//! Texts that other people wrote, made safe for Markdown as GitHub and GitLab render it.
//!
//! There, code is the one place in which nothing is markup, link, mention, reference or emoji: a backslash or an entity
//! leaves `@name` and `#1` what they are. So such texts are always code.

use super::escape::escape_terminal;

/// A text on one line as inline code, at most so many characters of it. Not for tables, where a `|` would end a cell.
#[must_use]
pub fn code_span(text: &str, n_chars: usize) -> String {
    let mut text = escape_terminal(text).into_owned();
    if let Some((end, _)) = text.char_indices().nth(n_chars) {
        text.truncate(end);
        text.push('…');
    }
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // One blank at each end is taken away again where there is one at both, unless all of it is blank.
    let is_odd = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let blank = if is_odd && !text.trim_matches(' ').is_empty() { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// Lines as a block of code in the language `info`, whatever stands in them.
#[must_use]
pub fn code_block(info: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    let end = if lines.ends_with('\n') || lines.is_empty() { "" } else { "\n" };
    format!("{fence}{info}\n{lines}{end}{fence}\n")
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code_span("a", 9), "`a`");
        assert_eq!(code_span("a`b``c", 9), "```a`b``c```");
        assert_eq!(code_span("`a", 9), "`` `a ``");
        assert_eq!(code_span(" a", 9), "`  a `");
        assert_eq!(code_span("  ", 9), "`  `");
        assert_eq!(code_span("", 9), "(empty)");
        assert_eq!(code_span("a\n\nb", 9), "`a\\n\\nb`");
        assert_eq!(code_span("abcdef", 3), "`abc…`");
        assert_eq!(code_block("diff", "+ ````\n"), "`````diff\n+ ````\n`````\n");
        assert_eq!(code_block("", "a"), "```\na\n```\n");
    }
}
