//! A flow: a head, a chart, intents, settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::mint::{Id, Mint, RefId};
use super::chart::Chart;
use super::intent::Intent;
use super::meta::Meta;

/// A flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) context: Map<String, Value>,
    pub(crate) img: String,
    pub(crate) attached_flows: Vec<Id>,
    /// Attached lexicons by locale; a locale without an entry has those of its fallback.
    pub(crate) lexicons: BTreeMap<Id, Vec<Id>>,
    pub(crate) meta: Meta,
    pub(crate) settings: Settings,
    pub(crate) train_group: Id,
    /// None until somebody trains it, or makes that necessary.
    pub(crate) is_training_out_of_date: Option<bool>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) chart: Chart,
    /// The chart as it was before the newest write, for the one read that lags behind (reported by users).
    #[serde(skip)]
    pub(crate) stale: Option<Chart>,
}

/// A flow's settings: many are `null`, and `null` is not taken back (vendor's reference).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) id: Id,
    pub(crate) values: Map<String, Value>,
}

impl Settings {
    pub(crate) fn new(id: Id) -> Self {
        let values = [
            ("intentsThreshold", Value::Null),
            ("confirmationThreshold", Value::Null),
            ("useAttachedFlowsStates", false.into()),
            ("fuzzySearch", Value::Null),
            ("continueExecutionAfterDefaultReply", true.into()),
        ];
        Self { id, values: values.map(|(key, value)| (key.to_owned(), value)).into_iter().collect() }
    }
}

impl Flow {
    /// An empty flow; its chart is `start`, then `end`.
    pub(crate) fn new(name: &str, locales: &[Id], meta: Meta, mint: &mut Mint) -> Self {
        Self {
            id: mint.id(),
            reference: mint.reference(),
            name: name.to_owned(),
            description: String::new(),
            context: Map::new(),
            img: String::new(),
            attached_flows: Vec::new(),
            lexicons: locales.iter().map(|locale| (locale.clone(), Vec::new())).collect(),
            meta,
            settings: Settings::new(mint.id()),
            train_group: mint.id(),
            is_training_out_of_date: None,
            intents: Vec::new(),
            chart: Chart::new(mint, locales),
            stale: None,
        }
    }

    /// As lists show it.
    pub(crate) fn head(&self) -> Value {
        self.meta.on(json!({
            "_id": self.id,
            "referenceId": self.reference,
            "name": self.name,
            "description": self.description,
            "isTrainingOutOfDate": self.is_training_out_of_date,
        }))
    }

    /// The lexicons attached in the first of the locales that has an entry, with that locale.
    pub(crate) fn lexicons_in(&self, turn: &[Id]) -> Option<(&Id, &Vec<Id>)> {
        turn.iter().find_map(|locale| self.lexicons.get_key_value(locale)).or_else(|| self.lexicons.iter().next())
    }

    /// As a read shows it.
    pub(crate) fn whole(&self, turn: &[Id], project: &Id, organisation: &Id) -> Value {
        let mut whole = self.head();
        let (locale, lexicons) = self
            .lexicons_in(turn)
            .map_or((Value::Null, json!([])), |(locale, lexicons)| (locale.as_str().into(), json!(lexicons)));
        whole["context"] = Value::Object(self.context.clone());
        whole["attachedFlows"] = json!(self.attached_flows);
        whole["attachedLexicons"] = lexicons;
        whole["img"] = self.img.as_str().into();
        whole["feedbackReport"] = Value::Null;
        whole["chartReference"] = self.chart.id.as_str().into();
        whole["localeReference"] = locale;
        whole["intentTrainGroupReference"] = self.train_group.as_str().into();
        whole["projectReference"] = project.as_str().into();
        whole["organisationReference"] = organisation.as_str().into();
        whole
    }

    /// The chart as this read finds it: once after a write, still the one from before.
    pub(crate) fn chart_as_read(&mut self) -> Chart {
        self.stale.take().unwrap_or_else(|| self.chart.clone())
    }

    /// Notes a change in this second. Training and upgrades of the platform are none (vendor's reference).
    pub(crate) fn touch(&mut self, seconds: u64) {
        self.meta.touch(seconds);
    }
}
