//! People: they commit flows, edit the tenant by hand, and revert what they should not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowsync::format::Format;
use flowsync::source::memory::Edits;

use super::world::World;

pub const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A flow as people mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    pub revision: u32,
    pub version: u32,
    pub needs: BTreeSet<String>,
    pub path: String,
    pub is_bad: bool,
    pub needs_intent: bool,
}

impl Meant {
    /// One that needs nothing, as somebody writes it by hand.
    pub fn by_hand(revision: u32) -> Self {
        let (needs, path) = (BTreeSet::new(), String::new());
        Self { revision, version: 1, needs, path, is_bad: false, needs_intent: false }
    }
}

/// Those who write flows.
pub struct People {
    world: Arc<World>,
    flows: BTreeMap<String, Meant>,
    n_done: u32,
}

impl People {
    /// The first commit holds `names`.
    pub fn new(world: &Arc<World>, rng: &mut fastrand::Rng, n_flows: usize) -> Self {
        let mut people = Self { world: world.clone(), flows: BTreeMap::new(), n_done: 0 };
        for name in NAMES.iter().take(n_flows) {
            people.create(rng, name);
        }
        people.commit();
        people
    }

    /// A world of given flows: `a>b` is a flow `a` that needs `b`.
    pub fn with(world: &Arc<World>, flows: &[(&str, &[&str])]) -> Self {
        let mut people = Self { world: world.clone(), flows: BTreeMap::new(), n_done: 0 };
        for (name, needs) in flows {
            people.set(name, needs);
        }
        people.commit();
        people
    }

    /// A new revision of a flow, or a new flow.
    pub fn set(&mut self, name: &str, needs: &[&str]) {
        let earlier = self.flows.get(name).map_or(0, |flow| flow.revision);
        let meant = Meant {
            revision: earlier + 1,
            version: earlier + 1,
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            path: format!("flows/{name}.json"),
            is_bad: false,
            needs_intent: false,
        };
        self.flows.insert(name.to_owned(), meant);
    }

    pub fn remove(&mut self, name: &str) {
        self.flows.remove(name);
    }

    fn create(&mut self, rng: &mut fastrand::Rng, name: &str) {
        let needs = self.flows.keys().filter(|_| rng.u32(0..3) == 0).cloned().collect();
        let meant = Meant {
            revision: 1 + self.n_done * 100,
            version: 1,
            needs,
            path: format!("flows/{name}.json"),
            is_bad: false,
            needs_intent: rng.u32(0..8) == 0,
        };
        if rng.u32(0..4) == 0 && !self.flows.is_empty() {
            let other = self.any(rng);
            self.flows.entry(other).and_modify(|other| {
                other.needs.insert(name.to_owned());
                other.revision += 1;
            });
        }
        self.flows.insert(name.to_owned(), meant);
    }

    fn any(&self, rng: &mut fastrand::Rng) -> String {
        self.flows.keys().nth(rng.usize(..self.flows.len().max(1))).cloned().unwrap_or_else(|| "a".into())
    }

    /// Somebody commits something.
    pub fn change(&mut self, rng: &mut fastrand::Rng) {
        for _ in 0..rng.usize(1..5) {
            self.change_one(rng);
        }
        self.commit();
    }

    fn change_one(&mut self, rng: &mut fastrand::Rng) {
        self.n_done += 1;
        let name = self.any(rng);
        let free: Vec<&str> = NAMES.into_iter().filter(|name| !self.flows.contains_key(*name)).collect();
        match rng.u32(0..20) {
            0..4 if !free.is_empty() => {
                let new = free[rng.usize(..free.len())].to_owned();
                self.create(rng, &new);
            }
            4..7 if self.flows.len() > 1 => {
                let careless = rng.u32(0..6) == 0;
                let mut gone = BTreeSet::from([name]);
                (0..rng.usize(0..3)).for_each(|_| _ = gone.insert(self.any(rng)));
                self.flows.retain(|name, _| !gone.contains(name));
                if !careless {
                    self.flows.values_mut().for_each(|flow| flow.needs.retain(|need| !gone.contains(need)));
                }
            }
            7 => {
                let path = format!("flows/moved{}/{name}.json", self.n_done);
                self.with_flow(&name, |flow| flow.path = path);
            }
            8 => self.with_flow(&name, |flow| flow.is_bad = true),
            9..12 => {
                let other = self.any(rng);
                self.with_flow(&name, |flow| {
                    flow.needs.insert(other);
                    flow.revision += 1;
                    flow.version += 1;
                });
            }
            _ => {
                let raise = u32::from(rng.u32(0..4) > 0);
                self.with_flow(&name, |flow| {
                    flow.revision += 1;
                    flow.version += raise;
                });
            }
        }
    }

