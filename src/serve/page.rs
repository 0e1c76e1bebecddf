//! The page at `/`: one HTML document that needs nothing else, neither scripts nor pictures. Pure.

use std::fmt::{Display, Write};

use crate::controller::SyncResult;
use crate::controller::view::{EnvironmentView, StatusView};

/// Most characters of a message in the table; the status has all of them.
const MESSAGE_CHARS_MAX: usize = 2_000;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{margin:2rem auto;max-width:72rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}\
caption{text-align:left;padding:.5rem 0}\
th,td{text-align:left;vertical-align:top;padding:.5rem .75rem;border-bottom:1px solid #8888}\
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}\
.well{border-left:.4rem solid #2a7d3f}.waits{border-left:.4rem solid #8a6d00}.bad{border-left:.4rem solid #b3261e}\
ul{margin:0;padding-left:1.2rem}";

/// The page.
pub(super) fn of(status: &StatusView) -> String {
    let StatusView { version, started, shard, alarms, environments } = status;
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<meta http-equiv=\"refresh\" content=\"30\">\n<title>flowsync</title>\n",
    );
    put(&mut page, format_args!("<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>flowsync</h1>\n"));
    let shard = shard.as_ref().map(|shard| format!(", shard {}", escaped(shard))).unwrap_or_default();
    put(&mut page, format_args!("<p>Version {}{shard}, since {}.</p>\n", escaped(version), time(Some(started))));
    if !alarms.is_empty() {
        put(&mut page, format_args!("<section role=\"alert\">\n<h2>Alarms</h2>\n{}</section>\n", list(alarms)));
    }
    page.push_str(
        "<table>\n<caption>Environments as their last passes found them</caption>\n<thead>\n<tr><th scope=\"col\">Environment</th>\
         <th scope=\"col\">Result</th><th scope=\"col\">Last pass</th><th scope=\"col\">Next pass</th>\
         <th scope=\"col\">Commit</th><th scope=\"col\">Deployment</th><th scope=\"col\">Flows</th>\
         <th scope=\"col\">What to know</th></tr>\n</thead>\n<tbody>\n",
    );
    environments.iter().for_each(|environment| row(&mut page, environment));
    page.push_str("</tbody>\n</table>\n<p>This page is read anew every 30 seconds. <a href=\"/api/v1/status\">The same for programs</a>.</p>\n");
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn row(page: &mut String, view: &EnvironmentView) {
    let word = view.result.map_or("waiting for its first pass", SyncResult::as_str);
    let since = view.since.as_ref().map(|since| format!("<br>since {}", time(Some(since)))).unwrap_or_default();
    put(
        page,
        format_args!("<tr class=\"{}\"><th scope=\"row\">{}</th>", colour(view.result), escaped(&view.environment)),
    );
    put(page, format_args!("<td>{word}{since}</td>"));
    let last = view.last_pass.map_or_else(
        || "none yet".to_owned(),
        |pass| format!("{}<br>took {:.1} s", time(Some(&pass.ended)), pass.seconds),
    );
    put(page, format_args!("<td>{last}</td>"));
    let next = if view.under_way.is_some() { "under way".to_owned() } else { time(view.next_pass.as_ref()) };
    put(page, format_args!("<td>{next}</td>"));
    let commit = view.commit.as_ref().map(|commit| code(commit.short())).unwrap_or_default();
    put(page, format_args!("<td>{commit}</td>"));
    put(page, format_args!("<td>{}</td>", view.deployment_id.as_ref().map(code).unwrap_or_default()));
    let managed = view.managed.map(|n| format!("{n} managed")).unwrap_or_default();
    let drifted = view.drifted.filter(|n| *n > 0).map(|n| format!("<br>{n} drifted")).unwrap_or_default();
    put(page, format_args!("<td>{managed}{drifted}</td>"));
    put(page, format_args!("<td>{}</td></tr>\n", list(&to_know(view))));
}

/// What a person should know of an environment, the gravest first.
fn to_know(view: &EnvironmentView) -> Vec<String> {
    let failed = (view.failed_passes > 1).then(|| format!("{} passes in a row failed", view.failed_passes));
    let problems = (view.problems > 0).then(|| format!("{} problem(s) in its flows", view.problems));
    let alarms = view.alarms.iter().map(|alarm| format!("alarm: {alarm}"));
    let held = view.held.as_ref().map(|held| held.text.clone());
    let endpoints = view.release.iter().flat_map(|release| &release.endpoints).filter(|endpoint| endpoint.drifted);
    let drifted = endpoints.map(|it| format!("endpoint {} shows {}, where somebody pointed it", it.name, it.shows));
    alarms.chain(view.error.clone()).chain(held).chain(failed).chain(problems).chain(drifted).collect()
}

fn colour(result: Option<SyncResult>) -> &'static str {
    match result {
        Some(SyncResult::InSync | SyncResult::Deployed) => "well",
        None | Some(SyncResult::Planned | SyncResult::Drifted | SyncResult::Suspended | SyncResult::Busy) => "waits",
        Some(SyncResult::RolledBack | SyncResult::RollbackIncomplete | SyncResult::Refused | SyncResult::Error) => {
            "bad"
        }
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escaped(item))).collect();
    format!("<ul>{items}</ul>")
}

