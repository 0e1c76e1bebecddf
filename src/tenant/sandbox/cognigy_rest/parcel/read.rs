//! A package file to content. What is edited or made by hand is taken as it comes (reported by users): the hash is not
//! looked at, and relations that name nodes which are not there make a broken flow without a word.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use serde_json::{Map, Value};
use zip::ZipArchive;

use super::super::mint::{Id, Mint, RefId};
use super::super::model::chart::{Chart, Relation};
use super::super::model::content::Content;
use super::super::model::flow::{Flow, Settings};
use super::super::model::intent::Intent;
use super::super::model::kinds::{self, Kind};
use super::super::model::locale::{Locale, Locales};
use super::super::model::meta::Meta;
use super::super::model::node::Node;
use super::super::model::thing::{Thing, ThingKind};
use super::{VERSION, text};

/// The largest file in a package, and all of them together.
const ENTRY_BYTES_MAX: u64 = 64 * 1024 * 1024;
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What a package that cannot be unpacked fails with (reported by users).
const NOT_EXTRACTED: &str = "Package Extraction Failed";

/// What a file says of itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    cognigy_version: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

/// The resources of a file, by kind.
type Files = BTreeMap<String, Vec<Map<String, Value>>>;

/// Reads a package file; the error is the reason its task fails with.
pub(crate) fn file(bytes: &[u8], meta: &Meta, mint: &mut Mint) -> Result<(Index, Content), String> {
    let (index, mut files) = unpacked(bytes)?;
    if newer(&index.cognigy_version, VERSION) {
        return Err(format!("the package is of version {}, newer than {VERSION}", index.cognigy_version));
    }
    let mut take = |kind: &str| files.remove(kind).unwrap_or_default();
    let locales = take("locale").into_iter().map(|file| locale(file, meta)).collect::<Result<_, _>>()?;
    let things = take("lexicon").into_iter().map(|file| lexicon(file, meta)).collect::<Result<_, _>>()?;
    let mut parts = Parts {
        charts: take("chart"),
        nodes: take("nodeData"),
        settings: take("flowSettings"),
        intents: take("intent"),
        sentences: take("intentSentence"),
        relations: take("intentRelation"),
        meta,
        mint,
    };
    let flows = take("flow").into_iter().map(|file| parts.flow(file)).collect::<Result<_, _>>()?;
    Ok((index, Content { locales: Locales(locales), flows, things }))
}

fn unpacked(bytes: &[u8]) -> Result<(Index, Files), String> {
    let broken = |_| NOT_EXTRACTED.to_owned();
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let (mut index, mut files, mut n_bytes) = (None, Files::new(), 0);
    for at in 0..zip.len() {
        let entry = zip.by_index(at).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        if entry.is_dir() {
            return Err(format!("{NOT_EXTRACTED}: `{name}` is a directory entry"));
        }
        n_bytes += entry.size();
        if entry.size() > ENTRY_BYTES_MAX || n_bytes > BYTES_MAX {
            return Err(format!("{NOT_EXTRACTED}: it is too large"));
        }
        let mut text = Vec::new();
        entry.take(ENTRY_BYTES_MAX).read_to_end(&mut text).map_err(|_| NOT_EXTRACTED.to_owned())?;
        let wrong = |error: serde_json::Error| format!("{NOT_EXTRACTED}: `{name}`: {error}");
        match name.split_once('/') {
            None if name == "index.json" => index = Some(serde_json::from_slice(&text).map_err(wrong)?),
            Some((kind, _)) => {
                files.entry(kind.to_owned()).or_default().push(serde_json::from_slice(&text).map_err(wrong)?);
            }
            None => {}
        }
    }
    Ok((index.ok_or_else(|| format!("{NOT_EXTRACTED}: `index.json` is missing"))?, files))
}

/// Whether version `one` is newer than `other`, number by number.
fn newer(one: &str, other: &str) -> bool {
    let numbers = |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    numbers(one) > numbers(other)
}

/// A member of a file, of whatever type it should be.
fn member<T: for<'de> Deserialize<'de>>(file: &Map<String, Value>, name: &str) -> Result<T, String> {
    let value = file.get(name).cloned().unwrap_or(Value::Null);
    T::deserialize(value).map_err(|error| format!("{NOT_EXTRACTED}: `{name}`: {error}"))
}

/// A member that may be left out.
fn optional<T: for<'de> Deserialize<'de> + Default>(file: &Map<String, Value>, name: &str) -> Result<T, String> {
    if file.get(name).is_none_or(Value::is_null) { Ok(T::default()) } else { member(file, name) }
}

fn locale(file: Map<String, Value>, meta: &Meta) -> Result<Locale, String> {
    Ok(Locale {
        id: member(&file, "_id")?,
        reference: member(&file, "referenceId")?,
        name: member(&file, "name")?,
        primary: optional(&file, "primary")?,
        nlu_language: optional(&file, "nluLanguage")?,
        fallback: optional(&file, "fallbackLocaleReference")?,
        meta: meta.clone(),
    })
}

fn lexicon(file: Map<String, Value>, meta: &Meta) -> Result<Thing, String> {
    Ok(Thing {
        id: member(&file, "_id")?,
        reference: member(&file, "referenceId")?,
        kind: ThingKind::Lexicons,
        name: member(&file, "name")?,
        meta: meta.clone(),
    })
}

/// What belongs to flows, in files of its own.
struct Parts<'a> {
    charts: Vec<Map<String, Value>>,
    nodes: Vec<Map<String, Value>>,
    settings: Vec<Map<String, Value>>,
    intents: Vec<Map<String, Value>>,
    sentences: Vec<Map<String, Value>>,
    relations: Vec<Map<String, Value>>,
    meta: &'a Meta,
    mint: &'a mut Mint,
}

