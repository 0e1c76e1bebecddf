//! Plans by example.

use serde_json::json;

use super::super::chart::{Kind, Node, Tree};
use super::{Count, Impossible, NodePlan, NodeStep, Place, plan};

/// A chart from lines: `start`, `say a`, `if b`, and below a parent, deeper by two blanks each, children and chains.
fn chart(text: &str) -> Tree {
    let mut tree = Tree { flow: "f".into(), locale: "en".into(), ..Tree::default() };
    let mut above: Vec<usize> = Vec::new();
    for line in text.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let mut words = line.split_whitespace();
        let (kind, reference) = (words.next().unwrap(), words.next());
        let mut node = Node::new(reference.unwrap_or(kind), Kind::basic(kind));
        for word in words {
            match word {
                "entry" => node.head.is_entry_point = true,
                "off" => node.head.is_disabled = true,
                text if text.starts_with("->") => {
                    node.configs.insert("en".into(), json!({"flowNode": {"flow": "f", "node": &text[2..]}}));
                }
                text => {
                    node.configs.insert("en".into(), json!(text));
                }
            }
        }
        let index = tree.nodes.len();
        tree.nodes.push(node);
        above.truncate(depth);
        match above.last() {
            None => tree.root.push(index),
            Some(parent) if depth % 2 == 1 => tree.nodes[*parent].branches.push(index),
            Some(parent) => tree.nodes[*parent].body.push(index),
        }
        above.push(index);
    }
    tree
}

fn place(place: &Place) -> String {
    match place {
        Place::After(node) => format!("after {node}"),
        Place::FirstChild(parent) => format!("first of {parent}"),
        Place::LastChild(parent) => format!("last of {parent}"),
        Place::Child { parent, position } => format!("{position} of {parent}"),
    }
}

fn shown(plan: &NodePlan) -> Vec<String> {
    let step = |step: &NodeStep| match step {
        NodeStep::Create(creation) => format!("create {} {}", creation.node, place(&creation.at)),
        NodeStep::DropBrought { parent, kind } => format!("drop {kind} of {parent}"),
        NodeStep::Move { node, to } => format!("move {node} {}", place(to)),
        NodeStep::AddLocale { node, locale } => format!("add {locale} to {node}"),
        NodeStep::RemoveLocale { node, locale } => format!("remove {locale} of {node}"),
        NodeStep::Write { node, patch, .. } => {
            let fields = [
                patch.config.as_ref().map(|config| format!(" {config}")),
                patch.is_entry_point.map(|entry| format!(" entry={entry}")),
                patch.is_disabled.map(|disabled| format!(" off={disabled}")),
                patch.label.as_ref().map(|label| format!(" label={label}")),
            ];
            format!("write {node}{}", fields.into_iter().flatten().collect::<String>())
        }
        NodeStep::Delete { node } => format!("delete {node}"),
    };
    plan.steps.iter().map(step).collect()
}

fn check(live: &str, desired: &str, expected: &[&str]) {
    assert_eq!(shown(&plan(&chart(live), &chart(desired)).unwrap()), expected);
}

