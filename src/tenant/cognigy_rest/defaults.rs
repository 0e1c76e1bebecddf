//! Settings that the platform adds to nodes by itself: found out, remembered, and left alone.
//!
//! An upgrade shows configurations with keys that nobody wrote, and no stamp moves. What comes back on top of what was
//! written, or appears while a flow's stamp stands still, is a default of its node type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::store::write_private;
use crate::disk::read_regular;
use crate::flow::Defaults;
use crate::format::cognigy::document::{Config, Flow, Node, NodeRef};

/// The file in the cache folder. Flows have files that end in `.json`.
const FILE: &str = "defaults";
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What is known of them.
#[derive(Debug)]
pub(super) struct KnownDefaults {
    file: Option<PathBuf>,
    known: Mutex<Defaults>,
}

impl KnownDefaults {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let file = folder.map(|folder| folder.join(FILE));
        let read = |file: &PathBuf| serde_json::from_slice(&read_regular(file, FILE_BYTES_MAX).ok()?).ok();
        let known = file.as_ref().and_then(read).unwrap_or_default();
        Self { file, known: Mutex::new(known) }
    }

    /// These alone, for once.
    pub(super) fn of(defaults: Defaults) -> Self {
        Self { file: None, known: Mutex::new(defaults) }
    }

    fn known(&self) -> MutexGuard<'_, Defaults> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Defaults {
        self.known().clone()
    }

    /// There are these, too.
    pub(super) fn add(&self, defaults: &Defaults) {
        let mut known = self.known();
        let Some(all) = known.with(defaults) else { return };
        for line in defaults.lines() {
            tracing::info!(default = line, "the platform adds a setting to nodes by itself; it is no difference");
        }
        if let Some(file) = &self.file
            && let Err(error) = write_private(file, &all)
        {
            tracing::debug!(path = %file.display(), %error, "defaults are not kept; they will be met again");
        }
        *known = all;
    }

    /// A live flow without the settings that say nothing, but for those that are wanted in words.
    pub(super) fn left_out(&self, live: &Flow, wanted: &Flow) -> Flow {
        live.without_defaults(&self.known(), wanted)
    }

    /// A live configuration of a node, likewise.
    pub(super) fn left_out_of(&self, kind: &str, config: &mut Config, wanted: &Value) {
        let known = self.known();
        config.retain(|key, value| wanted.get(key).is_some() || !known.has(kind, key, value));
    }
}

/// What a platform has added to a flow: keys that all nodes of a type have now which had them not, each with one value.
/// What somebody adds by hand stands in one node.
pub(super) fn added(before: &Flow, after: &Flow) -> Defaults {
    let earlier: BTreeMap<&NodeRef, &Node> = before.nodes().map(|node| (&node.reference, node)).collect();
    let mut pairs: BTreeMap<&str, Vec<(&Config, &Config)>> = BTreeMap::new();
    for node in after.nodes() {
        let Some(earlier) = earlier.get(&node.reference).filter(|earlier| earlier.kind == node.kind) else { continue };
        let configs = node.config.iter().filter_map(|(locale, after)| Some((earlier.config.get(locale)?, after)));
        pairs.entry(&node.kind).or_default().extend(configs);
    }
    let mut added = Defaults::default();
    for (kind, pairs) in pairs {
        let is_new = |(before, after): &(&Config, &Config)| -> Vec<String> {
            after.keys().filter(|key| !before.contains_key(*key)).cloned().collect()
        };
        let keys: BTreeSet<String> = pairs.iter().flat_map(is_new).collect();
        for key in keys {
            let without = pairs.iter().filter(|(before, _)| !before.contains_key(&key));
            let mut values = without.map(|(_, after)| after.get(&key));
            let first = values.next().flatten();
            if let Some(value) = first.filter(|first| values.all(|value| value == Some(*first))) {
                added.insert(kind, &key, value);
            }
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(nodes: &[(&str, &str)]) -> Flow {
        let node = |(nth, (kind, config)): (usize, &(&str, &str))| {
            format!(
                r#"{{"type":"{kind}","ref":"a0000000-0000-4000-8000-00000000000{}","config":{{"en":{config}}}}},"#,
                nth + 1
            )
        };
        let nodes: String = nodes.iter().enumerate().map(node).collect();
        let text = format!(
            r#"{{"format":"cognigy-flow/1","id":"flow_11111111000040008000000000000001",
            "referenceId":"11111111-0000-4000-8000-000000000001","name":"A","chart":[
            {{"type":"start","ref":"a0000000-0000-4000-8000-000000000000"}},{nodes}
            {{"type":"end","ref":"a0000000-0000-4000-8000-000000000009"}}]}}"#
        );
        Flow::parse(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(before: &[(&str, &str)], after: &[(&str, &str)], lines: &[&str]) {
        assert_eq!(added(&flow(before), &flow(after)).lines(), lines);
    }

    #[test]
    fn what_all_nodes_of_a_type_have_on_top_is_added_by_the_platform() {
        let one = [("say", r#"{"a":1}"#), ("say", r#"{"a":2}"#), ("stop", "{}")];
        check(&one, &[("say", r#"{"a":1,"m":""}"#), ("say", r#"{"a":3,"m":""}"#), ("stop", "{}")], &[r#"say m """#]);
        check(&one, &[("say", r#"{"a":1,"m":""}"#), ("say", r#"{"a":2,"m":"x"}"#), ("stop", "{}")], &[]);
        check(&one, &[("say", r#"{"a":1,"m":""}"#), ("say", r#"{"a":2}"#), ("stop", "{}")], &[]);
        check(&one, &one, &[]);
        // What is written already is as it is.
        let written = [("say", r#"{"a":1,"m":"x"}"#), ("say", r#"{"a":2}"#)];
        check(&written, &[("say", r#"{"a":1,"m":"x"}"#), ("say", r#"{"a":2,"m":""}"#)], &[r#"say m """#]);
        // Another node, or one of another type, tells nothing.
        check(&[("stop", "{}")], &[("say", r#"{"m":""}"#)], &[]);
    }

    #[test]
    fn what_was_met_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let of = || KnownDefaults::new(Some(folder.path()));
        assert!(of().all().is_empty());
        let mut defaults = Defaults::default();
        defaults.insert("say", "m", &Value::from(""));
        of().add(&defaults);
        assert_eq!(of().all(), defaults);
        std::fs::write(folder.path().join(FILE), "[{}").unwrap();
        assert!(of().all().is_empty(), "what cannot be read is met again");
    }
}
