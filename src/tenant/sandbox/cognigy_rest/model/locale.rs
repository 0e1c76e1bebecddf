//! Locales of a project, and which of them answers for another.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, RefId};
use super::meta::Meta;

/// One locale.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Locale {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) name: String,
    pub(crate) primary: bool,
    pub(crate) nlu_language: String,
    /// Whose entries stand in where it has none.
    pub(crate) fallback: Option<Id>,
    pub(crate) meta: Meta,
}

/// All locales of a project.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Locales(pub(crate) Vec<Locale>);

impl Locale {
    pub(crate) fn to_json(&self) -> Value {
        let Self { id, reference, name, primary, nlu_language, fallback, meta } = self;
        meta.on(json!({
            "_id": id,
            "referenceId": reference,
            "name": name,
            "primary": primary,
            "nluLanguage": nlu_language,
            "fallbackLocaleReference": fallback,
        }))
    }
}

impl Locales {
    pub(crate) fn get(&self, id: &Id) -> Option<&Locale> {
        self.0.iter().find(|locale| locale.id == *id)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Locale> {
        self.0.iter().find(|locale| locale.name == name)
    }

    /// The locale that is meant where none is named.
    pub(crate) fn primary(&self) -> Option<&Locale> {
        self.0.iter().find(|locale| locale.primary)
    }

    /// The locales whose entries are looked for, in turn, when `asked` is: itself, what it falls back to, and the
    /// primary one at the end (vendor's reference).
    pub(crate) fn in_turn(&self, asked: Option<&Id>) -> Vec<Id> {
        let mut turn: Vec<Id> = Vec::new();
        let mut next = asked.and_then(|id| self.get(id));
        while let Some(locale) = next {
            if turn.contains(&locale.id) {
                break;
            }
            turn.push(locale.id.clone());
            next = locale.fallback.as_ref().and_then(|id| self.get(id));
        }
        turn.extend(self.primary().map(|locale| locale.id.clone()).filter(|id| !turn.contains(id)));
        turn
    }
}
