//! The index in the shape that is written.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::state::IndexState;
use crate::flow::{
    Anchors, ContentHash, Definition, EnvironmentId, FileReport, KnownFlow, Need, Reading, Reference, ReferenceKind,
};
use crate::problem::{Place, Problem, Rule, Severity};
use crate::revision::{BlobId, Composed, Origin};
use crate::source::{FlowEntry, FlowListing, LeftOut, LeftOutReason, TreeId};
use crate::tenant::Recognised;

type Hash = [u8; 32];

/// Everything.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) rules: Vec<String>,
    seed: u64,
    tree: Option<StoredTree>,
    reports: Vec<(String, StoredReport)>,
    composed: Vec<StoredComposed>,
    live: Vec<(u128, String, Hash, Hash, usize)>,
}

/// Id, flows, overlays, what is left out.
type StoredTree = (String, Vec<StoredEntry>, Vec<StoredEntry>, Vec<StoredLeftOut>);
/// Path, blob, size.
type StoredEntry = (String, String, u64);
/// Path, reason.
type StoredLeftOut = (String, LeftOutReason);

/// A composed flow: two files have a part in it, so that its places name theirs.
#[derive(Serialize, Deserialize)]
struct StoredComposed {
    blob: String,
    overlay: Option<String>,
    environment: Option<String>,
    path: String,
    id_file: String,
    version_file: String,
    report: StoredReport,
}

#[derive(Serialize, Deserialize)]
struct StoredReport {
    definition: Option<StoredDefinition>,
    stray_id: Option<String>,
    id_place: Option<StoredPlace>,
    version_place: Option<StoredPlace>,
    problems: Vec<StoredProblem>,
    anchors: Option<StoredAnchors>,
}

/// What is offered, and what is needed.
type StoredAnchors = (Vec<(String, bool)>, Vec<StoredNeed>);
/// Flow, place in it; and where it is said: file, line, column, pointer.
type StoredNeed = (String, String, String, StoredPlace);

/// A problem, with the file it stands in.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredProblem {
    file: String,
    place: StoredPlace,
    rule: String,
    is_error: bool,
    message: String,
    help: String,
}

impl StoredProblem {
    pub(super) fn of(problem: &Problem) -> Self {
        let Problem { place, rule, severity, message, help } = problem;
        Self {
            file: place.file.clone(),
            place: stored(place),
            rule: rule.as_str().to_owned(),
            is_error: *severity == Severity::Error,
            message: message.clone(),
            help: help.clone(),
        }
    }

