//! The loop under paused time, with passes that are made up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Environments, Event, Events, Heard, Keeper, Listener, Nudges, Opened, Passes, Trigger, Unusable, Wish};
use crate::clock::SimulatedClock;
use crate::controller::{EnvironmentReport, SyncResult};
use crate::plan::Hold;
use crate::shutdown::Shutdown;

const INTERVAL: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(600);

/// What a pass comes to.
#[derive(Clone, Copy)]
enum Made {
    Ends(SyncResult),
    Deploys,
    /// Nothing, for its windows are closed until then.
    ClosedUntil(&'static str),
    Panics,
    Hangs,
    /// Takes for ever, and ends with a restoration when asked to.
    IsSlow,
}

/// A world of environments that are made up.
#[derive(Clone)]
struct World {
    configured: Arc<Mutex<Result<Vec<String>, String>>>,
    made: Arc<Mutex<BTreeMap<String, Made>>>,
    /// How long a pass takes.
    takes: Arc<Mutex<Duration>>,
    wishes: Arc<Mutex<Vec<Wish>>>,
    nudges: Nudges,
    events: Events,
    shutdown: Shutdown,
}

struct MadeUp {
    world: World,
    name: String,
}

impl Environments for World {
    type Passes = MadeUp;

    fn reload(&self) -> Result<Vec<String>, Unusable> {
        let configured = self.configured.lock().unwrap().clone();
        configured.map_err(|message| Unusable { message, problems: Arc::new([]) })
    }

    fn open(&self, name: &str) -> Opened<MadeUp> {
        match &*self.configured.lock().unwrap() {
            Ok(names) if !names.iter().any(|known| known == name) => Opened::Gone,
            _ => Opened::Ready(MadeUp { world: self.clone(), name: name.to_owned() }),
        }
    }
}

impl Passes for MadeUp {
    fn interval(&self) -> Duration {
        INTERVAL
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    async fn pass(&self, wish: Wish, stop: Shutdown) -> EnvironmentReport {
        let Self { world, name } = self;
        world.wishes.lock().unwrap().push(wish);
        let takes = *world.takes.lock().unwrap();
        sleep(takes).await;
        let made = world.made.lock().unwrap().get(name).copied();
        match made.unwrap_or(Made::Ends(SyncResult::InSync)) {
            Made::Ends(result) => EnvironmentReport::new(name, result),
            Made::Deploys => EnvironmentReport {
                deployment_id: Some("d".into()),
                ..EnvironmentReport::new(name, SyncResult::RolledBack)
            },
            Made::ClosedUntil(until) => {
                let [schedule, duration, time_zone] = ["0 22 * * *", "8h", "UTC"].map(str::to_owned);
                let until = Some(until.parse().unwrap());
                let held = Some(Hold::Window { kind: "deny", schedule, duration, time_zone, until });
                EnvironmentReport { held, ..EnvironmentReport::new(name, SyncResult::Drifted) }
            }
            Made::Panics => panic!("as it was told"),
            Made::Hangs => std::future::pending().await,
            Made::IsSlow => {
                assert_eq!(stop.when_asked().await.by, "`sync.passDeadline`");
                EnvironmentReport {
                    deployment_id: Some("d".into()),
                    ..EnvironmentReport::new(name, SyncResult::RolledBack)
                }
            }
        }
    }
}

impl World {
    fn of(names: &[&str]) -> Self {
        Self {
            configured: Arc::new(Mutex::new(Ok(names.iter().map(|name| (*name).to_owned()).collect()))),
            made: Arc::default(),
            takes: Arc::default(),
            wishes: Arc::default(),
            nudges: Nudges::default(),
            events: Events::default(),
            shutdown: Shutdown::default(),
        }
    }

    fn configure(&self, names: &[&str]) {
        *self.configured.lock().unwrap() = Ok(names.iter().map(|name| (*name).to_owned()).collect());
    }

    fn makes(&self, name: &str, made: Made) {
        self.made.lock().unwrap().insert(name.to_owned(), made);
    }

