//! Documents for tests: any JSON at all, and JSON in the shape of a flow with every oddity.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Any JSON text of modest size, in odd spellings.
pub(in crate::flow) fn any_json() -> BoxedStrategy<String> {
    let leaf = select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "1.0",
        "1e0",
        "10",
        "1E1",
        "-0.0",
        "12345678901234567890",
        "\"\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"ä\"",
        "\"b\\nc\"",
        "[]",
        "{}",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = select(vec!["id", "a", "b", "nodes", "edges", "externalReferences", "type", "~", "x/y", ""]);
        let object = vec((key, inner.clone()), 0..5).prop_map(|members| object(&members));
        let list = vec(inner, 0..5).prop_map(|items| list(&items));
        prop_oneof![list, object]
    })
    .boxed()
}

/// An object; of members with one key, the first counts.
fn object(members: &[(&str, String)]) -> String {
    let is_first = |at: usize| !members[..at].iter().any(|(key, _)| *key == members[at].0);
    let kept =
        (0..members.len()).filter(|at| is_first(*at)).map(|at| format!("\"{}\" :{}", members[at].0, members[at].1));
    format!("{{{}}}", kept.collect::<Vec<_>>().join(", "))
}

fn list(items: &[String]) -> String {
    format!("[{} ]", items.join(","))
}

/// A flow whose nodes and edges come from a small stock, so that two of them have much in common: moved,
/// changed, doubled, in lists that are missing or none.
pub(in crate::flow) fn any_flow() -> BoxedStrategy<String> {
    let text = || select(vec!["\"x\"", "\"y\"", "null", "[\"p\",\"q\"]", "[\"q\",\"p\"]", "{\"id\":1}", "1", "1.0"]);
    let id = || select(vec!["\"a\"", "\"b\"", "\"c\"", "\"d\"", "\"e\"", "7"]);
    let node = prop_oneof![
        8 => (id(), select(vec!["\"start\"", "\"action\""]), text()).prop_map(|(id, kind, text)| {
            format!("{{\"id\":{id},\"type\":{kind},\"configuration\":{{\"text\":{text}}}}}")
        }),
        1 => any_json(),
    ];
    let edge = prop_oneof![
        8 => (id(), id(), text(), any::<bool>()).prop_map(|(from, to, condition, more)| {
            let more = if more { ",\"label\":1" } else { "" };
            format!("{{\"from\":{from},\"to\":{to},\"condition\":{condition}{more}}}")
        }),
        1 => any_json(),
    ];
    let reference = prop_oneof![
        8 => (id(), text()).prop_map(|(id, more)| format!("{{\"type\":\"flow\",\"id\":{id},\"note\":{more}}}")),
        1 => any_json(),
    ];
    let lists = |items: BoxedStrategy<String>, n_max: usize| prop_oneof![9 => vec(items, 0..n_max).prop_map(|items| Some(list(&items))), 1 => Just(None), 1 => any_json().prop_map(Some)];
    let parts = (lists(node.boxed(), 7), lists(edge.boxed(), 6), lists(reference.boxed(), 4), text(), any_json());
    parts
        .prop_map(|(nodes, edges, references, name, more)| {
            let given = [("nodes", nodes), ("edges", edges), ("externalReferences", references)];
            let mut members: Vec<(&str, String)> =
                vec![("id", "\"flow_a\"".into()), ("name", name.into()), ("more", more)];
            members.extend(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
            object(&members)
        })
        .boxed()
}
