//! What wakes a controller from this machine's files: another configuration, another checkout, another secret.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::http_server::Rules;
use crate::listening::Listening;
use crate::support::{Place, until};

/// Replaces a link as git-sync and the kubelet do: by renaming another one over it.
fn flip(link: &Path, target: &str) {
    let next = link.parent().unwrap().join("next link");
    symlink(target, &next).unwrap();
    fs::rename(next, link).unwrap();
}

#[test]
fn a_checkout_beside_it_that_is_replaced_brings_a_commit_at_once() {
    let place = Place::with("interval: 1h", &["a 1.0.0"]);
    let _server = place.serve(Rules::default());
    place.edit_configuration("  branch: main\n", "  branch: main\n  watch: checkout/current\n");
    for revision in ["one", "two"] {
        fs::create_dir_all(place.path("checkout").join(revision)).unwrap();
    }
    flip(&place.path("checkout/current"), "one");
    let controller = Listening::start(&place);
    controller.until_passes("production", 1);
    place.commit(&["a 1.1.0"]);
    // What happens inside of a checkout is its own.
    fs::write(place.path("checkout/one/file"), "").unwrap();
    flip(&place.path("checkout/current"), "two");
    until("it is deployed", || place.tenant.live() == "a 1.1.0");
    controller.until_passes("production", 2);
    assert_eq!(controller.n_passes("production"), 2);
    // Another link, after a reload, and the one before no more.
    place.edit_configuration("checkout/current", "checkout/newest");
    controller.hang_up();
    controller.until_passes("production", 3);
    place.commit(&["a 1.2.0"]);
    flip(&place.path("checkout/newest"), "one");
    until("it is deployed", || place.tenant.live() == "a 1.2.0");
    controller.stop().exits(0);
}

/// A configuration in a folder as the kubelet lays out a ConfigMap.
struct ConfigMap<'p> {
    place: &'p Place,
    n_versions: u32,
}

impl ConfigMap<'_> {
    /// Replaces it, all at once.
    fn set(&mut self, text: &str) {
        self.n_versions += 1;
        let name = format!("..version{}", self.n_versions);
        let folder = self.place.path("config").join(&name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("flowsync.yaml"), text).unwrap();
        flip(&self.place.path("config/..data"), &name);
    }
}

#[test]
fn a_config_map_that_is_replaced_is_read_and_a_broken_one_is_not_taken() {
    let mut place = Place::with("interval: 1h", &["a 1.0.0"]);
    let production = fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    let staging = place.environment_yaml("staging", "env_staging", "interval: 1h");
    let path = place.path("config/flowsync.yaml").display().to_string();
    place.set("FLOWSYNC_CONFIG", &path);
    fs::create_dir(place.path("config")).unwrap();
    symlink("..data/flowsync.yaml", place.path("config/flowsync.yaml")).unwrap();
    let mut map = ConfigMap { place: &place, n_versions: 0 };
    map.set(&production);
    place.sync_with(&[]).exits(0);
    let controller = Listening::start(&place);
    let status = || controller.get("/api/v1/status").1;
    let n_alarms = || serde_json::from_str::<serde_json::Value>(&status()).unwrap()["alarms"].as_array().unwrap().len();
    controller.until_passes("production", 1);
    map.set(&(production.clone() + &staging));
    until("staging is deployed", || place.tenant.live_in("env_staging") == "a 1.0.0");
    // A file that is no use keeps the one before it, and says so.
    map.set("version: 1\nenvironments: 7\n");
    until("there is an alarm", || n_alarms() == 1);
    controller.until_said("alarm: the configuration in use is kept");
    assert!(status().contains("\"staging\""), "{}", status());
    // An environment that is no use is its own error, and nobody else's.
    place.tenant.put(&["a 7.0.0"]);
    map.set(&(production.clone() + &staging.replace("interval: 1h", "interval: soon")));
    controller.until_said("staging: error: the environment `staging` is not usable");
    until("the others go on", || place.tenant.live() == "a 1.0.0");
    assert_eq!(n_alarms(), 0);
    map.set(&production);
    controller.until_said("staging: not in the configuration any more");
    until("it is gone from the status", || !status().contains("\"staging\""));
    assert!(!controller.get("/metrics").1.contains("staging"), "what is gone is not counted");
    controller.stop().exits(0);
}

#[test]
fn a_secret_that_is_rotated_is_read_again_without_a_reload() {
    let place = Place::with("interval: 1s", &["a 1.0.0"]);
    place.edit_configuration("clientSecret: { env: CLIENT_SECRET }", "clientSecret: { file: secret }");
    fs::write(place.path("secret"), "c4nary-old\n").unwrap();
    let controller = Listening::start(&place);
    controller.until_said("production: error");
    fs::write(place.path("secret"), "sandbox-secret\n").unwrap();
    until("it is deployed", || place.tenant.live() == "a 1.0.0");
    let ended = controller.stop().exits(0);
    assert!(!ended.stderr.contains("c4nary") && !ended.stdout.contains("c4nary"), "{}", ended.stderr);
}
