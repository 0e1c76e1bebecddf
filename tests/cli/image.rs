//! The image, as `deploy/Dockerfile` describes it: its file system is laid out by the same script, and the binary runs in it
//! as a cluster would run it. What is mounted belongs to root and a group, the uid has no name, nothing else can be written
//! to, and there is neither a home nor a shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::http_server::Rules;
use crate::support::{Ended, Place, ended};

/// Who the binary runs as: a uid that no file of users has, in the group of the volumes.
const UID: u32 = 4711;
const VOLUME_GID: u32 = 2000;

/// Mounts the volumes into the image, makes everything else read-only, and becomes nobody in particular.
const ENTER: &str = r#"
set -eu
image=$1 volumes=$2 uid=$3 gid=$4 variables=$5
shift 5
mount --bind "$image" "$image"
mount --bind "$volumes/state" "$image/var/lib/flowsync"
mount --bind "$volumes/cache" "$image/var/cache"
mount --bind -o ro "$volumes/configuration" "$image/etc/flowsync"
mount --bind -o ro "$volumes/secrets" "$image/run/secrets/flowsync"
mount -o remount,bind,ro "$image"
exec setpriv --no-new-privs env -i $variables "$(command -v chroot)" --userspec="$uid:$uid" --groups="$gid" "$image" "$@"
"#;

/// The last stage of the Dockerfile: what it sets and what it starts.
struct Stage {
    /// As `NAME=value`, with a blank between.
    variables: String,
    entry: String,
}

impl Stage {
    fn read() -> Self {
        let text = fs::read_to_string(deploy().join("Dockerfile")).unwrap();
        let last = text.rsplit("\nFROM ").next().unwrap();
        assert!(last.starts_with("scratch\n"), "nothing but what the script lays out: {last}");
        assert!(text.contains("deploy/rootfs target/release/flowsync /out\n"), "laid out by the script: {text}");
        let set = last.split("\nENV ").nth(1).unwrap().split("\nUSER").next().unwrap();
        let variables: Vec<&str> = set.split_whitespace().filter(|word| *word != "\\").collect();
        let entry = last.split("ENTRYPOINT [\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Self { variables: variables.join(" "), entry }
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Whether this machine lets us mount and become somebody else.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn may_mount() -> bool {
    let mut tried = Command::new("unshare");
    tried.args(["--mount", "setpriv", "--no-new-privs", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    let may = tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !may {
        eprintln!("skipped: the image's file system needs root, `unshare` and `setpriv`");
    }
    may
}

fn sh(line: &str) {
    let status = Command::new("sh").args(["-euc", line]).status().unwrap();
    assert!(status.success(), "{line}");
}

/// A place whose repository is served with a login, and whose secrets are files.
struct Pod {
    place: Place,
    stage: Stage,
}

impl Pod {
    fn new(flows: &[&str]) -> Self {
        let pod = Self { place: Place::new(flows), stage: Stage::read() };
        let image = pod.place.path("image");
        let script = deploy().join("rootfs");
        sh(&format!("{} {} {}", script.display(), env!("CARGO_BIN_EXE_flowsync"), image.display()));
        let volumes = pod.place.path("volumes");
        // As the kubelet makes them where there is an `fsGroup`.
        for name in ["state", "cache", "configuration", "secrets"] {
            sh(&format!("install -d -o 0 -g {VOLUME_GID} -m 2770 {}/{name}", volumes.display()));
        }
        for (name, value) in [
            ("client-id", "sandbox-client"),
            ("client-secret", "sandbox-secret"),
            ("git-username", "ann"),
            ("git-token", "pass"),
        ] {
            let file = volumes.join("secrets").join(name);
            fs::write(&file, value).unwrap();
            sh(&format!("chgrp {VOLUME_GID} {0} && chmod 0440 {0}", file.display()));
        }
        pod
    }

    /// Brings the configuration and the flows to where they are mounted.
    fn configure(&self) {
        let place = &self.place;
        // A cluster would mount an /etc/hosts.
        place.edit_configuration("//localhost:", "//127.0.0.1:");
        place.edit_configuration("{ env: CLIENT_ID }", "{ file: /run/secrets/flowsync/client-id }");
        place.edit_configuration("{ env: CLIENT_SECRET }", "{ file: /run/secrets/flowsync/client-secret }");
        place.edit_configuration(
            "  branch: main\n",
            "  branch: main\n  credentials:\n    username: { file: /run/secrets/flowsync/git-username }\n    password: { file: /run/secrets/flowsync/git-token }\n",
        );
        let (from, to) = (place.dir.path(), place.path("volumes/configuration"));
        sh(&format!("cp -r {0}/flowsync.yaml {0}/work/flows {1} && chmod -R a+rX {1}/*", from.display(), to.display()));
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", ENTER, "enter"]);
        command.args([self.place.path("image"), self.place.path("volumes")]);
        command.args([UID.to_string(), VOLUME_GID.to_string()]);
        command.arg(&self.stage.variables).arg(&self.stage.entry).args(arguments).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ended(command.spawn().unwrap())
    }

    /// Every file of the image that is no library.
    fn files(&self) -> String {
        let image = self.place.path("image");
        let output =
            Command::new("find").arg(&image).args(["-type", "f", "-not", "-path", "*/lib*/*"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().replace(image.to_str().unwrap(), "")
    }
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_writes_to_its_volumes_only() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    if !may_mount() {
        return;
    }
    let pod = Pod::new(&["a 1.0.0", "b 1.0.0 > flow:a"]);
    let served = pod.place.serve(Rules { login: Some(("ann".to_owned(), "pass".to_owned())), ..Rules::default() });
    pod.configure();

    let mut files: Vec<String> = pod.files().lines().map(str::to_owned).collect();
    files.sort();
    assert_eq!(files, ["/etc/ssl/certs/ca-certificates.crt", "/usr/local/bin/flowsync"]);
    assert_eq!(pod.run(&["--version"]).exits(0).stdout, format!("flowsync {}\n", env!("CARGO_PKG_VERSION")));
    pod.run(&["validate", "/etc/flowsync/flows"]).exits(0).prints(&["2 files, 2 flows: 0 errors"]);

    let ended = pod.run(&["sync", "--output", "json"]).exits(0);
    assert_eq!(ended.summary(), "0 deployed create a deployed, create b deployed");
    assert!(!ended.stderr.contains("warning") && !ended.stderr.contains("WARN"), "{}", ended.stderr);
    assert_eq!(pod.run(&["sync", "--output", "json"]).summary(), "0 in-sync");
    drop(served);

    for kept in ["state/state", "cache/flowsync"] {
        let found = fs::metadata(pod.place.path("volumes").join(kept)).unwrap();
        assert_eq!((found.uid(), found.permissions().mode() & 0o777), (UID, 0o700), "{kept}");
    }
}
