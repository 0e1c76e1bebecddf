//! What it costs to find something to do among much that stays.

use std::process::Command;
use std::time::Duration;

use crate::Row;
use crate::measure::{median, ms, run};
use crate::unchanged::{curl, world};
use crate::world::{World, binary, flow};

const FLOWS: usize = 10_000;
const PAGES: usize = 100;

/// One changed flow among 10,000 of 5 KB, 5 ms a request, against what it cannot do without: two downloads, and the two
/// requests of one flow.
pub(crate) async fn one() -> Vec<Row> {
    let world = world(FLOWS).await;
    let (mut ours, mut theirs, mut processor, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for revision in 1..=7 {
        let downloads = curl(&world, PAGES).wall + curl(&world, PAGES).wall;
        theirs.push(downloads + curl(&world, 1).wall + curl(&world, 1).wall);
        world.commit(&[(revision * 1117 % FLOWS, flow(revision * 1117 % FLOWS, revision, &[]))]);
        let pass = run(&mut world.flowsync(&["sync"]));
        ours.push(pass.wall);
        processor.push(pass.processor);
        peak = peak.max(pass.peak_mib);
    }
    world.tenant.shutdown().await;
    let (ours, theirs) = (median(ours), median(theirs));
    let allowed = theirs * 2 + Duration::from_millis(150);
    vec![Row {
        what: "one changed flow among 10,000, `sync` from start to exit".into(),
        against: format!("curl, the 100 pages twice and two requests: {}", ms(theirs)),
        reach: format!("2 x + 150 ms = {}", ms(allowed)),
        measured: format!("{} (processor {}, {peak:.0} MiB)", ms(ours), ms(median(processor))),
        is_reached: ours <= allowed,
    }]
}

/// 10,000 live and equal flows, nothing in the cache: where there is a manifest, and where there is none.
pub(crate) async fn first() -> Vec<Row> {
    let flows: Vec<String> = (0..FLOWS).map(|index| flow(index, 0, &[])).collect();
    let files = tempfile::tempdir().unwrap();
    for (index, flow) in flows.iter().enumerate() {
        std::fs::write(files.path().join(format!("{index}.json")), flow).unwrap();
    }
    let validate = || run(Command::new(binary()).arg("validate").arg(files.path())).wall;
    let (mut known, mut new, mut theirs, mut peak) =
        ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()), Vec::new(), 0.0_f64);
    for _ in 0..3 {
        let world = World::new(&flows, &flows, 8, "60s").await;
        world.latency(Duration::from_millis(5));
        for times in [&mut new, &mut known] {
            theirs.push(curl(&world, PAGES).wall + validate());
            let pass = run(&mut world.flowsync(&["sync"]));
            times.0.push(pass.wall);
            times.1.push(pass.processor);
            peak = peak.max(pass.peak_mib);
            std::fs::remove_dir_all(world.folder.path().join("cache")).unwrap();
        }
        world.tenant.shutdown().await;
    }
    let theirs = median(theirs);
    let row = |what: &str, ours: Duration, processor: Duration| Row {
        what: format!("first pass on a machine without cache, 10,000 live and equal flows, {what}"),
        against: format!("curl of the 100 pages and `validate` of the same files: {}", ms(theirs)),
        reach: format!("2 x = {}", ms(theirs * 2)),
        measured: format!("{} (processor {}, {peak:.0} MiB)", ms(ours), ms(processor)),
        is_reached: ours <= theirs * 2,
    };
    vec![
        row("deployed before", median(known.0), median(known.1)),
        row("never seen before", median(new.0), median(new.1)),
    ]
}
