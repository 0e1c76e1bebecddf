//! How a release is made: what is said to be linked in, checksums and signature, and how it is built.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::sources::{read, root};
use super::{list, run, text};

/// Reads a bill of materials and says what is wrong with it.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(sys.stdin.read())
sys.exit(problem and str(problem))
";

/// The bill of materials as text; `None` where there is no python3.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn bill() -> Option<String> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 here");
        return None;
    }
    Some(run(&root().join("deploy/release/sbom"), &[], root()).unwrap())
}

#[test]
fn the_bill_of_materials_names_what_is_linked_in_and_nothing_else() {
    let Some(told) = bill() else { return };
    let document: Value = serde_json::from_str(&told).unwrap();
    let components = list(&document, "components");
    let version = |name: &str| {
        let found = components.iter().find(|component| text(component, "name") == name);
        found.map(|component| text(component, "version").to_owned())
    };
    let security = read("README.md");
    for (name, shown) in [("openssl", "OpenSSL"), ("libgit2", "libgit2")] {
        assert!(security.contains(&format!("{shown} {}", version(name).unwrap())), "{name}: not as the README says");
    }
    for name in ["libssh2", "zlib", "git2", "rustls", "ring", "tokio"] {
        assert!(version(name).is_some(), "no {name}");
    }
    for name in ["proptest", "criterion", "insta", "syn", "cc", "flowsync"] {
        assert_eq!(version(name), None, "{name} does not end in the binary");
    }
    let of_crates = components.iter().filter(|component| text(component, "purl").starts_with("pkg:cargo/"));
    assert!(of_crates.clone().count() > 100 && of_crates.clone().all(|it| it.get("hashes").is_some()));
    assert_eq!(document["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(bill().unwrap(), told, "the same commit gives the same bytes");
}

#[test]
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn the_bill_of_materials_is_as_cyclonedx_says() {
    use std::io::Write as _;
    let python = root().join("target/operators/python/bin/python");
    let Some(told) = bill() else { return };
    let validate = |told: &str| {
        let mut command = Command::new(&python);
        command.args(["-c", VALIDATE]).stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
        child.wait().unwrap().success()
    };
    if !Command::new(&python).args(["-c", "import cyclonedx"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: run tests/operators/install first");
        return;
    }
    assert!(validate(&told));
    assert!(!validate(&told.replace("\"SHA-256\"", "\"SHA-255\"")));
}

fn ssh_keygen(arguments: &[&str], folder: &Path) {
    let output = Command::new("ssh-keygen").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn a_release_that_was_changed_or_signed_by_another_is_found() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        eprintln!("skipped: no ssh-keygen here");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let release = place.path().join("release");
    std::fs::create_dir(&release).unwrap();
    for name in ["flowsync-0.1.0.tar.gz", "a name with blanks.json"] {
        std::fs::write(release.join(name), name).unwrap();
    }
    for name in ["key", "other"] {
        ssh_keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name], place.path());
    }
    let public = std::fs::read_to_string(place.path().join("key.pub")).unwrap();
    let signers = format!("releases@example.com namespaces=\"flowsync-release\" {public}");
    std::fs::write(place.path().join("signers"), signers).unwrap();
    let script =
        |name: &str, with: &str| run(&root().join("deploy/release").join(name), &["release", with], place.path());
    script("seal", "key").unwrap();
    script("seal", "key").unwrap();
    assert!(script("verify", "signers").unwrap().contains("a name with blanks.json: OK"));
    let archive = release.join("flowsync-0.1.0.tar.gz");
    std::fs::write(&archive, "another").unwrap();
    assert!(script("verify", "signers").is_err(), "a changed file");
    script("seal", "other").unwrap();
    assert!(script("verify", "signers").is_err(), "another key");
    script("seal", "key").unwrap();
    script("verify", "signers").unwrap();
}

#[test]
fn a_build_takes_what_is_locked_and_no_path_or_time_of_its_machine() {
    let told = run(&root().join("deploy/release/build"), &["--dry-run"], root()).unwrap();
    let value = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{told}"));
    assert!(value("SOURCE_DATE_EPOCH=").parse::<u64>().unwrap() > 1_700_000_000);
    for flags in ["RUSTFLAGS=", "CFLAGS="] {
        assert!(value(flags).contains(&format!("{}=/src", root().display())), "{told}");
    }
    let command = value("cargo build ");
    assert!(command.contains("--release --locked --bin flowsync"), "{command}");
}
