//! Content to a package file.

use std::io::{Cursor, Write};

use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::mint::{Id, Mint};
use super::super::model::chart::Relation;
use super::super::model::config::{self, Upgrades};
use super::super::model::content::Content;
use super::super::model::flow::Flow;
use super::super::model::kinds::Kind;
use super::super::model::node::Node;
use super::super::model::thing::ThingKind;
use super::{VERSION, text};

/// What a file tells of itself and of where it comes from.
#[derive(Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// Seconds since 1970.
    pub(crate) created_at: u64,
    pub(crate) project: &'a Id,
    pub(crate) organisation: &'a Id,
}

/// The file of a package that holds `content`, whose ids are the package's own already.
pub(crate) fn file(
    content: &Content,
    label: &Label<'_>,
    upgrades: &Upgrades,
    mint: &mut Mint,
) -> Result<Vec<u8>, String> {
    let mut writer = Writer { zip: ZipWriter::new(Cursor::new(Vec::new())), label, upgrades, mint };
    writer.index()?;
    for locale in &content.locales.0 {
        writer.resource("locale", &locale.id, locale.to_json())?;
    }
    for lexicon in content.things.iter().filter(|thing| thing.kind == ThingKind::Lexicons) {
        writer.resource("lexicon", &lexicon.id, lexicon.to_json())?;
    }
    for flow in &content.flows {
        writer.flow(flow)?;
    }
    writer.zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}

struct Writer<'a> {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    label: &'a Label<'a>,
    upgrades: &'a Upgrades,
    mint: &'a mut Mint,
}

impl Writer<'_> {
    fn index(&mut self) -> Result<(), String> {
        let index = json!({
            "cognigyVersion": VERSION,
            "type": "package",
            "createdAt": self.label.created_at,
            "name": self.label.name,
            "description": self.label.description,
            "resourcesHash": self.mint.reference(),
        });
        self.entry("index.json", &index)
    }

    fn entry(&mut self, name: &str, value: &Value) -> Result<(), String> {
        self.zip.start_file(name, SimpleFileOptions::default()).map_err(|error| error.to_string())?;
        self.zip.write_all(value.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    fn resource(&mut self, kind: &str, id: &Id, mut value: Value) -> Result<(), String> {
        value["projectReference"] = self.label.project.as_str().into();
        value["organisationReference"] = self.label.organisation.as_str().into();
        self.entry(&format!("{kind}/{id}"), &value)
    }

    fn flow(&mut self, flow: &Flow) -> Result<(), String> {
        let localized = flow
            .lexicons
            .iter()
            .map(|(locale, lexicons)| json!({ "attachedLexiconReferences": lexicons, "localeReference": locale }));
        let mut head = flow.head();
        head["context"] = Value::Object(flow.context.clone());
        head["img"] = flow.img.as_str().into();
        head["attachedFlows"] = json!(flow.attached_flows);
        head["localizedData"] = localized.collect();
        head["chartReference"] = flow.chart.id.as_str().into();
        head["intentTrainGroupReference"] = flow.train_group.as_str().into();
        self.resource("flow", &flow.id, head)?;
        let relations = flow.chart.relations.iter().map(|(node, Relation { id, children, next })| {
            json!({ "_id": id, "node": node, "children": children, "next": next })
        });
        let relations: Vec<Value> = relations.collect();
        let chart = json!({ "_id": flow.chart.id, "resourceReference": flow.id, "relations": relations });
        self.resource("chart", &flow.chart.id, chart)?;
        for node in flow.chart.nodes.values() {
            self.node(node, flow)?;
        }
        let settings = &flow.settings;
        let mut values = Value::Object(settings.values.clone());
        values["_id"] = settings.id.as_str().into();
        values["flowReference"] = flow.id.as_str().into();
        self.resource("flowSettings", &settings.id, values)?;
        let state = self.mint.id();
        self.resource("flowState", &state, json!({ "_id": state, "flowReference": flow.id, "name": "default" }))?;
        let group = json!({ "_id": flow.train_group, "flowReference": flow.id });
        self.resource("intentTrainGroup", &flow.train_group, group)?;
        self.intents(flow)
    }

    fn node(&mut self, node: &Node, flow: &Flow) -> Result<(), String> {
        let says = node.known().map(Kind::says).unwrap_or_default();
        let localized = node.entries.iter().map(|(locale, config)| {
            let shown = config::shown(&node.kind, config, self.upgrades, true);
            let config = text::to_package(shown, &says);
            let preview = match config::preview(&node.kind, &node.entries[locale]) {
                // Previews of what is text in a package are text as well.
                preview if says.is_empty() || preview.is_string() => preview,
                preview => preview.to_string().into(),
            };
            json!({ "config": config, "preview": preview, "localeReference": locale })
        });
        let mut head = node.in_list();
        head["mock"] = node.mock.clone();
        head["localizedData"] = localized.collect();
        head["chartReference"] = flow.chart.id.as_str().into();
        head["resourceReference"] = flow.id.as_str().into();
        self.resource("nodeData", &node.id, head)
    }

    fn intents(&mut self, flow: &Flow) -> Result<(), String> {
        for intent in &flow.intents {
            let head = json!({
                "_id": intent.id,
                "referenceId": intent.reference,
                "name": intent.name,
                "description": intent.description,
                "isRejectIntent": intent.is_reject,
                "isDisabled": intent.is_disabled,
                "flowReference": flow.id,
                "intentTrainGroupReference": flow.train_group,
            });
            self.resource("intent", &intent.id, head)?;
            if let Some(parent) = &intent.parent {
                let id = self.mint.id();
                let relation = json!({ "_id": id, "parentReference": parent, "intentReference": intent.id });
                self.resource("intentRelation", &id, relation)?;
            }
            for (locale, sentences) in &intent.sentences {
                for sentence in sentences {
                    let id = self.mint.id();
                    let mut value = Map::new();
                    value.insert("_id".to_owned(), id.as_str().into());
                    value.insert("text".to_owned(), sentence.as_str().into());
                    value.insert("intentReference".to_owned(), intent.id.as_str().into());
                    value.insert("localeReference".to_owned(), locale.as_str().into());
                    self.resource("intentSentence", &id, Value::Object(value))?;
                }
            }
        }
        Ok(())
    }
}
