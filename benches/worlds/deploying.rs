//! How close a deployment comes to what dependencies and the tenant's rate force it to.

use std::time::Duration;

use flowsync::tenant::sandbox::Rate;

use crate::Row;
use crate::measure::{ms, run};
use crate::world::{World, flow};

const FLOWS: usize = 400;
const LAYERS: usize = 8;
const LATENCY: Duration = Duration::from_millis(20);
const CONCURRENCY: usize = 32;

/// 400 changed flows, 8 layers deep, 20 ms a request, 32 at once.
pub(crate) async fn layers() -> Vec<Row> {
    let width = FLOWS / LAYERS;
    let needs = |index: usize| if index < width { vec![] } else { vec![index - width] };
    let all = |revision| (0..FLOWS).map(|index| flow(index, revision, &needs(index))).collect::<Vec<_>>();
    let world = World::new(&all(0), &all(1), CONCURRENCY, "60s").await;
    world.latency(LATENCY);
    let sync = run(&mut world.flowsync(&["sync"]));
    let log = world.tenant.state().requests();
    assert_eq!(log.by_call["import"], FLOWS as u64);
    let times = |call: &str| log.requests.iter().filter(|r| r.call == Some(call)).map(|r| r.at_ms).collect::<Vec<_>>();
    // Requests are logged when they are answered; the first import was sent one latency earlier.
    let first = times("import").iter().min().unwrap() - LATENCY.as_millis() as u64;
    let last = *times("status").iter().max().unwrap();
    let bound = (LAYERS as u32 * 2 * LATENCY).max(FLOWS as u32 * 2 * LATENCY / CONCURRENCY as u32);
    let took = Duration::from_millis(last - first);
    let ratio = took.as_secs_f64() / bound.as_secs_f64();
    let allowed = bound + Duration::from_secs(1);
    world.tenant.shutdown().await;
    vec![
        Row {
            what: format!("deploy {FLOWS} changed flows, {LAYERS} layers, 20 ms a request, concurrency {CONCURRENCY}"),
            against: format!("bound {}", ms(bound)),
            reach: "1.25 x".into(),
            measured: format!("{} = {ratio:.2} x", ms(took)),
            is_reached: ratio <= 1.25,
        },
        Row {
            what: "the same, whole pass, process start to exit".into(),
            against: "bound + 1 s".into(),
            reach: format!("below {}", ms(allowed)),
            measured: format!("{} ({:.0} MiB)", ms(sync.wall), sync.peak_mib),
            is_reached: sync.wall < allowed,
        },
    ]
}

/// A tenant that allows 50 requests a second, 10 at once.
pub(crate) async fn limited() -> Row {
    let n_flows = 1_000;
    let all = |revision| (0..n_flows).map(|index| flow(index, revision, &[])).collect::<Vec<_>>();
    let world = World::new(&all(0), &all(1), 8, "60s").await;
    world.behave(|behaviour| behaviour.rate = Some(Rate { per_second: 50.0, burst: 10 }));
    let sync = run(&mut world.flowsync(&["sync"]));
    let log = world.tenant.state().requests();
    let writes = || log.requests.iter().filter(|r| matches!(r.call, Some("import" | "status")));
    let first = writes().map(|r| r.at_ms).min().unwrap();
    let last = writes().map(|r| r.at_ms).max().unwrap();
    let answered = writes().filter(|r| r.status == Some(200) || r.status == Some(201)).count();
    let rate = answered as f64 / ((last - first) as f64 / 1000.0);
    let begin = log.requests.iter().map(|r| r.at_ms).min().unwrap();
    let late = || log.requests.iter().filter(|r| r.at_ms > begin + 1000);
    let refused = late().filter(|r| r.status == Some(429)).count() as f64 / late().count() as f64;
    world.tenant.shutdown().await;
    Row {
        what: format!("tenant limited to 50 requests/s, burst 10; {n_flows} flows in {}", ms(sync.wall)),
        against: "50 requests/s".into(),
        reach: "90 %, under 1 % of answers 429 after the first second".into(),
        measured: format!("{rate:.1}/s = {:.0} %, {:.2} % 429", rate * 2.0, refused * 100.0),
        is_reached: rate >= 45.0 && refused < 0.01,
    }
}
