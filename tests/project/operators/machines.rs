//! One machine without a cluster: units of systemd, the compose file, the Dockerfile.

use std::path::Path;
use std::process::Command;

use clap::Parser;
use flowsync::cli::Arguments;
use flowsync::config::Config;
use serde_json::Value;

use super::super::sources::{files, read, root};
use super::{documents, list, run, tool};

/// As `systemd-analyze security` counts, in tenths: 0 is nothing left to take away, 100 everything allowed.
const EXPOSURE_MAX: &str = "20";

/// Every unit, copied, with a program that is there in place of ours.
fn units() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files("deploy/systemd", &[".service", ".timer"]) {
        let name = file.rsplit('/').next().unwrap();
        std::fs::write(copy.path().join(name), read(&file).replace("/usr/local/bin/flowsync", "/bin/true")).unwrap();
    }
    copy
}

#[test]
fn systemd_takes_the_units_and_finds_them_narrow() {
    let Some(analyze) = tool("systemd-analyze") else { return };
    let copy = units();
    let names: Vec<String> = files("deploy/systemd", &[".service", ".timer"])
        .iter()
        .map(|file| copy.path().join(file.rsplit('/').next().unwrap()).display().to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let verify = |names: &[&str]| run(&analyze, &[&["verify", "--man=no"], names].concat(), copy.path());
    verify(&names).unwrap();
    for name in names.iter().filter(|name| name.ends_with(".service")) {
        let arguments = ["security", "--no-pager", "--offline=yes", "--threshold", EXPOSURE_MAX, name];
        run(&analyze, &arguments, copy.path()).unwrap();
    }
    let service = copy.path().join("flowsync.service");
    std::fs::write(&service, std::fs::read_to_string(&service).unwrap().replace("ExecStart=", "ExecBegin=")).unwrap();
    assert!(verify(&[service.to_str().unwrap()]).is_err(), "a unit that starts nothing is found");
}

#[test]
fn a_unit_is_given_longer_to_end_than_the_grace_and_is_reloaded_by_a_signal() {
    for file in files("deploy/systemd", &[".service"]) {
        let unit = read(&file);
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key));
        let command = value("ExecStart=/usr/local/bin/").unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        assert!(Arguments::try_parse_from(&words).is_ok(), "{file}: {command}");
        let grace = words.iter().skip_while(|word| **word != "--grace").nth(1).unwrap().strip_suffix('m').unwrap();
        let stop = value("TimeoutStopSec=").unwrap().strip_suffix("min").unwrap();
        assert!(stop.parse::<u32>().unwrap() > grace.parse().unwrap(), "{file}");
        let stays = words[1] == "run";
        assert_eq!(value("ExecReload="), stays.then_some("/bin/kill -HUP $MAINPID"), "{file}");
    }
}

/// `docker compose`, or the program it was before.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn compose(arguments: &[&str], folder: &Path) -> Option<Result<String, String>> {
    let ways: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    for way in ways {
        let mut command = Command::new(way[0]);
        command.args(&way[1..]);
        let is_there = Command::new(way[0]).args(&way[1..]).arg("version").output();
        if is_there.is_ok_and(|output| output.status.success()) {
            let output = command.args(arguments).current_dir(folder).output().unwrap();
            let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let [stdout, stderr] = [said(&output.stdout), said(&output.stderr)];
            return Some(if output.status.success() { Ok(stdout) } else { Err(stderr) });
        }
    }
    eprintln!("skipped: neither `docker compose` nor `docker-compose` is here");
    None
}

#[test]
fn compose_takes_its_file() {
    let Some(told) = compose(&["-f", "deploy/compose/compose.yaml", "config"], root()) else { return };
    let whole = &documents(&told.unwrap())[0];
    for name in ["sandbox", "controller"] {
        let service = &whole["services"][name];
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        let words = list(service, "command").into_iter().filter_map(Value::as_str);
        let words: Vec<&str> = std::iter::once("flowsync").chain(words).collect();
        assert!(Arguments::try_parse_from(&words).is_ok(), "{name}: {words:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let broken = read("deploy/compose/compose.yaml")
        .replace("    read_only: true", "    readonly: true")
        .replace("  read_only: true", "  readonly: true");
    std::fs::write(folder.path().join("compose.yaml"), broken).unwrap();
    assert!(compose(&["-f", "compose.yaml", "config"], folder.path()).unwrap().is_err(), "a misspelt key is found");
}

#[test]
fn the_compose_file_mounts_what_is_there_and_a_configuration_that_is_one() {
    let whole = &documents(&read("deploy/compose/compose.yaml"))[0];
    let services = whole["services"].as_object().unwrap();
    for (name, service) in services {
        for volume in list(service, "volumes").into_iter().filter_map(Value::as_str) {
            let from = volume.split(':').next().unwrap();
            let is_there = if from.starts_with('.') {
                root().join("deploy/compose").join(from).exists()
            } else {
                whole["volumes"].get(from).is_some()
            };
            assert!(is_there, "{name}: no `{from}`");
        }
    }
    let config = Config::load(&root().join("deploy/compose/flowsync.yaml")).unwrap();
    assert!(config.broken.is_empty(), "{:?}", config.broken);
}

#[test]
fn the_linter_finds_nothing_in_the_dockerfile() {
    let Some(hadolint) = tool("hadolint") else { return };
    run(&hadolint, &["deploy/Dockerfile"], root()).unwrap();
}
