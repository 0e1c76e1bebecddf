//! What somebody who can commit writes into the records: records of another environment, old ones, and lies.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use flowsync::revision::CommitId;
use flowsync::source::memory::Edits;
use serde_json::{Value, json};

use super::world::{ENVIRONMENT, World};

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// The manifest is another environment's.
    Elsewhere,
    /// A deployment of somebody who holds the environment for a thousand days.
    Locked,
    /// A flow that git never held is listed as deployed.
    Claims,
    /// A deployment is being taken back that is said to have created what was there.
    TakesBack,
    /// Each flow has the hashes of the next.
    Hashes,
    /// No manifest at all.
    Garbage,
    /// The first manifest there was.
    Replayed,
    /// The audit files begin later.
    Shortened,
    /// The audit files stand in another folder.
    Moved,
}

const FOREIGN: &str = "20260921T141320Z-f0f0f0f0";

impl Forgery {
    pub const ALL: [Self; 9] = [
        Self::Elsewhere,
        Self::Locked,
        Self::Claims,
        Self::TakesBack,
        Self::Hashes,
        Self::Garbage,
        Self::Replayed,
        Self::Shortened,
        Self::Moved,
    ];

    /// What is committed; nothing where there are no records yet.
    pub fn edits(self, world: &World) -> Edits {
        let path = format!("{}/{ENVIRONMENT}/manifest.json", world.folders.records);
        let Some(tip) = world.remote.tip(&world.folders.records_branch) else { return Edits::new() };
        let Some(text) = world.remote.file(&tip, &path) else { return Edits::new() };
        let manifest = || serde_json::from_slice::<Value>(&text);
        let forged = match self {
            Self::Garbage => Some("<html>".to_owned()),
            Self::Replayed => {
                let first = world.remote.history(&tip).into_iter().rev().find_map(|old| world.remote.file(&old, &path));
                first.map(|text| String::from_utf8_lossy(&text).into_owned())
            }
            Self::Shortened | Self::Moved => return self.audit(world),
            _ => manifest().ok().map(|manifest| self.lie(manifest, world).to_string()),
        };
        forged.map(|text| (path, Some(text.into_bytes()))).into_iter().collect()
    }

    fn lie(self, mut manifest: Value, world: &World) -> Value {
        let flows = manifest["flows"].as_array().cloned().unwrap_or_default();
        let holder = |deadline| json!({ "id": "f0f0f0f0f0f0f0f0", "deadline": deadline });
        match self {
            Self::Elsewhere => {
                manifest["environment"] = "staging".into();
                manifest["targetEnvironment"] = "env_staging".into();
            }
            Self::Locked => {
                manifest["deploymentId"] = FOREIGN.into();
                manifest["status"] = "deploying".into();
                manifest["holder"] = holder((world.now() + jiff::SignedDuration::from_hours(24_000)).to_string());
            }
            Self::Claims => {
                let foreign = flows.first().cloned().map(|mut flow| {
                    flow["id"] = "flow_zz".into();
                    flow["action"] = "none".into();
                    flow
                });
                manifest["flows"] = flows.into_iter().chain(foreign).collect();
            }
            Self::TakesBack => {
                manifest["deploymentId"] = FOREIGN.into();
                manifest["status"] = "restoring".into();
                manifest["holder"] = holder("2020-01-01T00:00:00Z".to_owned());
                for flow in manifest["flows"].as_array_mut().into_iter().flatten() {
                    flow["action"] = "create".into();
                    for member in ["before", "previousHash", "previousVersion"] {
                        flow.as_object_mut().map(|flow| flow.remove(member));
                    }
                }
            }
            _ => {
                let next = flows.iter().cycle().skip(1);
                for (flow, next) in manifest["flows"].as_array_mut().into_iter().flatten().zip(next) {
                    for member in ["contentHash", "equalityHash", "previousHash", "last"] {
                        flow[member] = next[member].clone();
                    }
                }
            }
        }
        manifest
    }

    fn audit(self, world: &World) -> Edits {
        let World { remote, folders, .. } = world;
        let tip = remote.tip(&folders.records_branch).unwrap();
        let mut edits = Edits::new();
        for path in remote.files_in(&tip, &format!("{}/{ENVIRONMENT}/audit", folders.records)).into_keys() {
            let text = remote.file(&tip, &path).unwrap();
            let first = text.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if self == Self::Shortened {
                edits.insert(path, Some(text[first..].to_vec()));
            } else {
                edits.insert(path.replace("/audit/", "/audit/1999-"), Some(text.to_vec()));
                edits.insert(path, None);
            }
        }
        edits
    }
}

impl World {
    /// Somebody who can commit forges records; what that changes.
    pub fn forge(&self, how: Forgery) -> Edits {
        self.say(|| format!("somebody forges records: {how:?}"));
        self.meddled.store(true, Ordering::Relaxed);
        self.forged.store(true, Ordering::Relaxed);
        how.edits(self)
    }

    /// Somebody puts forged records back as flowsync left them.
    pub fn put_records_right(&self, newest: &Mutex<Option<CommitId>>) {
        if self.forged.load(Ordering::Relaxed) {
            self.put_records_back(newest);
        }
    }

    /// Somebody puts the records back as flowsync left them; `newest` is where they are taken from; without it they are
    /// removed.
    pub fn put_records_back(&self, newest: &Mutex<Option<CommitId>>) {
        let Self { remote, folders, .. } = self;
        let Some(tip) = remote.tip(&folders.records_branch) else { return };
        let (now, newest) = (remote.files_in(&tip, &folders.records), newest.lock().unwrap().clone());
        let then = newest.map(|newest| remote.files_in(&newest, &folders.records)).unwrap_or_default();
        let mut edits: Edits =
            now.keys().filter(|path| !then.contains_key(*path)).map(|path| (path.clone(), None)).collect();
        for (path, blob) in then.iter().filter(|(path, blob)| now.get(*path) != Some(blob)) {
            edits.insert(path.clone(), remote.blob(blob).map(|content| content.to_vec()));
        }
        if !edits.is_empty() {
            self.say(|| "somebody puts the records right".into());
            remote.commit(&folders.records_branch, "chore: records as they were", self.now(), &edits);
        }
    }
}