fn code(text: impl Display) -> String {
    format!("<code>{}</code>", escaped(&text.to_string()))
}

fn time(time: Option<&jiff::Timestamp>) -> String {
    time.map(|time| format!("<time datetime=\"{time:.0}\">{time:.0}</time>")).unwrap_or_default()
}

/// Text that can neither begin nor end anything in HTML, and is not longer than people read.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        if at == MESSAGE_CHARS_MAX {
            escaped.push('…');
            break;
        }
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // They say nothing, and some turn what follows around.
            c if is_unseen(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes whatever is written.
    _ = page.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::controller::EnvironmentReport;

    fn status(change: impl FnOnce(&mut EnvironmentReport)) -> StatusView {
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let mut report = EnvironmentReport::new("production", SyncResult::Error);
        change(&mut report);
        let mut production = EnvironmentView::new("production");
        production.begin(at);
        production.end(at, Duration::from_millis(1_250), &report);
        let staging = EnvironmentView::new("staging");
        let environments = vec![production, staging];
        StatusView { version: "1.2.3", started: at, shard: Some("0/2".into()), alarms: Vec::new(), environments }
    }

    /// The rows of the table.
    fn rows(page: &str) -> Vec<&str> {
        page.lines().filter(|line| line.starts_with("<tr class")).collect()
    }

    #[test]
    fn a_row_says_in_words_how_an_environment_stands() {
        let page = of(&status(|report| report.error = Some("no route to host".into())));
        let time = "<time datetime=\"2026-01-02T03:04:05Z\">2026-01-02T03:04:05Z</time>";
        assert_eq!(
            rows(&page),
            [
                &*format!(
                    "<tr class=\"bad\"><th scope=\"row\">production</th><td>error<br>since {time}</td>\
                     <td>{time}<br>took 1.2 s</td><td></td><td></td><td></td><td></td>\
                     <td><ul><li>no route to host</li></ul></td></tr>"
                ),
                "<tr class=\"waits\"><th scope=\"row\">staging</th><td>waiting for its first pass</td>\
                 <td>none yet</td><td></td><td></td><td></td><td></td><td></td></tr>",
            ]
        );
        assert!(page.contains(&format!("<p>Version 1.2.3, shard 0/2, since {time}.</p>")), "{page}");
    }

    #[test]
    fn no_word_of_others_becomes_markup_turns_the_text_around_or_fills_the_page() {
        let nasty = "</td><script src=x onerror='1'>\"&\u{202e}\u{7}";
        let page = of(&status(|report| {
            report.alarms = vec![nasty.into()];
            report.error = Some("x".repeat(1_000_000));
        }));
        let shown = "&lt;/td&gt;&lt;script src=x onerror=&#39;1&#39;&gt;&quot;&amp;\u{fffd}\u{fffd}";
        assert!(page.contains(&format!("<li>alarm: {shown}</li>")), "{page}");
        assert!(page.len() < 10_000, "{}", page.len());
    }

    #[test]
    fn everything_that_is_opened_is_closed() {
        let page = of(&status(|report| report.alarms = vec!["one".into()]));
        for tag in ["html", "head", "body", "main", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "p", "h1"]
        {
            let n_opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(n_opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
