//! What the documents say is true of the code: commands, flags, exit codes, rules, configuration, links.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{CommandFactory, Parser};
use flowsync::cli::Arguments;
use flowsync::config::{Config, SyncPolicy};
use flowsync::controller::SyncResult;
use flowsync::problem::Rule;

use super::sources::{files, read, root};

const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

/// A section of a document, without its headline.
#[track_caller]
pub fn section(document: &str, headline: &str) -> String {
    let text = read(document);
    let lines = text.lines().skip_while(|line| *line != headline).skip(1).take_while(|line| !line.starts_with("## "));
    let section: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(!section.is_empty(), "{document} has no section `{headline}`");
    section
}

/// The cells of every table row, without headlines and rules.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let table = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let cells = |line: &str| {
        let line = line.replace("\\|", "\u{1}");
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    table.map(cells).collect()
}

/// What stands in backticks.
pub fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The lines of fenced blocks of one language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut inside = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(name), None) => inside = Some(name == language),
            (None, Some(true)) => lines.push(line.to_owned()),
            (None, _) => {}
        }
    }
    lines
}

#[test]
fn exit_codes_are_those_of_the_code() {
    use SyncResult::{
        Busy, Deployed, Drifted, Error, InSync, Planned, Refused, RollbackIncomplete, RolledBack, Suspended,
    };
    let all = [InSync, Planned, Deployed, Drifted, Suspended, RolledBack, RollbackIncomplete, Refused, Busy, Error];
    for result in all {
        // A new result fails to compile here: it belongs into the list above and into the README.
        match result {
            InSync | Planned | Deployed | Drifted | Suspended => {}
            RolledBack | RollbackIncomplete | Refused | Busy | Error => {}
        }
    }
    let mut expected: BTreeMap<u8, BTreeSet<&str>> =
        [0, 1, 2, 3, 4, 5, 6, 64].map(|code| (code, BTreeSet::new())).into();
    for result in all {
        expected.get_mut(&result.exit_code()).unwrap().insert(result.as_str());
    }
    let section = section("README.md", "## Exit codes");
    let rows = rows(&section);
    let found: BTreeMap<u8, BTreeSet<&str>> =
        rows.iter().filter_map(|row| Some((row[0].parse().ok()?, quoted(&row[2]).into_iter().collect()))).collect();
    assert_eq!(found, expected);
    let help = Arguments::command().render_long_help().to_string();
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in expected.keys() {
        assert!(help.contains(&format!(" {code} ")), "--help says nothing of {code}: {help}");
    }
}

#[test]
fn every_command_and_every_flag_is_in_the_readme() {
    let section = section("README.md", "## Commands");
    let has = |word: &str| section.contains(&format!("`{word}")) || section.contains(&format!("/`{word}"));
    let check = |name: &str, command: &clap::Command| {
        assert!(has(name), "`{name}` is missing");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| *flag != "help") {
            assert!(has(&format!("--{flag}")), "`{name} --{flag}` is missing");
        }
    };
    let whole = Arguments::command();
    for command in whole.get_subcommands() {
        let name = format!("flowsync {}", command.get_name());
        if command.has_subcommands() {
            for below in command.get_subcommands() {
                check(&format!("{name} {}", below.get_name()), below);
            }
        } else {
            check(&name, command);
        }
    }
    for flag in
        whole.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| !matches!(*flag, "help" | "version"))
    {
        assert!(has(&format!("--{flag}")), "the global flag `--{flag}` is missing");
    }
}

/// The flowsync commands in shell lines, each as its words.
fn commands(lines: &[String]) -> Vec<Vec<String>> {
    let joined = lines.join("\n").replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let line = line.split(" #").next().unwrap_or_default();
        for command in line.split(['|', '&', ';', '>']) {
            let words: Vec<String> =
                command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
            let Some(at) =
                words.iter().position(|word| !word.contains('=') && word.rsplit('/').next() == Some("flowsync"))
            else {
                continue;
            };
            let leads =
                |word: &String| matches!(word.as_str(), "$" | "run:" | "-" | "if" | "!" | "exec") || word.contains('=');
            if words[..at].iter().all(leads) {
                found.push(words[at..].to_vec());
            }
        }
    }
    found
}

#[track_caller]
fn accept(place: &str, words: &[String]) {
    if let Err(error) = Arguments::try_parse_from(words)
        && !matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion)
    {
        panic!("{place}: `{}` is not accepted: {error}", words.join(" "));
    }
}