#[test]
fn a_changed_text_is_one_write() {
    check("start\nsay a hello\nsay b\nend", "start\nsay a bye\nsay b\nend", &[r#"write a "bye""#]);
}

#[test]
fn a_new_node_is_created_disabled_and_enabled_in_the_end() {
    let desired = "start\nsay a\nsay b new\nsay c off\nend";
    check("start\nsay a\nend", desired, &["create b after a", "create c after b", "write b off=false"]);
}

#[test]
fn parents_come_first_and_what_moves_into_them_last() {
    let desired = "start\nif i\n  then t\n    say a\n  else e\n    say n\nend";
    let steps =
        ["create i after start", "create n after e", "move a after t", "write i off=false", "write n off=false"];
    check("start\nsay a\nend", desired, &steps);
}

#[test]
fn survivors_move_out_before_what_held_them_goes() {
    let live = "start\nif i\n  then t\n    say a\n    say z\n  else e\nend";
    check(live, "start\nsay a\nend", &["move a after start", "delete z", "delete i"]);
}

#[test]
fn parent_and_child_change_places() {
    let live = "start\nif a\n  then at\n    if b\n      then bt\n      else be\n  else ae\nend";
    let desired = "start\nif b\n  then bt\n    if a\n      then at\n      else ae\n  else be\nend";
    check(live, desired, &["move b after start", "move a after bt"]);
}

#[test]
fn the_longest_run_of_a_chain_stays() {
    check("start\nsay a\nsay b\nsay c\nend", "start\nsay c\nsay a\nsay b\nend", &["move c after start"]);
}

#[test]
fn cases_are_put_in_between_and_those_that_came_along_go() {
    let live = "start\nswitch s\n  default d\n  case x 1\n  case y 2\nend";
    let desired = "start\nswitch s\n  default d\n  case y 2\n  case n 3\n  case x 1\n  case m 4\nend";
    let steps = ["create n last of s", "create m last of s", "move x 3 of s", "write n off=false", "write m off=false"];
    check(live, desired, &steps);
    let one = "start\nswitch s\n  default d\n  case n 3\nend";
    check("start\nend", one, &["create s after start", "drop case of s", r#"write n "3" label="#, "write s off=false"]);
}

#[test]
fn another_type_is_another_node() {
    check("start\nsay a\nend", "start\ncode a\nend", &["create a after start", "write a off=false", "delete a"]);
}

#[test]
fn entry_points_come_first_targets_before_sources_and_what_is_no_entry_point_any_more_last() {
    let live = "start\nsay a 1\nsay b 1\nsay c 1\nsay d entry\nend";
    let desired = "start\nsay a ->b\nsay b ->c\nsay c 2 entry\nsay d\nend";
    let steps = [
        "write c entry=true",
        "write c \"2\"",
        r#"write b {"flowNode":{"flow":"f","node":"c"}}"#,
        r#"write a {"flowNode":{"flow":"f","node":"b"}}"#,
        "write d entry=false",
    ];
    let quoted = live.replace(" 2", " \"2\"");
    check(&quoted, desired, &steps);
}

#[test]
fn what_only_the_tenant_makes_is_an_error_that_names_it() {
    let check = |live: &str, desired: &str, expected: &str| {
        let error: Impossible = plan(&chart(live), &chart(desired)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let (full, half) = ("start\nif i\n  then t\n  else e\nend", "start\nif i\n  then t\nend");
    let alone = "comes and goes with its parent only";
    check(full, half, &format!("node `e` of type `else` {alone}: it cannot be deleted"));
    check(half, full, &format!("node `e` of type `else` {alone}: it cannot be created"));
    check("start\nend", half, "node `i` comes with a child of type `else`, which cannot be left out");
    check(full, "start\nif i\n  else e\n  then t\nend", "node `t` of type `then` cannot be moved");
    check(full, "end", "expected the chart to begin with its node of type `start`");
    check(full, "start\nend\nsay a", "nothing can follow node `end` of type `end`");
    check("start", "start\nend", &format!("node `end` of type `end` {alone}: it cannot be created"));
}

#[test]
fn a_mock_goes_by_package_only() {
    let live = chart("start\nsay a\nend");
    let mut desired = live.clone();
    desired.nodes[1].head.mock = Some(json!({"isEnabled": true, "code": ""}));
    let plan = plan(&live, &desired).unwrap();
    assert_eq!((plan.only_by_package.as_slice(), plan.writes_fields_only()), (&["a".to_owned()][..], false));
}

#[test]
fn what_is_touched_is_counted_once() {
    let live = "start\nsay a 1\nsay b 1\nsay c 9\nend";
    let desired = "start\nsay b 2 entry\nsay n\nsay a 1\nend";
    let found = plan(&chart(live), &chart(desired)).unwrap().count();
    assert_eq!(found, Count { n_created: 1, n_deleted: 1, n_moved: 1, n_changed: 1 });
}

#[test]
fn five_thousand_nodes_with_five_hundred_changes_are_planned_at_once() {
    let line = |n: usize, text: usize| match n % 10 {
        0 => format!("if i{n}\n  then t{n}\n    say a{n} x\n  else e{n}\n"),
        _ => format!("say s{n} {text}\n"),
    };
    let live: String = (0..4_000).map(|n| line(n, 1)).collect();
    let mut changed: Vec<String> = (0..4_000).map(|n| line(n, if n % 12 == 1 { 2 } else { 1 })).collect();
    for at in (0..4_000).step_by(40) {
        changed.swap(at + 2, at + 5);
    }
    let (live, desired) = (chart(&format!("start\n{live}end")), chart(&format!("start\n{}end", changed.concat())));
    assert!(live.nodes.len() > 5_000);
    let plan = plan(&live, &desired).unwrap();
    assert_eq!(plan.count(), Count { n_moved: 200, n_changed: 334, ..Count::default() });
}
