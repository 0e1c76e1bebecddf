//! The real binary against the sandbox tenant and real repositories, as a person, a cron job or a pipeline runs it.
#![allow(unreachable_pub, reason = "modules of one test binary share helpers")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers are tests too")]

#[path = "cli/adopt.rs"]
mod adopt;
#[path = "cli/adopt_drift.rs"]
mod adopt_drift;
#[path = "cli/approval.rs"]
mod approval;
#[path = "cli/asked.rs"]
mod asked;
#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/cognigy.rs"]
mod cognigy;
#[path = "cli/cognigy_adopt.rs"]
mod cognigy_adopt;
#[path = "cli/cognigy_alias.rs"]
mod cognigy_alias;
#[path = "cli/cognigy_clone.rs"]
mod cognigy_clone;
#[path = "cli/cognigy_demo.rs"]
mod cognigy_demo;
#[path = "cli/cognigy_import.rs"]
mod cognigy_import;
#[path = "cli/cognigy_live.rs"]
mod cognigy_live;
#[path = "cli/cognigy_package.rs"]
mod cognigy_package;
#[path = "cli/cognigy_plan.rs"]
mod cognigy_plan;
#[path = "cli/cognigy_probe.rs"]
mod cognigy_probe;
#[path = "cli/cognigy_release.rs"]
mod cognigy_release;
#[path = "cli/cognigy_upgrade.rs"]
mod cognigy_upgrade;
#[path = "cli/cognigy_war.rs"]
mod cognigy_war;
#[path = "cli/config.rs"]
mod config;
#[path = "cli/controller.rs"]
mod controller;
#[path = "cli/deploy.rs"]
mod deploy;
#[path = "cli/disk.rs"]
mod disk;
#[path = "cli/failure.rs"]
mod failure;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/forge.rs"]
mod forge;
#[path = "shared/forge_server.rs"]
mod forge_server;
#[path = "cli/forged.rs"]
mod forged;
#[path = "cli/hooks.rs"]
mod hooks;
#[path = "shared/hotel.rs"]
mod hotel;
#[allow(dead_code, reason = "the tests of the git edge use all of it")]
#[path = "git/http_server.rs"]
mod http_server;
#[path = "cli/image.rs"]
mod image;
#[path = "cli/listening.rs"]
mod listening;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/look.rs"]
mod look;
#[path = "cli/many.rs"]
mod many;
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/metrics.rs"]
mod metrics;
#[path = "cli/neighbours.rs"]
mod neighbours;
#[path = "cli/notify.rs"]
mod notify;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/overlays.rs"]
mod overlays;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/project.rs"]
mod project;
#[path = "cli/promote.rs"]
mod promote;
#[path = "cli/proof.rs"]
mod proof;
#[path = "cli/protect.rs"]
mod protect;
#[path = "cli/pull.rs"]
mod pull;
#[path = "cli/quarantine.rs"]
mod quarantine;
#[path = "cli/race.rs"]
mod race;
#[path = "shared/recorder.rs"]
mod recorder;
#[path = "cli/records.rs"]
mod records;
#[path = "cli/recovery.rs"]
mod recovery;
#[path = "cli/refuse.rs"]
mod refuse;
#[path = "cli/reload.rs"]
mod reload;
#[path = "cli/review.rs"]
mod review;
#[path = "cli/rollback.rs"]
mod rollback;
#[path = "cli/rules.rs"]
mod rules;
#[path = "cli/screen.rs"]
mod screen;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/shown.rs"]
mod shown;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/signed.rs"]
mod signed;
#[path = "cli/status.rs"]
mod status;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/suspend.rs"]
mod suspend;
#[path = "cli/tenant.rs"]
mod tenant;
#[path = "shared/http.rs"]
mod test_http;
#[path = "cli/told.rs"]
mod told;
#[path = "cli/traces.rs"]
mod traces;
#[path = "cli/unreadable.rs"]
mod unreadable;
#[path = "cli/unwritten.rs"]
mod unwritten;
#[path = "cli/whole.rs"]
mod whole;
#[path = "cli/whole_files.rs"]
mod whole_files;
#[path = "cli/windows.rs"]
mod windows;