    fn start(&self) -> (JoinHandle<u8>, Story) {
        let story = Story { listener: self.events.listen(), start: Instant::now() };
        let names = self.configured.lock().unwrap().clone().unwrap();
        let clock = SimulatedClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap(), 7);
        let keeper = Keeper {
            environments: Arc::new(self.clone()),
            nudges: self.nudges.clone(),
            events: self.events.clone(),
            shutdown: self.shutdown.clone(),
            clock: Arc::new(clock),
        };
        (tokio::spawn(keeper.keep(names)), story)
    }

    async fn end(&self, keeper: JoinHandle<u8>) -> u8 {
        self.shutdown.ask("SIGTERM", Duration::from_secs(60));
        keeper.await.unwrap()
    }
}

/// What happens, in short.
struct Story {
    listener: Listener,
    start: Instant,
}

impl Story {
    /// The next thing that is worth telling.
    async fn next(&mut self) -> String {
        loop {
            match self.listener.next().await {
                None => return "the end".into(),
                Some(Heard::Missed(n)) => return format!("missed {n}"),
                Some(Heard::Event(event)) => match event {
                    Event::Added { environment } => return format!("{environment} comes"),
                    Event::Gone { environment } => return format!("{environment} goes"),
                    Event::PassStarted { environment, cause, .. } => return format!("{environment} {cause:?}"),
                    Event::PassEnded { environment, report, .. } => {
                        return format!("{environment} {}", report.result.as_str());
                    }
                    Event::PassOverdue { environment, .. } => return format!("{environment} is overdue"),
                    Event::Reloaded { error } => return format!("reloaded: {}", error.is_none()),
                    _ => {}
                },
            }
        }
    }

    async fn tells(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.next().await, *expected);
        }
    }

    fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_made_at_the_start_and_at_each_interval() {
    let world = World::of(&["a"]);
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "a Start", "a in-sync"]).await;
    for n in 1..5 {
        story.tells(&["a Interval", "a in-sync"]).await;
        assert!((54 * n..=66 * n).contains(&story.seconds()), "{}", story.seconds());
    }
    assert_eq!(world.end(keeper).await, 0);
    story.tells(&["the end"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_made_when_a_window_opens() {
    let world = World::of(&["a"]);
    world.makes("a", Made::ClosedUntil("2026-01-01T00:00:07Z"));
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "a Start", "a drifted"]).await;
    world.makes("a", Made::Ends(SyncResult::InSync));
    story.tells(&["a Interval", "a in-sync"]).await;
    assert_eq!(story.seconds(), 7);
    assert_eq!(world.end(keeper).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_nudges_during_a_pass_make_exactly_one_more() {
    let world = World::of(&["a"]);
    *world.takes.lock().unwrap() = Duration::from_secs(10);
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "a Start"]).await;
    for _ in 0..1_000 {
        world.nudges.nudge("a", Trigger::Moved);
        sleep(Duration::from_millis(5)).await;
    }
    story.tells(&["a in-sync", "a Moved", "a in-sync"]).await;
    assert_eq!(story.seconds(), 20);
    story.tells(&["a Interval"]).await;
    assert!(story.seconds() >= 20 + 54);
    world.end(keeper).await;
}

#[tokio::test(start_paused = true)]
async fn one_environment_that_panics_fails_or_hangs_holds_up_no_other() {
    let world = World::of(&["fails", "hangs", "panics", "well"]);
    world.makes("panics", Made::Panics);
    world.makes("fails", Made::Ends(SyncResult::Error));
    world.makes("hangs", Made::Hangs);
    let (_keeper, mut story) = world.start();
    let mut n_well = 0;
    let mut told = Vec::new();
    while n_well < 5 {
        let next = story.next().await;
        n_well += usize::from(next == "well in-sync");
        told.push(next);
    }
    assert!((4 * 54..4 * 66).contains(&story.seconds()), "{}", story.seconds());
    // 2 s, 4 s, 8 s, … after each failure, at most the interval.
    for name in ["panics", "fails"] {
        let n_tries = told.iter().filter(|line| **line == format!("{name} error")).count();
        assert!((6..=10).contains(&n_tries), "{name}: {n_tries}");
    }
    assert_eq!(
        told.iter().filter(|line| line.starts_with("hangs")).collect::<Vec<_>>(),
        ["hangs comes", "hangs Start"]
    );
}

