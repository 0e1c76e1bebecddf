//! Laws of packages, for any two flows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::compose::chain_of;
use super::Parcel;
use crate::format::cognigy::document::Flow;
use crate::format::cognigy::document::any::any_flow;

const LOCALES: [&str; 3] = ["en-US", "de-DE", "Français / CA"];

fn names() -> BTreeMap<String, String> {
    LOCALES.iter().map(|name| (format!("ref-{name}"), (*name).to_owned())).collect()
}

/// What a platform exports of a flow that was just created: with a member nobody here knows in every file.
fn skeleton() -> Parcel {
    let house = |mut value: Value| {
        value["projectReference"] = "p".into();
        value["organisationReference"] = "o".into();
        value["unknown"] = json!({"kept": [1.5, null]});
        value
    };
    let node = |id: &str, kind: &str| {
        let entry = json!([{"config": {}, "preview": "", "localeReference": "l0"}]);
        json!({"_id": id, "referenceId": format!("{id}-ref"), "type": kind, "extension": "@cognigy/basic-nodes", "label": kind,
            "mock": {"isEnabled": false, "code": ""}, "localizedData": entry, "chartReference": "c1", "resourceReference": "f1"})
    };
    let mut files = vec![
        ("index.json".to_owned(), json!({"cognigyVersion": "4.101.0", "name": "x"})),
        (
            "flow/f1".to_owned(),
            json!({"_id": "f1", "referenceId": "r1", "name": "x", "description": "", "chartReference": "c1"}),
        ),
        (
            "chart/c1".to_owned(),
            json!({"_id": "c1", "resourceReference": "f1", "relations": [
            {"_id": "x1", "node": "n1", "children": [], "next": "n2"}, {"_id": "x2", "node": "n2", "children": [], "next": null}]}),
        ),
        ("nodeData/n1".to_owned(), node("n1", "start")),
        ("nodeData/n2".to_owned(), node("n2", "end")),
        ("flowSettings/s1".to_owned(), json!({"_id": "s1", "flowReference": "f1", "intentsThreshold": null})),
        ("intent/i1".to_owned(), json!({"_id": "i1", "flowReference": "f1", "name": "book"})),
        ("intentSentence/t1".to_owned(), json!({"_id": "t1", "intentReference": "i1", "text": "book"})),
        ("connection/k1".to_owned(), json!({"_id": "k1", "name": "CRM", "secret": "x", "projectReference": "p"})),
    ];
    for (index, name) in LOCALES.iter().enumerate() {
        files.push((
            format!("locale/l{index}"),
            json!({"_id": format!("l{index}"), "referenceId": format!("ref-{name}")}),
        ));
    }
    Parcel { files: files.into_iter().map(|(name, value)| (name, house(value))).collect() }
}

/// The flow that a package holds, with what a package does not say taken from another.
fn flow_in(parcel: &Parcel, like: &Flow) -> Result<Flow, String> {
    let packed = parcel.charts().read(&like.reference.to_string())?;
    let tree = packed.tree(&like.reference.to_string(), &names())?;
    let head = parcel.files.iter().find(|(name, _)| name.starts_with("flow/")).map(|(_, value)| value.clone()).unwrap();
    Ok(Flow {
        name: head["name"].as_str().unwrap().to_owned(),
        description: head["description"].as_str().unwrap().to_owned(),
        context: head["context"].as_object().cloned().unwrap(),
        chart: chain_of(&tree)?,
        ..like.clone()
    })
}

/// Whatever a platform would not take without a word.
fn check(parcel: &Parcel) {
    let nodes: BTreeSet<&str> = parcel.of_kind("nodeData").map(|(_, node)| node["_id"].as_str().unwrap()).collect();
    let (_, chart) = parcel.of_kind("chart").next().unwrap();
    let relations = chart["relations"].as_array().unwrap();
    let related: BTreeSet<&str> = relations.iter().map(|it| it["node"].as_str().unwrap()).collect();
    assert_eq!((nodes, relations.len()), (related.clone(), related.len()));
    let ids: BTreeSet<&str> = relations.iter().map(|it| it["_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), relations.len());
    for (name, node) in parcel.of_kind("nodeData") {
        assert!(
            node["mock"].is_object() && node["resourceReference"] == "f1" && node["projectReference"] == "p",
            "{name}"
        );
    }
}

#[test]
fn a_package_is_cut_down_to_what_is_the_flows_own() {
    let own = skeleton().only("r1").unwrap();
    let mut gone = skeleton().files;
    gone.retain(|name, _| !own.files.contains_key(name));
    let gone: Vec<String> = gone.into_keys().collect();
    assert_eq!(gone, ["connection/k1"]);
    assert!(own.has_intents());
    assert!(skeleton().only("r2").unwrap_err().contains("does not hold the flow `r2`"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_flow_is_put_into_a_package_is_read_from_it(one in any_flow(), other in any_flow()) {
        let first = skeleton().with(&one, &names()).map_err(TestCaseError::fail)?;
        check(&first);
        prop_assert_eq!(flow_in(&first, &one).map_err(TestCaseError::fail)?, one.clone());
        let second = first.with(&other, &names()).map_err(TestCaseError::fail)?;
        check(&second);
        prop_assert_eq!(flow_in(&second, &other).map_err(TestCaseError::fail)?, other);
        let back = second.with(&one, &names()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(flow_in(&back, &one).map_err(TestCaseError::fail)?, one);
    }

    #[test]
    fn what_is_equal_is_not_touched(flow in any_flow()) {
        let once = skeleton().with(&flow, &names()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(once.with(&flow, &names()).map_err(TestCaseError::fail)?, once.clone());
        let bytes = once.clone().close("x").map_err(TestCaseError::fail)?;
        prop_assert_eq!(Parcel::open(&bytes).map_err(TestCaseError::fail)?, once);
    }
}