    fn with_flow(&mut self, name: &str, change: impl FnOnce(&mut Meant)) {
        if let Some(flow) = self.flows.get_mut(name) {
            change(flow);
        }
    }

    /// Somebody puts everything right, in git and in the tenant.
    pub fn mend(&mut self) {
        for name in NAMES.into_iter().filter(|name| !self.flows.contains_key(*name)) {
            if self.world.live(&self.world.id(name)).is_some() {
                self.world.drift(&self.world.id(name), None);
            }
        }
        let known: BTreeSet<String> = self.flows.keys().cloned().collect();
        for flow in self.flows.values_mut() {
            flow.is_bad = false;
            flow.needs.retain(|need| known.contains(need));
            flow.revision += 1;
        }
        self.commit();
    }

    /// Somebody goes on, or back, by so many revisions in every flow.
    pub fn revise(&mut self, by: i32) {
        self.flows.values_mut().for_each(|flow| flow.revision = flow.revision.saturating_add_signed(by).max(1));
        self.commit();
    }

    /// Commits the flows as they are meant now.
    pub fn commit(&self) {
        let World { remote, folders, .. } = &*self.world;
        let mut edits: Edits = remote
            .tip(&folders.branch)
            .map(|tip| remote.files_in(&tip, &folders.flows).into_keys().map(|path| (path, None)).collect())
            .unwrap_or_default();
        edits.insert(format!("{}/README", folders.flows), Some(b"flows".to_vec()));
        for (name, flow) in &self.flows {
            if !flow.is_bad {
                self.world.holds(&self.world.id(name));
            }
            let files = self.world.api.files(name, flow).into_iter();
            edits.extend(files.map(|(path, content)| (path, Some(content))));
        }
        self.world.say(|| format!("git: {}", self.flows.iter().map(show).collect::<Vec<_>>().join(" ")));
        remote.commit(&folders.branch, "flows: change", self.world.now(), &edits);
    }

    /// Somebody works in the tenant by hand.
    pub fn drift(&self, rng: &mut fastrand::Rng) {
        let name = NAMES[rng.usize(..NAMES.len())];
        let id = self.world.id(name);
        let live = self.world.live(&id);
        match (rng.u32(0..4), live) {
            (0, Some(_)) => self.world.drift(&id, None),
            (1, None) | (_, Some(_)) => {
                let revision = 1_000 + rng.u32(0..1_000);
                let meant = Meant { version: rng.u32(1..4), ..Meant::by_hand(revision) };
                self.world.drift(&id, Some(self.world.api.text(name, &meant).as_bytes()));
            }
            _ => {}
        }
    }

    /// Puts live what git holds, as if it had been so for ever; nothing whose needs would not be live.
    pub fn deploy_by_hand(&self, filter: impl Fn(&str) -> bool) {
        let mut whole: BTreeSet<&String> = self.flows.keys().filter(|name| filter(name)).collect();
        while let Some(torn) =
            whole.iter().copied().find(|name| self.flows[*name].needs.iter().any(|need| !whole.contains(need)))
        {
            whole.remove(torn);
        }
        // What is attached must be there: where flows need each other, the second round attaches it.
        let n_rounds = if self.world.api.format() == Format::FlowsV2 { 1 } else { 2 };
        let flows = || self.flows.iter().filter(|(name, _)| whole.contains(name));
        for (name, flow) in (0..n_rounds).flat_map(|_| flows()) {
            self.world.by_hand(&self.world.id(name), Some(self.world.api.text(name, flow).as_bytes()));
        }
    }
}

fn show((name, flow): (&String, &Meant)) -> String {
    let needs: Vec<&str> = flow.needs.iter().map(String::as_str).collect();
    let bad = if flow.is_bad { "!" } else { "" };
    format!("{name}{bad}{}>{}", flow.revision, needs.join(","))
}

/// A flow as somebody writes it by hand.
pub fn by_hand(name: &str, world: &World) -> String {
    world.api.text(name, &Meant::by_hand(999))
}
