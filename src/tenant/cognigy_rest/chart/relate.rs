//! From a tree back to relations.

use super::tree::Tree;
use super::wire::WireRelation;

/// One relation for each node, by what `id` calls it.
#[must_use]
pub fn relate(tree: &Tree, id: impl Fn(usize) -> String) -> Vec<WireRelation> {
    let relation = |index: usize| WireRelation { node: id(index), children: Vec::new(), next: None };
    let mut relations: Vec<WireRelation> = (0..tree.nodes.len()).map(relation).collect();
    let mut follow = |chain: &[usize]| {
        for pair in chain.windows(2) {
            relations[pair[0]].next = Some(id(pair[1]));
        }
    };
    follow(&tree.root);
    tree.nodes.iter().for_each(|node| follow(&node.body));
    for (index, node) in tree.nodes.iter().enumerate() {
        relations[index].children = node.branches.iter().map(|child| id(*child)).collect();
        if let Some(first) = node.body.first() {
            relations[index].next = Some(id(*first));
        }
    }
    relations
}
