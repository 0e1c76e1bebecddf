//! Intents of a flow, with their example sentences by locale.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, Mint, RefId};
use super::super::refusal::Refusal;

/// An intent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) is_reject: bool,
    pub(crate) is_disabled: bool,
    pub(crate) parent: Option<Id>,
    pub(crate) sentences: BTreeMap<Id, Vec<String>>,
}

/// What an import does with an intent that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ImportMode {
    /// Leaves it.
    Skip,
    /// Replaces it.
    Overwrite,
    /// Adds the sentences that it lacks.
    Merge,
}

/// An intent as exports write it: without ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    pub(crate) name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    is_reject_intent: bool,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default)]
    parent_intent: Option<String>,
    #[serde(default)]
    example_sentences: Vec<String>,
    #[serde(default)]
    confirmation_sentences: Vec<String>,
}

impl Intent {
    pub(crate) fn new(name: &str, mint: &mut Mint) -> Self {
        Self {
            id: mint.id(),
            reference: mint.reference(),
            name: name.to_owned(),
            description: String::new(),
            is_reject: false,
            is_disabled: false,
            parent: None,
            sentences: BTreeMap::new(),
        }
    }

    /// As lists show it.
    pub(crate) fn head(&self, turn: &[Id]) -> Value {
        let locale = turn.iter().find(|locale| self.sentences.contains_key(locale)).or(turn.first());
        json!({
            "_id": self.id,
            "referenceId": self.reference,
            "name": self.name,
            "description": self.description,
            "tags": [],
            "isRejectIntent": self.is_reject,
            "isDisabled": self.is_disabled,
            "localeReference": locale,
            "parentIntentId": self.parent,
            "feedbackReport": null,
        })
    }
}

/// What an export in `locale` holds.
pub(crate) fn written(intents: &[Intent], locale: &Id) -> Vec<Written> {
    let name_of = |id: &Id| intents.iter().find(|intent| intent.id == *id).map(|intent| intent.name.clone());
    let written = intents.iter().map(|intent| Written {
        name: intent.name.clone(),
        description: intent.description.clone(),
        is_reject_intent: intent.is_reject,
        is_disabled: intent.is_disabled,
        parent_intent: intent.parent.as_ref().and_then(name_of),
        example_sentences: intent.sentences.get(locale).cloned().unwrap_or_default(),
        confirmation_sentences: Vec::new(),
    });
    written.collect()
}

/// Reads the file of an import.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Written>, Refusal> {
    serde_json::from_slice(file).map_err(|error| Refusal::invalid(format!("the file of intents is not valid: {error}")))
}

/// Takes up intents in `locale`.
pub(crate) fn import(intents: &mut Vec<Intent>, file: Vec<Written>, mode: ImportMode, locale: &Id, mint: &mut Mint) {
    for written in &file {
        let position = intents.iter().position(|intent| intent.name == written.name);
        let position = match (position, mode) {
            (Some(_), ImportMode::Skip) => continue,
            (Some(position), _) => position,
            (None, _) => {
                intents.push(Intent::new(&written.name, mint));
                intents.len() - 1
            }
        };
        let intent = &mut intents[position];
        let sentences = intent.sentences.entry(locale.clone()).or_default();
        if mode == ImportMode::Merge {
            let new = written.example_sentences.iter().filter(|sentence| !sentences.contains(sentence)).cloned();
            let new: Vec<String> = new.collect();
            sentences.extend(new);
        } else {
            *sentences = written.example_sentences.clone();
            intent.description.clone_from(&written.description);
            intent.is_reject = written.is_reject_intent;
            intent.is_disabled = written.is_disabled;
        }
    }
    for written in file {
        let Some(parent) = written.parent_intent else { continue };
        let parent = intents.iter().find(|intent| intent.name == parent).map(|intent| intent.id.clone());
        if let Some(intent) = intents.iter_mut().find(|intent| intent.name == written.name) {
            intent.parent = parent;
        }
    }
}
