//! Laws of the plan, for any two charts.

use proptest::prelude::*;
use serde_json::json;

use super::super::chart::{Chain, Head, Kind, Node, Tree};
use super::machine::{Machine, alike};
use super::step::NodeStep;
use super::{NodePlan, plan};

/// What a chart is built from: each number is one decision.
type Script = Vec<(u8, u8, u8, u8)>;

fn script(n_max: usize) -> impl Strategy<Value = Script> {
    proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 0..n_max)
}

struct Builder {
    tree: Tree,
    open: Vec<Chain>,
    free: Vec<String>,
}

impl Builder {
    fn new(prefix: &str) -> Self {
        let mut tree = Tree { flow: "f".into(), locale: "en".into(), ..Tree::default() };
        tree.nodes.push(Node::new(&format!("{prefix}start"), Kind::basic("start")));
        tree.nodes.push(Node::new(&format!("{prefix}end"), Kind::basic("end")));
        tree.root = vec![0, 1];
        Self { tree, open: vec![Chain::Root], free: (0..40).map(|n| format!("n{n}")).collect() }
    }

    fn add(&mut self, (kind, place, which, look): (u8, u8, u8, u8)) {
        let kinds = ["say", "say", "code", "goTo", "if", "switch", "once", "odd"];
        let kind = kinds[usize::from(kind) % kinds.len()];
        if self.free.len() < 6 {
            return;
        }
        let reference = self.free.remove(usize::from(which) % self.free.len());
        let chain = self.open[usize::from(place) % self.open.len()];
        let index = self.node(&reference, kind, look);
        match chain {
            Chain::Root => {
                let at = 1 + usize::from(place / 7) % (self.tree.root.len() - 1);
                self.tree.root.insert(at, index);
            }
            Chain::Body(owner) => {
                let body = &mut self.tree.nodes[owner].body;
                let at = usize::from(place / 5) % (body.len() + 1);
                body.insert(at, index);
            }
        }
        let children: &[&str] = match kind {
            "if" => &["then", "else"],
            "once" => &["onFirstExecution", "afterwards"],
            "switch" => [&["default"][..], &["case", "default", "case"], &["default", "case", "case", "case"]]
                [usize::from(look) % 3],
            "odd" => &["oddMarker"],
            _ => &[],
        };
        for child in children {
            let reference = if *child == "case" {
                self.free.remove(usize::from(which) % self.free.len())
            } else {
                format!("{reference}-{child}")
            };
            let child = self.node(&reference, child, look / 3);
            self.tree.nodes[index].branches.push(child);
            self.open.push(Chain::Body(child));
        }
    }

    fn node(&mut self, reference: &str, kind: &str, look: u8) -> usize {
        let mut node = Node::new(reference, Kind::basic(kind));
        if node.kind.name == "case"
            || !["then", "else", "default", "onFirstExecution", "afterwards", "oddMarker"].contains(&kind)
        {
            let target = format!("n{}", look % 11);
            let text = json!({"text": look % 3, "flowNode": {"flow": "f", "node": target}});
            node.configs.insert("en".into(), text);
            if look.is_multiple_of(5) {
                node.configs.insert("de".into(), json!({"text": look % 2}));
            }
            let label = format!("label {}", look % 4);
            node.head = Head {
                label,
                is_entry_point: look.is_multiple_of(3),
                is_disabled: look.is_multiple_of(7),
                ..Head::default()
            };
        }
        self.tree.nodes.push(node);
        self.tree.nodes.len() - 1
    }
}

fn chart(prefix: &str, script: &Script) -> Tree {
    let mut builder = Builder::new(prefix);
    script.iter().for_each(|step| builder.add(*step));
    builder.tree
}

fn carry_out(machine: &mut Machine, desired: &Tree, plan: &NodePlan, n_steps: usize) {
    let seen = machine.names();
    machine.adopt(&plan.aliases, &seen);
    for step in plan.steps.iter().take(n_steps) {
        machine.apply(step, &seen);
        if let NodeStep::Create(creation) = step {
            machine.adopt_brought(creation, desired);
        }
    }
}

fn ends_at(machine: &mut Machine, desired: &Tree) -> Result<(), TestCaseError> {
    let steps = plan(&machine.tree(), desired).map_err(|error| TestCaseError::fail(error.to_string()))?;
    carry_out(machine, desired, &steps, usize::MAX);
    alike(&machine.tree(), desired).map_err(TestCaseError::fail)?;
    let again = plan(&machine.tree(), desired).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(again.steps, vec![]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_carried_out_ends_at_what_is_wanted(live in script(14), desired in script(14)) {
        let desired = chart("", &desired);
        ends_at(&mut Machine::new(&chart("", &live)), &desired)?;
    }

    #[test]
    fn a_plan_broken_off_anywhere_and_made_anew_ends_there_as_well(
        live in script(14), desired in script(14), cut in any::<proptest::sample::Index>(), is_forgotten in any::<bool>(),
    ) {
        let desired = chart("", &desired);
        let mut machine = Machine::new(&chart("", &live));
        let first = plan(&machine.tree(), &desired).map_err(|error| TestCaseError::fail(error.to_string()))?;
        carry_out(&mut machine, &desired, &first, cut.index(first.steps.len() + 1));
        if is_forgotten {
            machine.aliases.clear();
        }
        ends_at(&mut machine, &desired)?;
    }

    #[test]
    fn equal_charts_need_nothing(script in script(20)) {
        let chart = chart("", &script);
        prop_assert_eq!(plan(&chart, &chart).unwrap(), NodePlan::default());
    }

    #[test]
    fn the_same_flow_under_other_reference_ids_is_found_and_stays(script in script(14)) {
        let desired = chart("", &script);
        let mut live = desired.clone();
        live.nodes.iter_mut().for_each(|node| node.reference.insert_str(0, "other-"));
        let found = plan(&live, &desired).unwrap();
        prop_assert_eq!(found.aliases.len(), desired.nodes.len());
        prop_assert_eq!(found.steps, vec![]);
    }

    #[test]
    fn what_stays_in_a_chain_is_not_moved_and_what_is_equal_is_not_written(script in script(14), one in any::<proptest::sample::Index>()) {
        let live = chart("", &script);
        let mut desired = live.clone();
        let written: Vec<usize> = (0..desired.nodes.len()).filter(|index| desired.nodes[*index].configs.contains_key("en")).collect();
        prop_assume!(!written.is_empty());
        let index = written[one.index(written.len())];
        desired.nodes[index].configs.insert("en".into(), json!("another"));
        let found = plan(&live, &desired).unwrap();
        prop_assert_eq!(found.steps.len(), 1);
        prop_assert!(found.writes_fields_only());
    }
}
