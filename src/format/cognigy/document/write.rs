//! The composed document as text: one for each flow, on one line, in a fixed order.

use serde_json::Value;

use super::needs::external_references;
use super::{Branch, FORMAT, Flow, Head, Mock, Node};
use crate::flow::ENVIRONMENT_VARIABLE;
use crate::format::cognigy::json::{Form, Members, object, string, value};

impl Flow {
    /// The composed document.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { reference, name, description, context, attached_flows, attached_lexicons, chart } = self;
        let mut out = String::new();
        object(&mut out, Form::Dense, |members| {
            members.text("format", FORMAT);
            members.text("id", reference.flow_id().as_str());
            members.text("referenceId", &reference.to_string());
            members.text("name", name);
            members.text("description", description);
            members.member("context", |out, form| value(out, form, &Value::Object(context.clone())));
            members.list("attachedFlows", attached_flows, |out, _, it| string(out, &it.to_string()));
            members.list("attachedLexicons", attached_lexicons, |out, _, it| string(out, &it.to_string()));
            let references = external_references(self);
            members.list("externalReferences", references.keys(), |out, form, (kind, id)| {
                object(out, form, |members| {
                    members.text("type", kind);
                    members.text("id", id);
                    members.text("environmentId", ENVIRONMENT_VARIABLE);
                });
            });
            members.list("chart", chart, |out, form, it| object(out, form, |members| node(members, it)));
        });
        out
    }
}

fn node(members: &mut Members<'_>, node: &Node) {
    let Node { reference, kind, head, config, branches } = node;
    members.text("type", kind);
    members.text("ref", &reference.to_string());
    write_head(members, head);
    if !config.is_empty() {
        members.member("config", |out, form| {
            object(out, form, |members| {
                for (locale, config) in config {
                    members.value(locale.as_str(), &Value::Object(config.clone()));
                }
            });
        });
    }
    if !branches.is_empty() {
        members.list("branches", branches, |out, form, Branch { node, body }| {
            object(out, form, |members| {
                self::node(members, node);
                members.list("body", body, |out, form, it| object(out, form, |members| self::node(members, it)));
            });
        });
    }
}

/// The head of a node, without whatever is empty.
pub(in crate::format::cognigy) fn write_head(members: &mut Members<'_>, head: &Head) {
    let Head { extension, label, comment, comment_color, analytics_label, is_entry_point, is_disabled, mock } = head;
    members.text_if_any("extension", extension.as_deref().unwrap_or_default());
    members.text_if_any("label", label);
    members.text_if_any("comment", comment);
    members.text_if_any("commentColor", comment_color);
    members.text_if_any("analyticsLabel", analytics_label);
    members.flag_if_on("isEntryPoint", *is_entry_point);
    members.flag_if_on("isDisabled", *is_disabled);
    if let Some(Mock { is_enabled, code }) = mock {
        members.member("mock", |out, form| {
            object(out, form, |members| {
                members.value("isEnabled", &Value::Bool(*is_enabled));
                members.text("code", code);
            });
        });
    }
}
