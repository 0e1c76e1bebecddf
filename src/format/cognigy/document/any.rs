//! Flows of any shape, for laws.

use proptest::prelude::*;

use super::*;

/// Flows of any shape, each node with a reference id of its own.
pub(crate) fn any_flow() -> impl Strategy<Value = Flow> {
    let chain = any_chain(3);
    (any::<u128>(), "\\PC{1,12}", any_config(), chain).prop_map(|(id, name, context, body)| {
        let mut next = 0_u128;
        let mut fresh = || {
            next += 1;
            NodeRef::from_chance((id ^ next).to_be_bytes())
        };
        let mut chart = vec![Node::plain("start", fresh())];
        chart.extend(body);
        chart.push(Node::plain("end", fresh()));
        renew(&mut chart, &mut fresh);
        let reference = FlowRef::of_flow(&crate::flow::FlowId::of_number(id)).unwrap();
        let attached_flows = vec![FlowRef::of_flow(&crate::flow::FlowId::of_number(!id)).unwrap()];
        let (description, attached_lexicons) = (name.clone(), Vec::new());
        Flow { reference, name, description, context, attached_flows, attached_lexicons, chart }
    })
}

fn renew(chain: &mut Chain, fresh: &mut impl FnMut() -> NodeRef) {
    for node in chain {
        node.reference = fresh();
        for branch in &mut node.branches {
            branch.node.reference = fresh();
            renew(&mut branch.body, fresh);
        }
    }
}

fn any_config() -> impl Strategy<Value = Config> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        (-9_007_199_254_740_991_i64..9_007_199_254_740_991).prop_map(serde_json::Value::from),
        any::<f64>()
            .prop_filter("a fraction", |it| it.is_finite() && it.fract() != 0.0)
            .prop_map(serde_json::Value::from),
        "(\\PC|\r\n|\n|\t|\"|/|~){0,8}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z~/]{0,3}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-zA-Z~/.]{0,6}", value, 0..3).prop_map(|map| map.into_iter().collect())
}

fn any_node() -> impl Strategy<Value = Node> {
    let locale = prop::sample::select(vec!["en-US", "de-DE", "Français / CA"]).prop_map(|it| it.parse().unwrap());
    let code = "(a|\r\n|\n|ä|\r){0,6}".prop_map(|code| Config::from_iter([("code".to_owned(), code.into())]));
    let kind = prop::sample::select(vec!["say", "code", "goTo", "x-own"]);
    let head = ("\\PC{0,8}", any::<bool>(), any::<bool>(), prop::option::of("[@a-z/]{1,8}"));
    let config = prop::collection::btree_map(locale, prop_oneof![any_config(), code], 0..3);
    (kind, head, config).prop_map(|(kind, (label, is_entry_point, mocks, extension), config)| Node {
        reference: NodeRef::from_chance([0; 16]),
        kind: kind.to_owned(),
        head: Head {
            extension,
            comment: label.chars().rev().collect(),
            mock: mocks.then(|| Mock { is_enabled: true, code: label.clone() }),
            label,
            is_entry_point,
            ..Head::default()
        },
        config,
        branches: Vec::new(),
    })
}

fn any_chain(depth: u32) -> BoxedStrategy<Chain> {
    if depth == 0 {
        return Just(Vec::new()).boxed();
    }
    let branch = (any_node(), prop::sample::select(vec!["then", "case"]), any_chain(depth - 1)).prop_map(
        |(node, kind, body)| {
            let node =
                if kind == "then" { Node::plain(kind, node.reference) } else { Node { kind: kind.to_owned(), ..node } };
            Branch { node, body }
        },
    );
    let node = (any_node(), prop::collection::vec(branch, 0..3)).prop_map(|(node, branches)| Node { branches, ..node });
    prop::collection::vec(node, 0..3).boxed()
}