impl Parts<'_> {
    fn flow(&mut self, file: Map<String, Value>) -> Result<Flow, String> {
        let id: Id = member(&file, "_id")?;
        let localized: Vec<Map<String, Value>> = optional(&file, "localizedData")?;
        let lexicons = localized
            .iter()
            .map(|entry| Ok((member(entry, "localeReference")?, optional(entry, "attachedLexiconReferences")?)));
        let mut meta = self.meta.clone();
        meta.last_changed = optional(&file, "lastChanged")?;
        Ok(Flow {
            reference: member(&file, "referenceId")?,
            name: member(&file, "name")?,
            description: optional(&file, "description")?,
            context: optional(&file, "context")?,
            img: optional(&file, "img")?,
            attached_flows: optional(&file, "attachedFlows")?,
            lexicons: lexicons.collect::<Result<_, String>>()?,
            meta,
            settings: self.settings_of(&id)?,
            train_group: self.mint.id(),
            is_training_out_of_date: Some(true),
            intents: self.intents_of(&id)?,
            chart: self.chart_of(&id)?,
            stale: None,
            id,
        })
    }

    fn settings_of(&mut self, flow: &Id) -> Result<Settings, String> {
        let mut settings = Settings::new(self.mint.id());
        if let Some(file) = self.settings.iter().find(|file| file.get("flowReference") == Some(&flow.as_str().into())) {
            settings.id = member(file, "_id")?;
            let own = file.iter().filter(|(key, _)| !key.ends_with("Reference") && *key != "_id");
            settings.values = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        }
        Ok(settings)
    }

    fn chart_of(&mut self, flow: &Id) -> Result<Chart, String> {
        let of_flow = |file: &&Map<String, Value>| file.get("resourceReference") == Some(&flow.as_str().into());
        let file = self.charts.iter().find(of_flow).ok_or_else(|| format!("the flow `{flow}` has no chart"))?;
        let written: Vec<Map<String, Value>> = member(file, "relations")?;
        let mut relations = BTreeMap::new();
        for relation in written {
            let (id, children) = (member(&relation, "_id")?, optional(&relation, "children")?);
            let next = optional(&relation, "next")?;
            relations.insert(member(&relation, "node")?, Relation { id, children, next });
        }
        let nodes = self.nodes.iter().filter(of_flow).map(|file| node(file).map(|node| (node.id.clone(), node)));
        Ok(Chart { id: member(file, "_id")?, nodes: nodes.collect::<Result<_, _>>()?, relations })
    }

    fn intents_of(&mut self, flow: &Id) -> Result<Vec<Intent>, String> {
        let of_flow = |file: &&Map<String, Value>| file.get("flowReference") == Some(&flow.as_str().into());
        let mut intents = Vec::new();
        for file in self.intents.iter().filter(of_flow) {
            let id: Id = member(file, "_id")?;
            let mut sentences: BTreeMap<Id, Vec<String>> = BTreeMap::new();
            let mine = |name: &'static str| {
                let id = id.clone();
                move |file: &&Map<String, Value>| file.get(name) == Some(&id.as_str().into())
            };
            for sentence in self.sentences.iter().filter(mine("intentReference")) {
                sentences.entry(member(sentence, "localeReference")?).or_default().push(member(sentence, "text")?);
            }
            let parent = self.relations.iter().find(mine("intentReference"));
            intents.push(Intent {
                reference: member(file, "referenceId")?,
                name: member(file, "name")?,
                description: optional(file, "description")?,
                is_reject: optional(file, "isRejectIntent")?,
                is_disabled: optional(file, "isDisabled")?,
                parent: parent.map(|relation| member(relation, "parentReference")).transpose()?,
                sentences,
                id,
            });
        }
        Ok(intents)
    }
}

/// Newer versions want `mock` in each (reported by users).
fn node(file: &Map<String, Value>) -> Result<Node, String> {
    let (id, reference): (Id, RefId) = (member(file, "_id")?, member(file, "referenceId")?);
    let (kind, extension): (String, String) = (member(file, "type")?, member(file, "extension")?);
    let mock = file.get("mock").cloned().ok_or_else(|| format!("nodeData `{id}`: `mock` is required"))?;
    let says = kinds::kind(&kind, &extension).map(Kind::says).unwrap_or_default();
    let localized: Vec<Map<String, Value>> = member(file, "localizedData")?;
    let entries = localized.iter().map(|entry| {
        let mut config = text::from_package(optional(entry, "config")?, &says);
        if kind == "code" {
            ["transpiled", "hasError"].iter().for_each(|computed| _ = config.remove(*computed));
        }
        Ok((member(entry, "localeReference")?, config))
    });
    Ok(Node {
        entries: entries.collect::<Result<_, String>>()?,
        label: optional(file, "label")?,
        comment: optional(file, "comment")?,
        comment_color: optional(file, "commentColor")?,
        analytics_label: optional(file, "analyticsLabel")?,
        is_entry_point: optional(file, "isEntryPoint")?,
        is_disabled: optional(file, "isDisabled")?,
        is_settled: true,
        mock,
        id,
        reference,
        kind,
        extension,
    })
}

#[cfg(test)]
mod tests {
    use super::newer;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(newer("4.102.0", "4.101.0") && newer("5.0.0", "4.101.0"));
        assert!(!newer("4.101.0", "4.101.0") && !newer("4.99.0", "4.101.0"));
    }
}
