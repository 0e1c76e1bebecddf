//! Whose records these are: of this environment, this target, this tenant, and sealed with this key.

use std::fs;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::recovery::killed;
use crate::support::{Place, git, word};
use crate::tenant::Tenant;

const MANIFEST: &str = "deployments/production/manifest.json";

/// Refused with these words by `sync`, `plan` and `rollback`, and nothing is written anywhere.
#[track_caller]
fn refused(place: &Place, texts: &[&str]) {
    let tip = place.tip();
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(texts);
    place.run(&["plan"]).exits(3).says(texts);
    place.run_in_work(&["plan"]).exits(3).says(texts);
    place.run(&["rollback"]).exits(3).says(texts);
    place.run(&["status"]).exits(3).says(texts);
    place.run(&["history"]).exits(0);
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
}

fn deployed() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    place
}

#[test]
fn records_of_another_target_are_refused_until_they_are_adopted_once() {
    let place = deployed();
    place.edit_configuration("environmentId: env_prod", "environmentId: env_staging");
    refused(&place, &["`targetEnvironment` is `env_prod` in the records and `env_staging` here", "--adopt-records"]);
    let dry = place.sync_with(&["--adopt-records", "--dry-run"]).exits(0);
    assert_eq!(dry.summary(), "0 planned create a not-attempted");
    assert_eq!(place.sync_with(&["--adopt-records"]).summary(), "0 deployed create a deployed");
    assert_eq!(place.tenant.live_in("env_staging"), "a 1.0.0");
    assert_eq!(place.manifest()["targetEnvironment"], "env_staging");
    assert_eq!(place.sync(), "0 in-sync", "once is enough");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn adopting_where_nothing_differs_is_written_down_too() {
    let place = deployed();
    place.tenant.state.put_flow("env_staging", &crate::support::flow("a 1.0.0").to_string()).unwrap();
    place.edit_configuration("environmentId: env_prod", "environmentId: env_staging");
    place.tenant.writes();
    assert_eq!(place.sync_with(&["--adopt-records"]).summary(), "0 in-sync");
    assert_eq!((&place.manifest()["kind"], place.tenant.writes().as_str()), (&"adoption".into(), ""));
    let tip = place.tip();
    assert_eq!(place.sync_with(&["--adopt-records"]).summary(), "0 in-sync");
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tip(), tip, "what is ours is not adopted again");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn the_manifest_of_another_environment_is_refused() {
    let place = deployed();
    let production = place.environment_yaml("production", "env_prod", "");
    let staging = place.environment_yaml("staging", "env_staging", "");
    place.configure(&place.repository_yaml(""), &format!("{production}{staging}"));
    place.sync_with(&["--env", "staging"]).exits(0);
    place.update_work();
    fs::copy(place.work().join("deployments/staging/manifest.json"), place.work().join(MANIFEST)).unwrap();
    place.push("a copy");
    place.tenant.writes();
    let ended = place.sync_with(&[]).exits(3).says(&[
        "`environment` is `staging` in the records and `production` here",
        "`targetEnvironment` is `env_staging` in the records and `env_prod` here",
    ]);
    assert_eq!((ended.summary().as_str(), place.tenant.writes().as_str()), ("3 refused | in-sync", ""));
}

#[test]
fn records_of_another_tenant_are_refused_and_older_ones_that_name_none_are_read() {
    let place = deployed();
    let other = Tenant::start();
    place.edit_configuration(&place.tenant.url(), &other.url());
    place.edit_configuration(&place.tenant.token_url(), &other.token_url());
    let address = other.url().trim_start_matches("http://").to_owned();
    refused(&place, &["`tenantDigest` is `sha256:", &address, "--adopt-records"]);
    let mut manifest = place.manifest();
    manifest.as_object_mut().unwrap().remove("tenantDigest").unwrap();
    place.write(MANIFEST, &format!("{manifest:#}\n"));
    place.push("as an older version wrote it");
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert_eq!(other.live(), "a 1.0.0");
}

#[test]
fn a_deployment_that_was_begun_elsewhere_is_not_ended_here() {
    let place = killed();
    place.update_work();
    place.edit_configuration("environmentId: env_prod", "environmentId: env_staging");
    refused(&place, &["env_prod", "env_staging"]);
    assert_eq!(place.manifest()["status"], "deploying");
    let ended = place.sync_with(&["--adopt-records"]).exits(0).says(&["alarm", "was not ended", "env_prod"]);
    assert_eq!(ended.summary(), "0 deployed create a deployed, create b deployed");
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0", "what is left there is left as it is");
    assert_eq!(place.tenant.live_in("env_staging"), "a 1.1.0, b 1.1.0");
    assert_eq!(place.sync(), "0 in-sync");
    place.run(&["audit", "verify"]).exits(0);
}

/// One flow deployed by a place that seals.
fn sealing() -> Place {
    let mut place = Place::new(&["a 1.0.0"]);
    place.set("SEAL", "hunter2-hunter2");
    let repository = place.repository_yaml("  sealKey: { env: SEAL }\n");
    place.configure(&repository, &place.environment_yaml("production", "env_prod", ""));
    place.sync_with(&[]).exits(0);
    place.update_work();
    place
}

#[test]
fn a_seal_is_what_openssl_says() {
    let place = sealing();
    let text = place.show(MANIFEST) + "\n";
    let unsealed: String = text.split_inclusive('\n').filter(|line| !line.starts_with("  \"seal\":")).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hunter2-hunter2").unwrap();
    mac.update(unsealed.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(place.manifest()["seal"], format!("hmac-sha256:{hex}"));
    crate::output::assert_manifest(&place, &place.manifest());
    let everything = git(&place.origin(), &["log", "-p", "main"]);
    assert!(!everything.contains("hunter2"));
}

#[test]
fn with_a_key_only_what_it_sealed_is_gone_by() {
    let mut place = sealing();
    assert_eq!(place.sync(), "0 in-sync");
    place.commit(&["a 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place.run(&["rollback"]).exits(0);
    place.sync_with(&["--retry"]).exits(0);
    place.update_work();
    let sound = fs::read_to_string(place.work().join(MANIFEST)).unwrap();
    for forged in [
        sound.replacen("\"name\": \"Flow a\"", "\"name\": \"Flow b\"", 1),
        sound.split_inclusive('\n').filter(|line| !line.contains("\"seal\"")).collect(),
        sound.replace("  \"auditHead\"", " \"auditHead\""),
    ] {
        assert_ne!(forged, sound);
        place.write(MANIFEST, &forged);
        place.push("forged");
        refused(&place, &["`repository.sealKey` is set", "seal", "restore the manifest from its git history"]);
    }
    place.write(MANIFEST, &sound);
    place.push("restored");
    assert_eq!(place.sync(), "0 in-sync");
    place.set("SEAL", "another key");
    refused(&place, &["its seal is not made with this key"]);
    assert_eq!(place.sync_with(&["--adopt-records"]).summary(), "0 in-sync");
    assert_eq!(place.sync(), "0 in-sync", "sealed anew");
    // What was forged stands in history.
    place.run(&["audit", "verify"]).exits(1).prints(&["was altered"]);
}

#[test]
fn records_from_before_there_was_a_key_are_adopted_once() {
    let mut place = deployed();
    place.set("SEAL", "hunter2-hunter2");
    place.edit_configuration("branch: main\n", "branch: main\n  sealKey: { env: SEAL }\n");
    refused(&place, &["`repository.sealKey` is set, and it has no seal"]);
    place.commit(&["a 1.1.0"]);
    assert_eq!(place.sync_with(&["--adopt-records"]).summary(), "0 deployed update a deployed");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_key_that_cannot_be_read_is_an_error_that_names_it() {
    let place = sealing();
    place.edit_configuration("{ env: SEAL }", "{ file: nowhere }");
    place.sync_with(&[]).exits(1).says(&["nowhere", "repository.sealKey"]);
}

#[test]
fn the_record_that_closes_a_deployment_keeps_the_digest_of_its_manifest() {
    let place = deployed();
    place.commit(&["a 1.1.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    place.tenant.heals();
    let digest_of = |commit: &str| {
        let text = git(&place.origin(), &["show", &format!("{commit}:{MANIFEST}")]) + "\n";
        let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("  \"auditHead\":")).collect();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let hex: String = Sha256::digest(kept).iter().map(|byte| format!("{byte:02x}")).collect();
        (word(&manifest["deploymentId"]).to_owned(), format!("sha256:{hex}"))
    };
    let shown = place.run(&["audit", "show", "--output", "json"]).exits(0).json();
    let closed: Vec<(String, String)> = shown["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["event"] == "ended")
        .map(|record| (word(&record["deploymentId"]).to_owned(), word(&record["manifest"]).to_owned()))
        .collect();
    let first = git(&place.origin(), &["log", "--format=%H", "--grep=production deployed", "main"]);
    assert_eq!(closed, [digest_of(&first), digest_of("main")]);
}