#[test]
fn every_command_line_that_is_printed_is_accepted() {
    let mut n_found = 0;
    let mut texts: Vec<String> = DOCUMENTS.map(str::to_owned).into();
    texts.push("examples/flows-repo/README.md".to_owned());
    texts.extend(files("docs", &[".md"]));
    for document in texts {
        for words in commands(&fenced(&read(&document), "sh")) {
            accept(&document, &words);
            n_found += 1;
        }
        for inline in quoted(&read(&document)).into_iter().filter(|text| text.starts_with("flowsync ")) {
            let has_placeholder = ["[", "…", "WORD"].iter().any(|mark| inline.contains(mark));
            let words: Vec<String> = inline.split_whitespace().map(str::to_owned).collect();
            let is_group = words.len() == 2 && matches!(words[1].as_str(), "schema" | "completions" | "audit");
            if !has_placeholder && !is_group {
                let number = |word: String| if word == "N" { "1".to_owned() } else { word };
                let words: Vec<String> = words.into_iter().map(number).collect();
                accept(&document, &words);
                n_found += 1;
            }
        }
    }
    for file in files("deploy", &[".yml", ".service"]) {
        let text = read(&file).replace("ExecStart=", "exec ");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for words in commands(&lines) {
            accept(&file, &words);
            n_found += 1;
        }
    }
    for file in files("deploy", &[".yaml"]) {
        for document in read(&file).split("\n---\n") {
            let mut lists = Vec::new();
            arguments_of(&serde_yaml::from_str(document).unwrap(), &mut lists);
            for list in lists {
                accept(&file, &std::iter::once("flowsync".to_owned()).chain(list).collect::<Vec<_>>());
                n_found += 1;
            }
        }
    }
    assert!(n_found > 30, "only {n_found} commands were found");
}

/// Every list named `args`.
fn arguments_of(value: &serde_yaml::Value, found: &mut Vec<Vec<String>>) {
    match value {
        serde_yaml::Value::Mapping(map) => {
            for (key, value) in map {
                match value {
                    serde_yaml::Value::Sequence(items) if key.as_str() == Some("args") => {
                        // What Kubernetes puts in there.
                        let word = |item: &str| item.replace("$(POD_INDEX)", "0");
                        found.push(items.iter().filter_map(|item| item.as_str().map(word)).collect());
                    }
                    value => arguments_of(value, found),
                }
            }
        }
        serde_yaml::Value::Sequence(items) => items.iter().for_each(|item| arguments_of(item, found)),
        _ => {}
    }
}

#[test]
fn yaml_files_are_yaml() {
    for file in files("deploy", &[".yml", ".yaml"]) {
        for document in read(&file).split("\n---\n") {
            let value: Result<serde_yaml::Value, _> = serde_yaml::from_str(document);
            assert!(value.is_ok_and(|value| value.is_mapping()), "{file}");
        }
    }
}

#[test]
fn the_table_of_rules_is_complete_and_has_no_other() {
    let section = section("README.md", "## Flow files");
    let rows = rows(&section);
    let listed: BTreeSet<&str> = rows.iter().skip(1).flat_map(|row| quoted(&row[0])).collect();
    assert_eq!(listed, Rule::OF_FLOWS.iter().map(|rule| rule.as_str()).collect());
}

#[test]
fn the_configuration_shown_holds_and_states_the_defaults() {
    let text = fenced(&section("README.md", "## Configuration"), "yaml").join("\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flowsync.yaml");
    std::fs::write(&path, &text).unwrap();
    let config = Config::load(&path).unwrap();
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    let sync = &config.environments["production"].sync;
    assert_eq!(format!("{sync:?}"), format!("{:?}", SyncPolicy::default()));
}

#[test]
fn the_recovery_table_is_that_of_the_code() {
    let code = read("src/deploy/recover.rs");
    let readme = section("README.md", "## What happens when it fails");
    let rows: Vec<&str> = code.lines().filter_map(|line| line.strip_prefix("//! | ")).collect();
    assert!(rows.len() > 6);
    for row in rows {
        assert!(readme.contains(&format!("| {row}\n")), "the README lacks `| {row}`");
    }
}

/// The headlines of a document, as links name them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let headlines =
        text.lines().filter_map(|line| line.strip_prefix("##")).map(|line| line.trim_start_matches('#').trim());
    headlines.map(|line| line.to_lowercase().replace(' ', "-").replace(['`', ':', ',', '.', '(', ')'], "")).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut n_links = 0;
    for document in DOCUMENTS.map(str::to_owned).into_iter().chain(files("docs", &[".md"])) {
        let text = read(&document);
        let folder = Path::new(root()).join(&document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            if link.starts_with("https://") {
                continue;
            }
            n_links += 1;
            let path = if file.is_empty() { Path::new(root()).join(&document) } else { folder.join(file) };
            assert!(path.exists(), "{document}: no file `{link}`");
            if let Some(anchor) = anchor {
                let there = anchors(&std::fs::read_to_string(&path).unwrap());
                assert!(there.contains(anchor), "{document}: no headline `{anchor}` in `{}`", path.display());
            }
        }
    }
    assert!(n_links > 20, "only {n_links} links were found");
}

#[test]
fn what_is_linked_in_is_what_the_readme_says() {
    let lock = read("Cargo.lock");
    let security = section("README.md", "## Security");
    for (package, name) in [("openssl-src", "OpenSSL"), ("libgit2-sys", "libgit2")] {
        let version = lock.split(&format!("name = \"{package}\"\nversion = \"")).nth(1).unwrap();
        let version = version.split(['+', '"']).nth(1).unwrap();
        assert!(security.contains(&format!("{name} {version}")), "the README does not say `{name} {version}`");
    }
}
