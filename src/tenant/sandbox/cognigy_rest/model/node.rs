//! One node: a head that all locales share, and a config for each locale.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::mint::{Id, RefId};
use super::config::{self, Upgrades};
use super::kinds::{self, Kind};

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) kind: String,
    pub(crate) extension: String,
    pub(crate) label: String,
    pub(crate) comment: String,
    pub(crate) comment_color: String,
    pub(crate) analytics_label: Option<String>,
    pub(crate) is_entry_point: bool,
    pub(crate) is_disabled: bool,
    /// Written by packages only.
    pub(crate) mock: Value,
    /// Configs by locale, as they were written; computed keys left out.
    pub(crate) entries: BTreeMap<Id, Map<String, Value>>,
    /// Whether the platform has looked at the config since it was written: what it finds wrong is known only on a later
    /// read (reported by users).
    #[serde(skip, default = "settled")]
    pub(crate) is_settled: bool,
}

fn settled() -> bool {
    true
}

impl Node {
    /// A node with nothing in it but its type, for the locales in `entries`.
    pub(crate) fn new(id: Id, reference: RefId, kind: &str, extension: &str, locales: &[Id]) -> Self {
        let defaults = kinds::kind(kind, extension).map(Kind::defaults).unwrap_or_default();
        Self {
            id,
            reference,
            kind: kind.to_owned(),
            extension: extension.to_owned(),
            label: kind.to_owned(),
            comment: String::new(),
            comment_color: String::new(),
            analytics_label: None,
            is_entry_point: false,
            is_disabled: false,
            mock: json!({ "isEnabled": false, "code": "" }),
            entries: locales.iter().map(|locale| (locale.clone(), defaults.clone())).collect(),
            is_settled: true,
        }
    }

    pub(crate) fn known(&self) -> Option<&'static Kind> {
        kinds::kind(&self.kind, &self.extension)
    }

    /// Whether it hangs in its parent's `children`.
    pub(crate) fn parent_kind(&self) -> Option<&'static str> {
        self.known().and_then(|kind| kind.parent)
    }

    /// The entry that answers, out of the locales that are looked at in turn.
    pub(crate) fn entry(&self, turn: &[Id]) -> Option<(&Id, &Map<String, Value>)> {
        turn.iter().find_map(|locale| self.entries.get_key_value(locale)).or_else(|| self.entries.iter().next())
    }

    /// As `chart/nodes` lists it: neither config nor order.
    pub(crate) fn in_list(&self) -> Value {
        json!({
            "_id": self.id,
            "referenceId": self.reference,
            "type": self.kind,
            "extension": self.extension,
            "label": self.label,
            "comment": self.comment,
            "commentColor": self.comment_color,
            "analyticsLabel": self.analytics_label,
            "isEntryPoint": self.is_entry_point,
            "isDisabled": self.is_disabled,
        })
    }

    /// As a chart shows it: without config.
    pub(crate) fn head(&self, turn: &[Id]) -> Value {
        let mut head = self.in_list();
        let (locale, preview) = match self.entry(turn) {
            Some((locale, config)) => (locale.as_str().into(), config::preview(&self.kind, config)),
            None => (Value::Null, "".into()),
        };
        head["localeReference"] = locale;
        head["preview"] = preview;
        head["mock"] = self.mock.clone();
        head
    }

    /// As a read shows its config.
    pub(crate) fn config(&self, turn: &[Id], upgrades: &Upgrades) -> Value {
        let config = self.entry(turn).map(|(_, config)| config::shown(&self.kind, config, upgrades, self.is_settled));
        Value::Object(config.unwrap_or_default())
    }
}
