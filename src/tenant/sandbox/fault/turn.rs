//! Which of the requests that a rule is about it strikes.

/// As people write it; each may be left out.
#[derive(Debug, Default)]
pub(crate) struct TurnWritten {
    pub(crate) nth: Option<u64>,
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) every: Option<u64>,
    pub(crate) times: Option<u64>,
    pub(crate) probability: Option<f64>,
    pub(crate) seed: Option<u64>,
}

/// As it is meant.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// The first and the last matching request struck, counted from 1.
    from: u64,
    to: u64,
    every: u64,
    times: u64,
    probability: f64,
    seed: u64,
}

/// A turn in force, with its counts.
#[derive(Debug)]
pub(crate) struct Tally {
    turn: Turn,
    /// Matching requests seen.
    pub(crate) seen: u64,
    /// How many of them it struck.
    pub(crate) fired: u64,
    chance: fastrand::Rng,
}

impl Turn {
    /// The error says what makes no sense.
    pub(crate) fn meant(written: &TurnWritten) -> Result<Self, String> {
        let TurnWritten { nth, from, to, every, times, probability, seed } = *written;
        if nth.is_some() && (from.is_some() || to.is_some()) {
            return Err("`nth` cannot stand beside `from` or `to`".to_owned());
        }
        let counts = [("nth", nth), ("from", from), ("to", to), ("every", every), ("times", times)];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err(format!("`{name}` counts from 1, found 0"));
        }
        let probability = probability.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err(format!("expected `probability` from 0 to 1, found {probability}"));
        }
        Ok(Self {
            from: nth.or(from).unwrap_or(1),
            to: nth.or(to).unwrap_or(u64::MAX),
            every: every.unwrap_or(1),
            times: times.unwrap_or(u64::MAX),
            probability,
            seed: seed.unwrap_or(0),
        })
    }
}

impl Tally {
    pub(crate) fn new(turn: Turn) -> Self {
        let chance = fastrand::Rng::with_seed(turn.seed);
        Self { turn, seen: 0, fired: 0, chance }
    }

    /// Counts a request that the rule is about; whether it is to be struck.
    pub(crate) fn is_due(&mut self) -> bool {
        let Turn { from, to, every, times, probability, .. } = self.turn;
        self.seen += 1;
        let lucky = probability >= 1.0 || self.chance.f64() < probability;
        let in_turn = (from..=to).contains(&self.seen) && (self.seen - from + 1).is_multiple_of(every);
        lucky && in_turn && self.fired < times
    }
}