    /// Nothing for a rule that is none any more.
    pub(super) fn back(self) -> Option<Problem> {
        let Self { file, place: at, rule, is_error, message, help } = self;
        let severity = if is_error { Severity::Error } else { Severity::Warning };
        Some(Problem { place: Place { file, ..place(at) }, rule: Rule::named(&rule)?, severity, message, help })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredDefinition {
    id: String,
    name: String,
    version: String,
    references: Vec<(ReferenceKind, String, String)>,
    content_hash: Hash,
    equality_hash: Hash,
}

/// Line, column, pointer: the file is the blob's, whatever its path.
type StoredPlace = (u32, u32, String);

impl Stored {
    pub(super) fn of(rules: &[String], state: &IndexState) -> Self {
        let tree = |(TreeId(tree), listing): &(TreeId, FlowListing)| {
            let entry = |entry: &FlowEntry| (entry.path.clone(), entry.blob.0.clone(), entry.bytes);
            let left_out = |LeftOut { path, reason }: &LeftOut| (path.clone(), *reason);
            let FlowListing { entries, overlays, bad: _, left_out: others } = listing;
            let [entries, overlays] = [entries, overlays].map(|files| files.iter().map(entry).collect());
            (tree.clone(), entries, overlays, others.iter().map(left_out).collect())
        };
        Self {
            rules: rules.to_vec(),
            seed: state.seed,
            tree: state.tree.as_ref().map(tree),
            reports: state.reports.iter().map(|(blob, report)| (blob.0.clone(), StoredReport::of(report))).collect(),
            composed: state.composed.iter().map(|(key, report)| StoredComposed::of(key, report)).collect(),
            live: state
                .live
                .iter()
                .map(|(digest, Recognised { flow: KnownFlow { id, content_hash, equality_hash }, bytes })| {
                    (*digest, id.to_string(), content_hash.0, equality_hash.0, *bytes)
                })
                .collect(),
        }
    }

    pub(super) fn fill(self, state: &mut IndexState) {
        let Self { rules: _, seed, tree, reports, composed, live } = self;
        state.seed = seed;
        state.tree = tree.map(|(tree, entries, overlays, left_out)| {
            let entry = |(path, blob, bytes)| FlowEntry { path, blob: BlobId(blob), bytes };
            let left_out = left_out.into_iter().map(|(path, reason)| LeftOut { path, reason }).collect();
            let [entries, overlays] = [entries, overlays].map(|files| files.into_iter().map(entry).collect());
            (TreeId(tree), FlowListing { entries, overlays, bad: Vec::new(), left_out })
        });
        let report = |(blob, report): (String, StoredReport)| Some((BlobId(blob), report.back()?));
        state.reports = reports.into_iter().filter_map(report).collect();
        state.composed = composed.into_iter().filter_map(StoredComposed::back).collect();
        let known = |(digest, id, content, equality, bytes): (u128, String, Hash, Hash, usize)| {
            let (content_hash, equality_hash) = (ContentHash(content), ContentHash(equality));
            let flow = KnownFlow { id: id.parse().ok()?, content_hash, equality_hash };
            Some((digest, Recognised { flow, bytes }))
        };
        state.live = live.into_iter().filter_map(known).collect::<HashMap<_, _>>();
        state.digests = state.live.iter().map(|(digest, known)| (known.flow.id.clone(), *digest)).collect();
    }
}

impl StoredComposed {
    fn of((origin, path): &(Origin, String), report: &FileReport) -> Self {
        let file = |place: &Option<Place>| place.as_ref().map(|place| place.file.clone()).unwrap_or_default();
        let composed = origin.composed.as_ref();
        Self {
            blob: origin.blob.0.clone(),
            overlay: composed.and_then(|composed| Some(composed.overlay.as_ref()?.0.clone())),
            environment: composed.map(|composed| composed.environment.clone()),
            path: path.clone(),
            id_file: file(&report.id_place),
            version_file: file(&report.version_place),
            report: StoredReport::of(report),
        }
    }

    fn back(self) -> Option<((Origin, String), FileReport)> {
        let Self { blob, overlay, environment, path, id_file, version_file, report } = self;
        let mut report = report.back()?;
        for (place, file) in [(&mut report.id_place, id_file), (&mut report.version_place, version_file)] {
            if let Some(place) = place {
                place.file = file;
            }
        }
        let composed = environment.map(|environment| Composed { overlay: overlay.map(BlobId), environment });
        Some(((Origin { blob: BlobId(blob), composed }, path), report))
    }
}

impl StoredReport {
    fn of(report: &FileReport) -> Self {
        let FileReport { definition, stray_id, id_place, version_place, problems, anchors } = report;
        Self {
            definition: definition.as_ref().map(StoredDefinition::of),
            stray_id: stray_id.as_ref().map(ToString::to_string),
            id_place: id_place.as_ref().map(stored),
            version_place: version_place.as_ref().map(stored),
            problems: problems.iter().map(StoredProblem::of).collect(),
            anchors: anchors.as_deref().map(|Anchors { offered, needed }| {
                let need = |Need { flow, anchor, place }: &Need| {
                    (flow.to_string(), anchor.clone(), place.file.clone(), stored(place))
                };
                let offered = offered.iter().map(|(name, is_open)| (name.clone(), *is_open));
                (offered.collect(), needed.iter().map(need).collect())
            }),
        }
    }

    fn back(self) -> Option<FileReport> {
        Some(FileReport {
            definition: match self.definition {
                Some(definition) => Some(definition.back()?),
                None => None,
            },
            stray_id: self.stray_id.and_then(|id| id.parse().ok()),
            id_place: self.id_place.map(place),
            version_place: self.version_place.map(place),
            problems: self.problems.into_iter().map(StoredProblem::back).collect::<Option<_>>()?,
            anchors: match self.anchors {
                Some((offered, needed)) => {
                    let need = |(flow, anchor, file, at): StoredNeed| {
                        Some(Need { flow: flow.parse().ok()?, anchor, place: Place { file, ..place(at) } })
                    };
                    let needed = needed.into_iter().map(need).collect::<Option<_>>()?;
                    Some(Box::new(Anchors { offered: offered.into_iter().collect(), needed }))
                }
                None => None,
            },
        })
    }
}

impl StoredDefinition {
    fn of(definition: &Definition) -> Self {
        // What a file holds was read whole, or there is no definition.
        let Definition { id, name, version, references, content_hash, equality_hash, reading: _, text: _ } = definition;
        let reference = |Reference { kind, id, environment }: &Reference| (*kind, id.clone(), environment.0.clone());
        Self {
            id: id.to_string(),
            name: name.clone(),
            version: version.clone(),
            references: references.iter().map(reference).collect(),
            content_hash: content_hash.0,
            equality_hash: equality_hash.0,
        }
    }

    fn back(self) -> Option<Definition> {
        let Self { id, name, version, references, content_hash, equality_hash } = self;
        let reference = |(kind, id, environment): (ReferenceKind, String, String)| Reference {
            kind,
            id,
            environment: EnvironmentId(environment),
        };
        Some(Definition {
            id: id.parse().ok()?,
            name,
            version,
            references: references.into_iter().map(reference).collect(),
            content_hash: ContentHash(content_hash),
            equality_hash: ContentHash(equality_hash),
            reading: Reading::Whole,
            text: None,
        })
    }
}

fn stored(place: &Place) -> StoredPlace {
    let Place { file: _, line, column, pointer } = place;
    (*line, *column, pointer.clone())
}

fn place((line, column, pointer): StoredPlace) -> Place {
    Place { file: String::new(), line, column, pointer }
}
