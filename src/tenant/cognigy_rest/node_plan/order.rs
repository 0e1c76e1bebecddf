//! Which of a list stay where they are: the heaviest run that is in order already.

/// One item of a list as it is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Where it stands now, from 0.
    pub(super) position: usize,
    /// What it costs to move it, from 1.
    pub(super) weight: u64,
}

/// Says of each item whether it stays, so that those that stay are in order and weigh the most together.
pub(super) fn staying(items: &[Item]) -> Vec<bool> {
    let n_positions = items.iter().map(|item| item.position + 1).max().unwrap_or_default();
    let mut best = Best::new(n_positions);
    // The sum up to each item, and the item before it in its run.
    let mut sums = vec![0; items.len()];
    let mut before = vec![None; items.len()];
    let mut last = None;
    for (index, item) in items.iter().enumerate() {
        let run = best.below(item.position);
        before[index] = run.map(|(_, previous)| previous);
        sums[index] = run.map_or(0, |(sum, _)| sum) + item.weight;
        best.offer(item.position, sums[index], index);
        if last.is_none_or(|last: usize| sums[index] > sums[last]) {
            last = Some(index);
        }
    }
    let mut stays = vec![false; items.len()];
    while let Some(index) = last {
        stays[index] = true;
        last = before[index];
    }
    stays
}

/// The heaviest run that ends at or below a position: a tree of maxima over prefixes.
struct Best(Vec<Option<(u64, usize)>>);

impl Best {
    fn new(n_positions: usize) -> Self {
        Self(vec![None; n_positions + 1])
    }

    /// The heaviest run that ends below a position, and its last item.
    fn below(&self, position: usize) -> Option<(u64, usize)> {
        let (mut at, mut found) = (position, None);
        while at > 0 {
            found = heavier(found, self.0[at]);
            at &= at - 1;
        }
        found
    }

    fn offer(&mut self, position: usize, sum: u64, item: usize) {
        let mut at = position + 1;
        while at < self.0.len() {
            self.0[at] = heavier(self.0[at], Some((sum, item)));
            at += at & at.wrapping_neg();
        }
    }
}

fn heavier(one: Option<(u64, usize)>, other: Option<(u64, usize)>) -> Option<(u64, usize)> {
    match (one, other) {
        (Some(one), Some(other)) if other.0 > one.0 => Some(other),
        (None, other) => other,
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(positions: &[usize], weights: &[u64], expected: &[usize]) {
        let items: Vec<Item> =
            positions.iter().zip(weights).map(|(&position, &weight)| Item { position, weight }).collect();
        let stays = staying(&items);
        let kept: Vec<usize> = positions.iter().zip(stays).filter(|(_, stays)| *stays).map(|(at, _)| *at).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn the_longest_run_stays_unless_another_is_heavier() {
        check(&[], &[], &[]);
        check(&[0, 1, 2], &[1, 1, 1], &[0, 1, 2]);
        check(&[2, 0, 1], &[1, 1, 1], &[0, 1]);
        check(&[2, 0, 1], &[9, 1, 1], &[2]);
    }

    proptest! {
        #[test]
        fn no_other_run_is_heavier(permuted in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle(), weights in proptest::collection::vec(1..5_u64, 9)) {
            let items: Vec<Item> = permuted.iter().zip(&weights).map(|(&position, &weight)| Item { position, weight }).collect();
            let weigh = |chosen: &dyn Fn(usize) -> bool| {
                let run: Vec<&Item> = (0..9).filter(|index| chosen(*index)).map(|index| &items[index]).collect();
                let in_order = run.windows(2).all(|pair| pair[0].position < pair[1].position);
                in_order.then(|| run.iter().map(|item| item.weight).sum::<u64>())
            };
            let stays = staying(&items);
            let heaviest = (0..512_usize).filter_map(|set| weigh(&|index| set >> index & 1 == 1)).max();
            prop_assert_eq!(weigh(&|index| stays[index]), heaviest);
        }
    }
}