#[tokio::test(start_paused = true)]
async fn environments_come_and_go_and_a_broken_configuration_changes_nothing() {
    let world = World::of(&["a"]);
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "a Start", "a in-sync"]).await;
    world.configure(&["a", "b"]);
    world.nudges.reload();
    story.tells(&["reloaded: true", "b comes", "a Reload", "a in-sync", "b Start", "b in-sync"]).await;
    *world.configured.lock().unwrap() = Err("broken".into());
    world.nudges.reload();
    story.tells(&["reloaded: false", "a Reload", "a in-sync", "b Reload", "b in-sync"]).await;
    world.configure(&["b"]);
    world.nudges.reload();
    story.tells(&["reloaded: true", "a goes", "b Reload", "b in-sync"]).await;
    world.nudges.nudge("a", Trigger::Moved);
    world.configure(&["a", "b"]);
    world.nudges.reload();
    story.tells(&["reloaded: true", "a comes"]).await;
    world.end(keeper).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_under_way_comes_to_its_end_and_is_the_exit_code() {
    let world = World::of(&["a", "b"]);
    *world.takes.lock().unwrap() = Duration::from_secs(10);
    world.makes("a", Made::Deploys);
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "b comes", "a Start", "b Start"]).await;
    world.nudges.nudge("a", Trigger::Moved);
    assert_eq!(world.end(keeper).await, 4);
    // What had begun nothing has nothing to tell.
    story.tells(&["a rolled-back", "the end"]).await;
    assert_eq!(story.seconds(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_takes_too_long_is_asked_to_end_and_then_cut_off() {
    let world = World::of(&["hangs", "slow"]);
    world.makes("hangs", Made::Hangs);
    world.makes("slow", Made::IsSlow);
    let (keeper, mut story) = world.start();
    story
        .tells(&["hangs comes", "slow comes", "hangs Start", "slow Start", "hangs is overdue", "slow is overdue"])
        .await;
    assert_eq!(story.seconds(), DEADLINE.as_secs());
    story.tells(&["slow rolled-back"]).await;
    world.makes("slow", Made::Ends(SyncResult::InSync));
    world.makes("hangs", Made::Ends(SyncResult::InSync));
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "hangs in-sync") {
        told.push(story.next().await);
    }
    let of_hangs: Vec<&String> = told.iter().filter(|line| line.starts_with("hangs")).collect();
    assert_eq!(of_hangs, ["hangs error", "hangs Retry", "hangs in-sync"]);
    assert!(told.iter().filter(|line| *line == "slow in-sync").count() >= 3, "{told:?}");
    assert!((DEADLINE.as_secs() + 250..DEADLINE.as_secs() + 260).contains(&story.seconds()), "{}", story.seconds());
    world.end(keeper).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_nudges_wants_what_is_there_now_and_time_takes_what_others_fetched_lately() {
    let world = World::of(&["a", "b"]);
    let (keeper, mut story) = world.start();
    story.tells(&["a comes", "b comes", "a Start", "a in-sync", "b Start", "b in-sync"]).await;
    sleep(Duration::from_secs(10)).await;
    let nudged = Instant::now();
    world.nudges.nudge_all(Trigger::Webhook);
    story.tells(&["a Webhook", "a in-sync", "b Webhook", "b in-sync"]).await;
    let of_nudge = world.wishes.lock().unwrap().split_off(2);
    assert!(of_nudge.iter().all(|wish| wish.since == nudged), "one fetch will do for both");
    _ = story.next().await;
    let by_time = world.wishes.lock().unwrap().pop().unwrap();
    assert_eq!(Instant::now() - by_time.since, Duration::from_secs(54));
    world.end(keeper).await;
}
