//! Progress on a terminal: what is drawn, and what is left of it.

use std::process::{Command, Stdio};

use crate::support::{Place, ended};

/// Columns of the terminal.
const WIDTH: usize = 100;

/// What a terminal shows after these bytes: lines of text, those that are too long broken, cursor movements and erasures.
fn shown(bytes: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0_usize, 0_usize);
    let mut rest = bytes.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                let mut number = String::new();
                let command = loop {
                    match rest.next() {
                        Some(c) if c.is_ascii_digit() || matches!(c, ';' | '?') => number.push(c),
                        command => break command,
                    }
                };
                let count = number.parse().unwrap_or(1);
                match command {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') if number == "2" => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    Some('J') => lines.truncate(row + 1),
                    _ => {}
                }
            }
            c if c.is_control() => {}
            c => {
                if column == WIDTH {
                    (row, column) = (row + 1, 0);
                    lines.resize(lines.len().max(row + 1), Vec::new());
                }
                let line: &mut Vec<char> = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn a_screen_is_read_as_a_terminal_shows_it() {
    assert_eq!(shown("one\r\ntwo\r\x1b[2Kthree\r\x1b[1Afour\x1b[K"), ["four", "three"]);
    let long = "x".repeat(WIDTH);
    assert_eq!(shown(&format!("{long}y\r\x1b[1Az")), [format!("z{}", &long[1..]), "y".to_owned()]);
}

/// `sync` of two environments on a terminal, and everything that was written to it.
fn on_a_terminal(place: &Place) -> (i32, String) {
    let command = place.command(&["sync"]);
    let program = command.get_program().to_str().unwrap();
    let mut script = Command::new("script");
    script.args(["-qefc", &format!("stty cols {WIDTH} rows 40; exec '{program}' sync"), "/dev/null"]);
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    script.current_dir(place.path("elsewhere")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = ended(script.spawn().unwrap());
    (ended.code, ended.stdout)
}

#[test]
fn bars_of_two_environments_are_drawn_together_and_nothing_stays() {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return;
    }
    let flows: Vec<String> = (0..9).map(|n| format!("f{n} 1.0.0")).collect();
    let place = Place::new(&flows.iter().map(String::as_str).collect::<Vec<_>>());
    let environments = [("production", "env_prod"), ("staging", "env_staging")]
        .map(|(name, id)| place.environment_yaml(name, id, "concurrency: 1"));
    place.configure(&place.repository_yaml(""), &environments.concat());
    place.tenant.behaves(|behaviour| behaviour.status_delay = std::time::Duration::from_millis(150));
    place.tenant.fails(
        "- { match: { call: import, flow: flow_f4, environment: env_staging }, fault: { refuse: { message: no } } }",
    );
    let (code, written) = on_a_terminal(&place);
    assert_eq!(code, 4, "{written}");
    for drawn in ["production deploy", "staging deploy", "staging restore", "/9"] {
        assert!(written.contains(drawn), "`{drawn}` was never drawn: {written:?}");
    }
    let screen = shown(&written);
    let is_bar = |line: &&String| line.contains("/9") || line.contains('█') || line.contains('░');
    assert_eq!(screen.iter().filter(is_bar).collect::<Vec<_>>(), Vec::<&String>::new(), "{screen:#?}");
    for said in ["staging: failed flow_f4", "production: deployed", "staging: rolled-back"] {
        assert!(screen.iter().any(|line| line.starts_with(said)), "`{said}` is no line: {screen:#?}\n{written:?}");
    }
}
