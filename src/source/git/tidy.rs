//! When a clone is made smaller, and how: few packs, and not much more than a fresh clone would take, for ever.
//!
//! Each fetch and each push of records leaves a pack. Small ones are merged by size classes, so that an object is
//! packed anew a few times in its life and not each time. What is large is left alone, because libgit2 packs
//! slowly; when that adds up, or a rewound branch left what nobody needs, everything is fetched once more.
//! Decisions only: `upkeep` carries them out.

/// So many packs are merged when there are more, and so many loose objects.
const PACKS_MAX: usize = 10;
const LOOSE_MAX: usize = 32;
/// So many are too many whatever they weigh; in the middle of a deployment, only these are worth a pause.
const PACKS_LIMIT: usize = 15;
/// A clone grows to this many tenths of a fresh one, and this, before it is looked after.
const GROWTH_TENTHS: u64 = 16;
const GROWTH_BYTES: u64 = 64 * 1024;
/// A pack with more objects than this is left alone, whatever they weigh.
pub(super) const MERGED_OBJECTS_MAX: usize = 20_000;
/// So is one with more content than this, unpacked.
const MERGED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// So much content, unpacked, is packed anew at once.
const AT_ONCE_BYTES_MAX: u64 = 2 * MERGED_BYTES_MAX;
/// How much may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Before a pass: whatever is due.
    Thorough,
    /// While a deployment runs: what cannot wait.
    Brief,
}

/// Whether a branch was rewound, so that the clone may hold what no branch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewound {
    /// Not since the clone was made.
    Never,
    /// Just now: somebody may still be reading what went.
    Lately,
    /// Long enough ago.
    Before,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TidyStep {
    /// Nothing.
    Rest,
    /// The packs of these numbers, and what is loose, become one.
    Merge(Vec<usize>),
    /// It is as small as it gets: this is a fresh clone's size now.
    Settle,
    /// Everything is to be fetched anew.
    Renew,
}

/// What a pack, or everything loose, weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Bytes of content, unpacked: the work it is to pack it anew. As much as can be where it is out of the question.
    pub(super) content: u64,
    /// Bytes on the disk.
    pub(super) bytes: u64,
}

impl Weight {
    fn is_mergeable(self) -> bool {
        self.content <= MERGED_BYTES_MAX
    }
}

/// A clone as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) packs: Vec<Weight>,
    pub(super) n_loose: usize,
    pub(super) loose: Weight,
    /// What it took on the disk when it was made, or was as small as it gets.
    pub(super) fresh: u64,
    pub(super) rewound: Rewound,
}

