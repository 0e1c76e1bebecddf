//! Queues and waits, under paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep};

use super::super::lane::{Carried, Lane, Worker};
use super::super::patience::Patience;
use super::super::queue::{Item, MessageOutcome as Became};
use super::super::what::News;
use super::*;
use crate::clock::SimulatedClock;

const SECOND: Duration = Duration::from_secs(1);

/// A target that answers as it is told, and what became of it all.
#[derive(Clone)]
struct Stage {
    start: Instant,
    tries: Arc<Mutex<Vec<(String, f64)>>>,
    outcomes: Arc<Mutex<Vec<Became>>>,
}

impl Stage {
    /// A lane whose target answers the first tries so and then takes everything; each answer after `takes`.
    fn open(answers: &[Carried], takes: Duration, patience: Patience) -> (Self, Lane) {
        let stage = Self { start: Instant::now(), tries: Arc::default(), outcomes: Arc::default() };
        let answers = Arc::new(Mutex::new(answers.iter().cloned().rev().collect::<Vec<_>>()));
        let (tries, outcomes, start) = (Arc::clone(&stage.tries), Arc::clone(&stage.outcomes), stage.start);
        let worker = Worker {
            place: "notifications[0]".to_owned(),
            kind: "webhook",
            carrier: Arc::new(move |item: Item| {
                let when = start.elapsed().as_secs_f64();
                tries.lock().unwrap().push((name(&item), when));
                let answer = answers.lock().unwrap().pop().unwrap_or(Carried::Delivered);
                async move {
                    sleep(takes).await;
                    answer
                }
                .boxed()
            }),
            patience,
            clock: Arc::new(SimulatedClock::starting_at(Timestamp::UNIX_EPOCH, 7)),
            tally: Arc::new(move |_, outcome| outcomes.lock().unwrap().push(outcome)),
        };
        (stage, Lane::start(worker))
    }

    fn names(&self) -> String {
        self.tries.lock().unwrap().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Seconds between tries.
    fn waits(&self) -> Vec<f64> {
        self.tries.lock().unwrap().windows(2).map(|two| two[1].1 - two[0].1).collect()
    }

    fn outcomes(&self) -> Vec<Became> {
        self.outcomes.lock().unwrap().clone()
    }
}

fn name(item: &Item) -> String {
    item.news.environment().to_owned()
}

fn item(name: &str) -> Item {
    let report = EnvironmentReport::new(name, SyncResult::Error);
    let ended = Ended { events: vec![NotificationEvent::Error], previous: None, report, time: Timestamp::UNIX_EPOCH };
    let until = Instant::now() + Patience::default().good_for;
    Item { news: Arc::new(News::Ended(Box::new(ended))), events: vec![NotificationEvent::Error], until }
}

fn again(asked: Option<u64>) -> Carried {
    Carried::Again { asked: asked.map(Duration::from_secs), reason: "no".to_owned() }
}

const LONG: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_is_tried_ever_more_seldom_and_a_message_does_not_grow_old() {
    let (stage, lane) = Stage::open(&vec![again(None); 100], Duration::ZERO, Patience::default());
    lane.put(item("a"));
    sleep(LONG).await;
    let waits = stage.waits();
    for (wait, about) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]) {
        assert!((about * 0.79..about * 1.21).contains(wait), "{waits:?}");
    }
    assert!(waits.iter().sum::<f64>() <= 900.0 && waits.len() > 15, "{waits:?}");
    assert_eq!(stage.outcomes(), [Became::Failed]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_limits_is_waited_for_as_it_says_up_to_a_bound() {
    let (stage, lane) = Stage::open(&[again(Some(7)), again(Some(86_400))], Duration::ZERO, Patience::default());
    lane.put(item("a"));
    sleep(LONG).await;
    let waits = stage.waits();
    assert!((waits[0] - 7.0).abs() < 0.1 && (waits[1] - 600.0).abs() < 0.1, "{waits:?}");
    assert_eq!(stage.outcomes(), [Became::Sent]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again_and_the_next_message_goes_on() {
    let (stage, lane) = Stage::open(&[Carried::Refused("no".to_owned())], Duration::ZERO, Patience::default());
    lane.put(item("a"));
    lane.put(item("b"));
    sleep(LONG).await;
    assert_eq!((stage.names().as_str(), stage.outcomes()), ("a b", vec![Became::Failed, Became::Sent]));
}

#[tokio::test(start_paused = true)]
async fn where_too_many_wait_the_oldest_goes_and_nobody_waits_for_the_queue() {
    let patience = Patience { items_max: 2, ..Patience::default() };
    let (stage, lane) = Stage::open(&[], SECOND, patience);
    lane.put(item("a"));
    sleep(SECOND / 2).await;
    ["b", "c", "d"].iter().for_each(|name| lane.put(item(name)));
    assert_eq!(stage.outcomes(), [Became::Dropped]);
    sleep(LONG).await;
    assert_eq!(stage.names(), "a c d");
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_what_is_still_to_be_delivered_and_no_longer() {
    let patience = Patience::default();
    let (stage, lane) = Stage::open(&[], SECOND, patience.clone());
    ["a", "b"].iter().for_each(|name| lane.put(item(name)));
    lane.close(patience.at_the_end).await;
    assert_eq!((stage.names().as_str(), stage.start.elapsed()), ("a b", 2 * SECOND));
    assert_eq!(stage.outcomes(), [Became::Sent, Became::Sent]);

    let (stage, lane) = Stage::open(&[], LONG, patience.clone());
    ["a", "b", "c"].iter().for_each(|name| lane.put(item(name)));
    sleep(SECOND).await;
    lane.close(patience.at_the_end).await;
    assert_eq!((stage.names().as_str(), stage.start.elapsed()), ("a", SECOND + patience.at_the_end));
    assert_eq!(stage.outcomes(), [Became::Dropped; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_gets_one_more_try_at_the_end() {
    let patience = Patience::default();
    let (stage, lane) = Stage::open(&vec![again(Some(300)); 9], Duration::ZERO, patience.clone());
    lane.put(item("a"));
    sleep(SECOND).await;
    lane.close(patience.at_the_end).await;
    assert_eq!((stage.names().as_str(), stage.outcomes()), ("a a", vec![Became::Failed]));
    assert_eq!(stage.start.elapsed(), SECOND, "nobody waits for what is asked for then");
}
