//! What a plan says of the release that callers are to meet.

use crate::controller::view::{EndpointView, ReleaseView};
use crate::plan::UnmanagedDifference;
use crate::problem::{code_span, escape_terminal};

/// Most flows that are listed of those that nobody manages here.
const UNMANAGED_MAX: usize = 20;
/// Most characters of a name.
const NAME_CHARS_MAX: usize = 80;

/// For a terminal.
pub(super) fn text(release: &ReleaseView<'_>) -> String {
    let mut text = match (release.due, release.current) {
        (true, _) => format!("  endpoints are to show {}\n", escape_terminal(&release.target_words())),
        (false, Some(current)) => format!("  endpoints show the release {}\n", escape_terminal(current)),
        (false, None) => String::new(),
    };
    let endpoint = |it: &EndpointView<'_>| format!("    \"{}\" {it}\n", it.name);
    release.endpoints.iter().for_each(|it| text.push_str(&line(&endpoint(it))));
    if !release.unmanaged.is_empty() {
        let what = if release.target.is_none() && release.due { ", and are in the new one" } else { "" };
        let n_flows = release.unmanaged.len();
        text.push_str(&format!("  {n_flows} flow(s) that are not managed here differ from the last release{what}\n"));
        let flow = |it: &UnmanagedDifference| {
            let name = it.name.as_ref().map_or_else(String::new, |name| format!(" \"{name}\""));
            format!("    {} {}{name}\n", change(it), it.id)
        };
        release.unmanaged.iter().take(UNMANAGED_MAX).for_each(|it| text.push_str(&line(&flow(it))));
        let n_more = n_flows.saturating_sub(UNMANAGED_MAX);
        if n_more > 0 {
            text.push_str(&format!("    and {n_more} more\n"));
        }
    }
    text
}

/// One line, whatever stands in the names.
fn line(text: &str) -> String {
    format!("{}\n", escape_terminal(text.trim_end_matches('\n')))
}

fn change(difference: &UnmanagedDifference) -> &'static str {
    difference.change.as_str()
}

/// The same as rows of a comment.
pub(super) fn rows(release: &ReleaseView<'_>) -> Vec<String> {
    let mut rows = Vec::new();
    let code = |text: &str| code_span(text, NAME_CHARS_MAX);
    if release.due {
        rows.push(format!("- **release**: endpoints are to show {}\n", code(&release.target_words())));
    }
    let endpoint = |it: &EndpointView<'_>| format!("- endpoint {} {}\n", code(it.name), code(&it.to_string()));
    rows.extend(release.endpoints.iter().filter(|it| release.due || it.drifted).map(endpoint));
    let flow = |it: &UnmanagedDifference| {
        let name = it.name.as_ref().map_or_else(String::new, |name| format!(" {}", code(name)));
        format!(
            "- not managed here, and not as in the last release: **{}** {}{name}\n",
            change(it),
            code(it.id.as_str())
        )
    };
    rows.extend(release.unmanaged.iter().take(UNMANAGED_MAX).map(flow));
    let n_more = release.unmanaged.len().saturating_sub(UNMANAGED_MAX);
    rows.extend((n_more > 0).then(|| format!("- and {n_more} more flow(s) that are not managed here\n")));
    rows
}
