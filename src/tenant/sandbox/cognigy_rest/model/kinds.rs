//! The node types this stand-in knows: what is created with each, where it may stand, and what its config may hold.
//!
//! Which markers a type brings along, and what may be created, deleted or moved, is from the vendor's reference. A type
//! that is not here is as good as any: its config is opaque, and it stands in chains.

use serde_json::{Map, Value, json};

/// The extension of the types below.
pub(crate) const BASIC: &str = "@cognigy/basic-nodes";

/// A node type.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The type it is a child of: it hangs in `children`, never in a chain.
    pub(crate) parent: Option<&'static str>,
    /// Children that are created with it, in their order.
    pub(crate) children: &'static [&'static str],
    pub(crate) creatable: bool,
    pub(crate) deletable: bool,
    pub(crate) movable: bool,
    pub(crate) config: Config,
}

/// What a config may hold.
#[derive(Debug)]
pub(crate) enum Config {
    /// These fields and no other.
    Fields(&'static [Field]),
    /// Anything; the fields named hold what a `say` node says.
    Open(&'static [&'static str]),
}

/// A field of a config.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    /// The descriptor's word for what it holds.
    pub(crate) holds: &'static str,
    /// JSON; empty where there is no default.
    default: &'static str,
}

const fn field(key: &'static str, holds: &'static str, default: &'static str) -> Field {
    Field { key, holds, default }
}

const NOTHING: Config = Config::Fields(&[]);