impl Standing {
    fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.bytes).sum::<u64>() + self.loose.bytes
    }

    fn has_outgrown(&self) -> bool {
        self.bytes() > self.fresh * GROWTH_TENTHS / 10 + GROWTH_BYTES
    }

    /// Whether anything is due: what a pack weighs is not needed for that.
    pub(super) fn is_due(&self, effort: Effort) -> bool {
        let n_packs = self.packs.len();
        match effort {
            Effort::Thorough => n_packs > PACKS_MAX || self.n_loose > LOOSE_MAX || self.has_outgrown(),
            Effort::Brief => n_packs > PACKS_LIMIT,
        }
    }

    /// What is due.
    pub(super) fn next_step(&self, effort: Effort) -> TidyStep {
        if !self.is_due(effort) {
            return TidyStep::Rest;
        }
        if let Some(class) = self.smallest_class() {
            return TidyStep::Merge(class);
        }
        let is_one = self.packs.len() <= 1 && self.n_loose == 0;
        let is_pressing = self.has_outgrown() || self.packs.len() > PACKS_LIMIT || self.n_loose > LOOSE_MAX;
        match (effort, self.rewound) {
            (Effort::Brief, _) | (Effort::Thorough, Rewound::Lately) => TidyStep::Rest,
            (Effort::Thorough, Rewound::Never) if is_one => TidyStep::Settle,
            (Effort::Thorough, Rewound::Never | Rewound::Before) if is_pressing => TidyStep::Renew,
            (Effort::Thorough, Rewound::Never | Rewound::Before) => TidyStep::Rest,
        }
    }

    /// The smallest packs up to where the next one is at least twice as heavy as they are together. Everything
    /// loose goes with them.
    fn smallest_class(&self) -> Option<Vec<usize>> {
        if !self.loose.is_mergeable() {
            return None;
        }
        let mut order: Vec<usize> = (0..self.packs.len()).filter(|index| self.packs[*index].is_mergeable()).collect();
        order.sort_by_key(|index| self.packs[*index].content);
        let has_loose = self.n_loose > 0;
        let (mut sum, mut class) = (self.loose.content, Vec::new());
        for index in order {
            let content = self.packs[index].content;
            let is_enough = class.len() + usize::from(has_loose) >= 2;
            if (is_enough && content >= 2 * sum) || sum + content > AT_ONCE_BYTES_MAX {
                break;
            }
            sum += content;
            class.push(index);
        }
        (has_loose || class.len() >= 2).then_some(class)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weight(n_objects: usize) -> Weight {
        Weight { content: n_objects as u64 * 4000, bytes: n_objects as u64 * 400 + 8192 }
    }

    fn of(packs: Vec<Weight>, fresh: u64, rewound: Rewound) -> Standing {
        Standing { packs, n_loose: 0, loose: Weight::default(), fresh, rewound }
    }

    /// Does what is due until nothing is; how much content was packed anew.
    fn settle(standing: &mut Standing) -> u64 {
        let mut packed = 0;
        loop {
            match standing.next_step(Effort::Thorough) {
                TidyStep::Rest => return packed,
                TidyStep::Settle => standing.fresh = standing.bytes(),
                TidyStep::Renew => {
                    let content: u64 = standing.packs.iter().map(|pack| pack.content).sum();
                    standing.packs = vec![weight(content as usize / 4000)];
                    standing.fresh = standing.bytes();
                }
                TidyStep::Merge(class) => {
                    let merged: u64 = class.iter().map(|index| standing.packs[*index].content).sum();
                    packed += merged;
                    let mut index = 0;
                    standing.packs.retain(|_| (!class.contains(&index), index += 1).0);
                    standing.packs.push(weight(merged as usize / 4000));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn packs_stay_few_and_an_object_is_packed_a_few_times(
            sizes in proptest::collection::vec(1_usize..40, 5000),
            base in 1_usize..2_000_000,
        ) {
            let mut standing = of(vec![weight(base)], weight(base).bytes, Rewound::Never);
            let (mut n_objects, mut packed) = (base, 0);
            for size in sizes {
                standing.packs.push(weight(size));
                n_objects += size;
                packed += settle(&mut standing);
                prop_assert!(standing.packs.len() <= PACKS_LIMIT);
                let most = 2 * weight(n_objects).bytes + GROWTH_BYTES;
                prop_assert!(standing.bytes() <= most, "{} of {most}", standing.bytes());
            }
            let all = weight(n_objects).content - weight(base).content + weight(base).content.min(MERGED_BYTES_MAX);
            prop_assert!(packed <= 15 * all, "{packed} of {all}");
        }
    }

    #[test]
    fn what_a_rewound_branch_left_goes_when_nobody_can_be_reading_it() {
        let large = Weight { content: 400 << 20, bytes: 90 << 20 };
        let step = |rewound, effort| of(vec![weight(10), large], 1 << 20, rewound).next_step(effort);
        assert_eq!(step(Rewound::Lately, Effort::Thorough), TidyStep::Rest);
        assert_eq!(step(Rewound::Before, Effort::Thorough), TidyStep::Renew);
        assert_eq!(step(Rewound::Before, Effort::Brief), TidyStep::Rest);
        let small = |fresh, rewound| of(vec![weight(1000)], fresh, rewound).next_step(Effort::Thorough);
        assert_eq!(small(0, Rewound::Before), TidyStep::Renew);
        assert_eq!(small(0, Rewound::Never), TidyStep::Settle);
        assert_eq!(small(weight(1000).bytes, Rewound::Never), TidyStep::Rest);
    }

    #[test]
    fn loose_objects_are_packed_and_too_many_are_fetched_anew() {
        let step = |packs: &[usize], loose| {
            let packs = packs.iter().map(|n_objects| weight(*n_objects)).collect();
            Standing { n_loose: 100, loose, ..of(packs, 1 << 20, Rewound::Never) }.next_step(Effort::Thorough)
        };
        assert_eq!(step(&[50], weight(100)), TidyStep::Merge(vec![0]));
        assert_eq!(step(&[5000], weight(100)), TidyStep::Merge(vec![0]));
        assert_eq!(step(&[50, 5000], weight(100)), TidyStep::Merge(vec![0]));
        assert_eq!(step(&[], weight(100)), TidyStep::Merge(vec![]));
        assert_eq!(step(&[50], Weight { content: u64::MAX, bytes: 1 }), TidyStep::Renew);
    }
}
