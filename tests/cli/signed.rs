//! `sync.verify`: what changes flows is deployed only where every commit of it is signed by somebody who is trusted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Place, git, word};

/// Whether a program is there; a test that needs it and has it not says so.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn has(program: &str) -> bool {
    let there = std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(program).is_file());
    if !there {
        eprintln!("left out: there is no `{program}`");
    }
    there
}

#[track_caller]
fn run(program: &str, arguments: &[&str], variables: &[(&str, &Path)]) -> String {
    let output = Command::new(program).args(arguments).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An ssh key of somebody, and its line for a file of allowed signers.
fn ssh_key(place: &Place, who: &str) -> (String, String) {
    let file = place.path(&format!("{who}.key")).display().to_string();
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", who, "-f", &file], &[]);
    let public = fs::read_to_string(format!("{file}.pub")).unwrap();
    let public: Vec<&str> = public.split_whitespace().take(2).collect();
    (file, public.join(" "))
}

/// A commit of the work tree as it stands, signed as `options` of git say, and pushed.
fn commit(place: &Place, message: &str, options: &[&str]) -> String {
    commit_at(place, message, "2026-11-26T12:00:00Z", options)
}

fn commit_at(place: &Place, message: &str, time: &str, options: &[&str]) -> String {
    git(&place.work(), &["add", "--all"]);
    let date = format!("--date={time}");
    let set: Vec<&str> = options.iter().flat_map(|option| ["-c", option]).collect();
    let sign = if options.is_empty() { "--no-gpg-sign" } else { "-S" };
    let mut command = Command::new("git");
    command.current_dir(place.work()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_COMMITTER_DATE", time);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    let output =
        command.args(set).args(["commit", "-q", "--allow-empty", sign, &date, "-m", message]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/main"]);
    git(&place.work(), &["rev-parse", "HEAD"])
}

fn by_ssh(key: &str) -> [String; 2] {
    ["gpg.format=ssh".to_owned(), format!("user.signingKey={key}")]
}

/// A flow as a file of the work tree, at the tip of `main`.
fn change(place: &Place, line: &str) {
    place.update_work();
    let flow = crate::support::flow(line);
    let id = word(&flow["id"]).trim_start_matches("flow_").to_owned();
    place.write(&format!("flows/{id}.json"), &format!("{flow:#}\n"));
}

/// A repository whose first commit was deployed before anybody asked for signatures.
fn deployed() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.edit_configuration(
        "      verifyTimeout: 1s\n",
        "      verifyTimeout: 1s\n      verify: { allowedSigners: signers }\n",
    );
    place
}

fn allow(place: &Place, lines: &[String]) {
    fs::write(place.path("signers"), format!("{}\n", lines.join("\n"))).unwrap();
}

/// Refused with these words, and nothing written.
#[track_caller]
fn refused(place: &Place, texts: &[&str]) {
    let (tip, live) = (place.tip(), place.tenant.live());
    place.tenant.writes();
    let ended = place.sync_with(&[]).exits(3).says(texts);
    assert_eq!(ended.environment()["result"], "refused");
    assert_eq!((place.tip(), place.tenant.live(), place.tenant.writes().as_str()), (tip, live, ""));
}

#[test]
fn a_change_is_deployed_only_where_somebody_trusted_has_signed_it() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let ((ann, ann_key), (bob, bob_key)) = (ssh_key(&place, "ann"), ssh_key(&place, "bob"));
    allow(&place, &[format!("ann@example.com {ann_key}")]);
    assert_eq!(place.sync(), "0 in-sync");
    change(&place, "a 1.1.0");
    let unsigned = commit(&place, "unsigned", &[]);
    refused(
        &place,
        &["1 commit(s) since ", &format!("commit {unsigned} by Ann, which changes `flows`: it is not signed")],
    );
    place.update_work();
    place.run_in_work(&["plan"]).exits(3).says(&["refused: 1 commit(s)", "it is not signed"]);
    // What comes on top does not make it good.
    change(&place, "a 1.2.0");
    let by_bob = commit(&place, "by bob", &by_ssh(&bob).each_ref().map(String::as_str));
    refused(
        &place,
        &["2 commit(s)", &unsigned, &format!("commit {by_bob} by Ann"), "a key that is not trusted (SHA256:"],
    );
    allow(&place, &[format!("ann@example.com {ann_key}"), format!("bob@example.com namespaces=\"file\" {bob_key}")]);
    refused(&place, &["its key was not valid then: key is not permitted for use in signature namespace"]);
    git(&place.work(), &["reset", "-q", "--hard", &format!("{unsigned}~1")]);
    git(&place.work(), &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    change(&place, "a 1.3.0");
    commit(&place, "by ann", &by_ssh(&ann).each_ref().map(String::as_str));
    assert_eq!(place.sync_with(&["--allow-rewind"]).summary(), "0 deployed update a deployed");
    // Records need no signature, whoever wrote them, and neither does what is no flow.
    place.update_work();
    place.write("NOTES.md", "notes");
    commit(&place, "notes", &[]);
    place.run(&["suspend"]).exits(0);
    place.run(&["resume"]).exits(0);
    assert_eq!(place.sync(), "0 in-sync");
    change(&place, "a 1.4.0");
    commit(&place, "by ann", &by_ssh(&ann).each_ref().map(String::as_str));
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn merges_count_and_so_does_each_commit_that_they_bring() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let (ann, ann_key) = ssh_key(&place, "ann");
    allow(&place, &[format!("* {ann_key}")]);
    let signed = by_ssh(&ann);
    let signed = signed.each_ref().map(String::as_str);
    place.update_work();
    git(&place.work(), &["checkout", "-q", "-b", "side"]);
    place.write("flows/b.json", &format!("{:#}\n", crate::support::flow("b 1.0.0")));
    git(&place.work(), &["add", "--all"]);
    git(&place.work(), &["commit", "-q", "-m", "unsigned, on a branch"]);
    let brought = git(&place.work(), &["rev-parse", "HEAD"]);
    git(&place.work(), &["checkout", "-q", "-"]);
    git(&place.work(), &["merge", "-q", "--no-ff", "--no-commit", "side"]);
    commit(&place, "a signed merge", &signed);
    refused(&place, &["1 commit(s)", &brought]);
    git(&place.work(), &["reset", "-q", "--hard", "HEAD^1"]);
    place.write("flows/b.json", &format!("{:#}\n", crate::support::flow("b 1.0.0")));
    git(&place.work(), &["checkout", "-q", "-b", "other"]);
    git(&place.work(), &["add", "--all"]);
    let set = ["-c", signed[0], "-c", signed[1]];
    git(&place.work(), &[&set[..], &["commit", "-q", "-S", "-m", "signed, on a branch"]].concat());
    git(&place.work(), &["checkout", "-q", "-"]);
    git(&place.work(), &["merge", "-q", "--no-ff", "other", "-m", "an unsigned merge"]);
    git(&place.work(), &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    let merge = git(&place.work(), &["rev-parse", "HEAD"]);
    place.sync_with(&["--allow-rewind"]).exits(3).says(&["1 commit(s)", &merge, "it is not signed"]);
}

#[test]
fn keys_are_valid_by_the_time_of_the_commit_and_a_signature_of_something_else_is_none() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let (ann, ann_key) = ssh_key(&place, "ann");
    let signed = by_ssh(&ann);
    let signed = signed.each_ref().map(String::as_str);
    allow(&place, &[format!("ann valid-before=\"20261126120000Z\" {ann_key}")]);
    change(&place, "a 1.1.0");
    commit_at(&place, "too late", "2026-11-26T12:00:01Z", &signed);
    refused(&place, &["its key was not valid then: key has expired"]);
    allow(&place, &[format!("ann valid-after=\"20261127\" {ann_key}")]);
    refused(&place, &["its key was not valid then: key is not yet valid"]);
    allow(&place, &[format!("ann valid-after=\"20261125\",valid-before=\"20261127\" {ann_key}")]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    // The signature of one commit on another.
    change(&place, "a 1.2.0");
    commit(&place, "good", &signed);
    let text = git(&place.work(), &["cat-file", "commit", "HEAD"]).replace("good", "evil");
    fs::write(place.path("commit"), format!("{text}\n")).unwrap();
    let file = place.path("commit").display().to_string();
    let forged = git(&place.work(), &["hash-object", "-t", "commit", "-w", &file]);
    git(&place.work(), &["push", "-q", "--force", "origin", &format!("{forged}:refs/heads/main")]);
    refused(&place, &[&forged, "its signature is bad"]);
}

#[test]
fn approvals_must_be_signed_and_their_removal_need_not() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let (ann, ann_key) = ssh_key(&place, "ann");
    let signed = by_ssh(&ann);
    let signed = signed.each_ref().map(String::as_str);
    allow(&place, &[format!("ann {ann_key}")]);
    place.edit_configuration("verify: {", "approval: manifest\n      verify: {");
    for (version, next) in [("1.1.0", "1.2.0"), ("1.2.0", "1.3.0")] {
        change(&place, &format!("a {version}"));
        commit(&place, "flows", &signed);
        place.run_in_work(&["plan", "--propose"]);
        if version == "1.1.0" {
            commit(&place, "approved, by whom", &[]);
            refused(&place, &["which changes `deployments/production/approved/"]);
            git(&place.work(), &["reset", "-q", "--soft", "HEAD~1"]);
            git(&place.work(), &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
        }
        commit(&place, "approved", &signed);
        let ended = place.sync_with(&["--allow-rewind"]);
        assert_eq!(ended.summary(), "0 deployed update a deployed", "{next}: {ended:?}");
    }
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn openpgp_signatures_are_checked_against_the_keys_of_the_file_alone() {
    if !has("gpg") || !has("gpg-agent") {
        return;
    }
    // Its sockets want a short path.
    let home = tempfile::Builder::new().prefix("fg").tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let variables = [("GNUPGHOME", home.path())];
    let gpg = |arguments: &[&str]| {
        run("gpg", &[&["--batch", "--pinentry-mode", "loopback", "--passphrase", ""], arguments].concat(), &variables)
    };
    for who in ["ann@example.com", "bob@example.com"] {
        gpg(&["--quick-generate-key", who, "ed25519", "sign", "never"]);
    }
    let place = deployed();
    place.edit_configuration("allowedSigners: signers", "openpgpKeys: keys.asc");
    fs::write(place.path("keys.asc"), gpg(&["--armor", "--export", "ann@example.com"])).unwrap();
    let wrapper = place.path("gpg");
    fs::write(
        &wrapper,
        format!(
            "#!/bin/sh\nexport GNUPGHOME={}\nexec gpg --batch --pinentry-mode loopback --passphrase '' \"$@\"\n",
            home.path().display()
        ),
    )
    .unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let program = format!("gpg.program={}", wrapper.display());
    change(&place, "a 1.1.0");
    commit(&place, "by ann", &[&program, "user.signingKey=ann@example.com"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    change(&place, "a 1.2.0");
    commit(&place, "by bob", &[&program, "user.signingKey=bob@example.com"]);
    refused(&place, &["it is signed with a key that is not trusted ("]);
    fs::write(place.path("keys.asc"), gpg(&["--armor", "--export"])).unwrap();
    assert_eq!(place.sync(), "0 deployed update a deployed");
    fs::write(place.path("keys.asc"), "no keys").unwrap();
    change(&place, "a 1.3.0");
    commit(&place, "by ann", &[&program, "user.signingKey=ann@example.com"]);
    let report = place.sync_with(&[]).exits(1).environment();
    assert!(word(&report["error"]).contains("holds no key that it can read"), "{report}");
    _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status();
}

#[test]
fn what_is_needed_to_check_is_told_where_it_is_missing() {
    let place = deployed();
    let report = place.sync_with(&[]).exits(1).environment();
    assert!(word(&report["error"]).contains("signers` (`sync.verify.allowedSigners`)"), "{report}");
    fs::write(place.path("signers"), "").unwrap();
    let mut command = place.command(&["sync", "--output", "json"]);
    command.env("PATH", place.path("elsewhere"));
    let ended = crate::support::ended(command.spawn().unwrap()).exits(1);
    let error =
        "`sync.verify.allowedSigners` needs the program `ssh-keygen` (OpenSSH 8.9 or newer), which is not in PATH";
    assert_eq!(ended.environment()["error"], json!(error));
}

#[test]
fn a_manifest_that_says_more_was_deployed_than_was_vouches_for_nothing() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let (ann, ann_key) = ssh_key(&place, "ann");
    allow(&place, &[format!("ann {ann_key}")]);
    change(&place, "a 1.1.0");
    commit(&place, "by ann", &by_ssh(&ann).each_ref().map(String::as_str));
    assert_eq!(place.sync(), "0 deployed update a deployed");
    change(&place, "a 1.2.0");
    let unsigned = commit(&place, "unsigned", &[]);
    let manifest = "deployments/production/manifest.json";
    let mut forged = place.manifest();
    forged["lastDeployed"]["commit"] = json!(unsigned);
    place.write(manifest, &format!("{forged:#}\n"));
    commit(&place, "records", &[]);
    refused(&place, &[&format!("commit {unsigned} by Ann"), "it is not signed"]);
    // Neither does it where nobody remembers.
    fs::remove_dir_all(place.path("cache")).unwrap();
    refused(&place, &["it is not signed"]);
}

/// A certificate of somebody's key by an authority, and the options of git that sign with it.
fn certificate(place: &Place, authority: &str, who: &str, more: &[&str]) -> [String; 2] {
    let (key, _) = ssh_key(place, who);
    let public = format!("{key}.pub");
    let named = ["-q", "-s", authority, "-I", who];
    run("ssh-keygen", &[&named[..], more, &[&public]].concat(), &[]);
    by_ssh(&format!("{}-cert.pub", key))
}

#[test]
fn an_authority_that_is_trusted_vouches_for_keys_by_certificates_and_for_nothing_else() {
    if !has("ssh-keygen") {
        return;
    }
    let place = deployed();
    let ((authority, authority_key), (other, _)) = (ssh_key(&place, "authority"), ssh_key(&place, "other"));
    allow(&place, &[format!("*@example.com cert-authority,namespaces=\"git\" {authority_key}")]);
    assert_eq!(place.sync(), "0 in-sync");
    let of_ann = ["-n", "ann@example.com", "-V", "20261101000000Z:20261201000000Z"];
    let of_others = ["-n", "eve@example.org"];
    let ended = ["-n", "old@example.com", "-V", "20260101000000Z:20260201000000Z"];
    let ann = certificate(&place, &authority, "ann", &of_ann);
    let refusals = [
        (certificate(&place, &other, "by-other", &of_ann), "a key that is not trusted"),
        (
            certificate(&place, &authority, "eve", &of_others),
            "the certificate of its key was not valid then, or names nobody",
        ),
        (
            certificate(&place, &authority, "old", &ended),
            "the certificate of its key was not valid then, or names nobody",
        ),
        (by_ssh(&authority), "a key that is not trusted"),
        (by_ssh(&place.path("ann.key").display().to_string()), "a key that is not trusted"),
    ];
    let base = place.tip();
    for (options, why) in &refusals {
        place.update_work();
        change(&place, "a 1.1.0");
        let signed = commit(&place, "a change", &options.each_ref().map(String::as_str));
        let ended = place.sync_with(&["--allow-rewind"]).exits(3).says(&[&format!("commit {signed} by Ann"), why]);
        assert_eq!(ended.environment()["result"], "refused");
        git(&place.work(), &["push", "-q", "--force", "origin", &format!("{base}:refs/heads/main")]);
    }
    change(&place, "a 1.2.0");
    commit(&place, "by ann", &ann.each_ref().map(String::as_str));
    assert_eq!(place.sync_with(&["--allow-rewind"]).summary(), "0 deployed update a deployed");
}