const SAY: Config = Config::Fields(&[
    field("say", "say", r#"{"type":"text","text":[],"data":"","linear":false,"loop":false,"_cognigy":{}}"#),
    field("handoverOutput", "select", r#""userAndAgent""#),
    field("generativeAI_rephraseOutputMode", "select", r#""none""#),
    field("generativeAI_amountOfLastUserInputs", "slider", "5"),
    field("generativeAI_customInputs", "cognigyTextArray", ""),
    field("generativeAI_temperature", "slider", "0.7"),
]);

const GO_TO: Config = Config::Fields(&[
    field("flowNode", "flowNode", ""),
    field("absorbContext", "toggle", "false"),
    field("executionMode", "select", r#""continue""#),
    field("injectedText", "cognigyText", r#""""#),
    field("injectedData", "json", r#""{}""#),
    field("parseIntents", "toggle", "false"),
    field("parseKeyphrases", "toggle", "false"),
]);

const EXECUTE_FLOW: Config = Config::Fields(&[
    field("flowNode", "flowNode", ""),
    field("parseIntents", "toggle", "true"),
    field("parseKeyphrases", "toggle", "true"),
    field("absorbContext", "toggle", ""),
]);

const IF: Config = Config::Fields(&[field(
    "condition",
    "condition",
    r#"{"type":"rule","condition":"","rule":{"left":"1","operand":"eq","right":"1"}}"#,
)]);

const SWITCH: Config = Config::Fields(&[
    field("switch", "switchNode", r#"{"type":"intent","operator":"ci.intent"}"#),
    field("intentLevel", "select", r#""input.intent""#),
    field("useStrict", "toggle", ""),
]);

/// A node that stands in chains, with the children it brings along.
const fn node(name: &'static str, children: &'static [&'static str], config: Config) -> Kind {
    Kind { name, parent: None, children, creatable: true, deletable: true, movable: true, config }
}

/// A child that comes with its parent and stays with it.
const fn marker(name: &'static str, parent: &'static str) -> Kind {
    Kind {
        name,
        parent: Some(parent),
        children: &[],
        creatable: false,
        deletable: false,
        movable: false,
        config: NOTHING,
    }
}

/// A marker that may be moved among its siblings (reported by users).
const fn loose_marker(name: &'static str, parent: &'static str) -> Kind {
    Kind { movable: true, ..marker(name, parent) }
}

/// A child that people add and remove.
const fn child(name: &'static str, parent: &'static str, config: Config) -> Kind {
    Kind { creatable: true, deletable: true, movable: true, config, ..marker(name, parent) }
}

/// `start` or `end`.
const fn bound(name: &'static str) -> Kind {
    Kind { parent: None, ..marker(name, "") }
}

const KINDS: &[Kind] = &[
    bound("start"),
    bound("end"),
    node("if", &["then", "else"], IF),
    marker("then", "if"),
    marker("else", "if"),
    node("switch", &["default", "case", "case"], SWITCH),
    marker("default", "switch"),
    child("case", "switch", Config::Fields(&[field("case", "caseNode", r#"{"value":""}"#)])),
    node("once", &["onFirstExecution", "afterwards"], NOTHING),
    loose_marker("onFirstExecution", "once"),
    loose_marker("afterwards", "once"),
    node("interval", &["onInterval", "elseInterval"], Config::Fields(&[field("interval", "number", "")])),
    loose_marker("onInterval", "interval"),
    loose_marker("elseInterval", "interval"),
    node("optionalQuestion", &["onAnswer", "onQuestion"], Config::Open(&["say"])),
    marker("onAnswer", "optionalQuestion"),
    marker("onQuestion", "optionalQuestion"),
    node("triggerFunction", &["onScheduled", "onSchedulingError"], Config::Open(&[])),
    marker("onScheduled", "triggerFunction"),
    marker("onSchedulingError", "triggerFunction"),
    node("checkChannelChange", &["onYes", "onNo"], Config::Open(&[])),
    loose_marker("onYes", "checkChannelChange"),
    loose_marker("onNo", "checkChannelChange"),
    node("generativeSlotFiller", &["generativeSlotFillerFallback", "generativeSlotFillerSuccess"], Config::Open(&[])),
    marker("generativeSlotFillerFallback", "generativeSlotFiller"),
    marker("generativeSlotFillerSuccess", "generativeSlotFiller"),
    // The names of these two markers are unconfirmed.
    node("tokenStatus", &["tokenStatusValid", "tokenStatusInvalid"], Config::Open(&[])),
    marker("tokenStatusValid", "tokenStatus"),
    marker("tokenStatusInvalid", "tokenStatus"),
    node("aiAgentJob", &["aiAgentJobDefault", "aiAgentJobTool"], Config::Open(&[])),
    marker("aiAgentJobDefault", "aiAgentJob"),
    child("aiAgentJobTool", "aiAgentJob", Config::Open(&[])),
    node("llmPromptV2", &["llmPromptDefault", "llmPromptTool"], Config::Open(&[])),
    marker("llmPromptDefault", "llmPromptV2"),
    child("llmPromptTool", "llmPromptV2", Config::Open(&[])),
    node("say", &[], SAY),
    node("question", &[], Config::Open(&["say", "repromptSay", "escalateAnswersMessage"])),
    node(
        "code",
        &[],
        Config::Fields(&[
            field("code", "code", r#""""#),
            field("transpiled", "computed", ""),
            field("hasError", "computed", ""),
        ]),
    ),
    node("goTo", &[], GO_TO),
    node("executeFlow", &[], EXECUTE_FLOW),
    node("sleep", &[], Config::Fields(&[field("milliseconds", "number", "")])),
    node(
        "addToContext",
        &[],
        Config::Fields(&[
            field("key", "cognigyText", ""),
            field("value", "cognigyText", ""),
            field("mode", "select", r#""simple""#),
        ]),
    ),
    node("stop", &[], NOTHING),
    node("wait", &[], NOTHING),
    node("placeholder", &[], Config::Open(&[])),
    node("httpRequest", &[], Config::Open(&[])),
    node("transfer", &[], Config::Open(&[])),
];

/// What is known of a type of an extension.
pub(crate) fn kind(name: &str, extension: &str) -> Option<&'static Kind> {
    (extension == BASIC).then(|| KINDS.iter().find(|kind| kind.name == name)).flatten()
}

impl Kind {
    /// The config of a node that was created without one.
    pub(crate) fn defaults(&self) -> Map<String, Value> {
        let Config::Fields(fields) = self.config else { return Map::new() };
        fields.iter().filter_map(|field| Some((field.key.to_owned(), field.default()?))).collect()
    }

    /// The fields that hold what a `say` node says: they stand as JSON text in packages (real exports).
    pub(crate) fn says(&self) -> Vec<&'static str> {
        match self.config {
            Config::Fields(fields) => {
                fields.iter().filter(|field| field.holds == "say").map(|field| field.key).collect()
            }
            Config::Open(says) => says.to_vec(),
        }
    }

    fn descriptor(&self) -> Value {
        let Self { name, parent, children, creatable, deletable, movable, config } = self;
        let fields = match config {
            Config::Fields(fields) => fields.iter().map(Field::descriptor).collect(),
            Config::Open(says) => says.iter().map(|key| json!({ "key": key, "type": "say" })).collect::<Vec<_>>(),
        };
        json!({
            "type": name,
            "extension": BASIC,
            "defaultLabel": name,
            "parentType": parent,
            "constraints": { "creatable": creatable, "deletable": deletable, "movable": movable },
            "dependencies": { "children": children },
            "fields": fields,
        })
    }
}

impl Field {
    fn default(&self) -> Option<Value> {
        serde_json::from_str(self.default).ok()
    }

    fn descriptor(&self) -> Value {
        let mut descriptor = json!({ "key": self.key, "type": self.holds });
        if let Some(default) = self.default() {
            descriptor["defaultValue"] = default;
        }
        descriptor
    }
}

/// What `chart/descriptors` tells of all of them.
pub(crate) fn descriptors() -> Vec<Value> {
    KINDS.iter().map(Kind::descriptor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_child_is_known_to_belong_to_its_parent() {
        for parent in KINDS {
            for name in parent.children {
                assert_eq!(kind(name, BASIC).unwrap().parent, Some(parent.name), "{name}");
            }
        }
    }

    #[test]
    fn every_default_is_json() {
        for Kind { config, name, .. } in KINDS {
            let Config::Fields(fields) = config else { continue };
            let wrong = fields.iter().find(|field| !field.default.is_empty() && field.default().is_none());
            assert!(wrong.is_none(), "{name}: {wrong:?}");
        }
    }
}
