//! Code in files: with `\n` in git, and with whatever line ends it has in the tenant.

use crate::flow::quoted;

/// Where code stands, and what ends its lines in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// `\n`, or none at all.
    Lf,
    /// `\r\n`, everywhere.
    CrLf,
}

impl LineEnd {
    /// What ends all lines of a text; `None` where they differ.
    pub(super) fn of(text: &str) -> Option<Self> {
        let n_returns = text.matches('\r').count();
        let n_pairs = text.matches("\r\n").count();
        match n_returns {
            0 => Some(Self::Lf),
            _ if n_returns == n_pairs && n_pairs == text.matches('\n').count() => Some(Self::CrLf),
            _ => None,
        }
    }
}

/// What stands in the file for a code, and its line end; `None` for a code that cannot stand in a file of its own: an empty
/// one, one of mixed line ends, and one that an editor would change.
pub(super) fn in_file(code: &str) -> Option<(String, LineEnd)> {
    if code.is_empty() || code.contains('\0') || code.starts_with('\u{feff}') {
        return None;
    }
    let end = LineEnd::of(code)?;
    let text = if end == LineEnd::CrLf { code.replace("\r\n", "\n") } else { code.to_owned() };
    Some((text, end))
}

/// The code of a file. `\r\n` in a work tree counts as `\n`.
pub(super) fn of_file(bytes: &[u8], end: LineEnd) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        format!("expected code as UTF-8, found the byte 0x{:02x} at {offset}", bytes.get(offset).copied().unwrap_or(0))
    })?;
    let text = text.replace("\r\n", "\n");
    Ok(if end == LineEnd::CrLf { text.replace('\n', "\r\n") } else { text })
}

/// A path as `flow.json` may name one: a file right in the folder `code`.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    let name = path.strip_prefix("code/").unwrap_or_default();
    let is_good =
        !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']) && !name.contains(char::is_control);
    if is_good { Ok(()) } else { Err(format!("expected a file in `code/`, found {}", quoted(path))) }
}
