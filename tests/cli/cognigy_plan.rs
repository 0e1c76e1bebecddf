//! What a plan of the vendor's own API says of the requests that it takes.

use crate::hotel::EMPTY;
use crate::project::{BOOKING, MAIN, Project};

/// A new flow that says something.
fn flow(n: u8) -> String {
    format!(
        r#"{{"format":"cognigy-flow/1","referenceId":"1111111{n}-0000-4000-8000-000000000000","name":"F{n}","locale":"en-US","chart":[
        {{"type":"start","ref":"a0000000-0000-4000-8000-000000000000"}},
        {{"type":"say","ref":"a0000000-0000-4000-8000-000000000001","config":{{"say":{{"type":"text","text":["x"],"data":"","linear":false,"loop":false}}}}}},
        {{"type":"end","ref":"a0000000-0000-4000-8000-000000000002"}}]}}"#
    )
}

#[test]
fn a_plan_that_takes_longer_than_a_deployment_may_is_refused_before_anything_is_written() {
    let project = Project::of("requestsPer5Minutes: 50", "deployTimeout: 4m", EMPTY, |_| {});
    let place = &project.place;
    for n in 0..5 {
        place.write(&format!("flows/f{n}/flow.json"), &flow(n));
    }
    place.push("more than a window has room for");
    let said = ["requests or more, of 50 in 5 minutes: 5m at least, and `sync.deployTimeout` is 4m"];
    place.sync_with(&[]).exits(3).says(&said);
    assert_eq!(project.state.n_writes(), 0);
    place.run(&["plan"]).exits(3).prints(&["it waits 5 minutes or more"]).says(&said);
}

#[test]
fn a_plan_counts_the_nodes_that_it_touches() {
    let project = Project::adopted("");
    project.edit(BOOKING, "When would you like to come?", "When?");
    project.edit(MAIN, "\"name\": \"Main\"", "\"name\": \"Entry\"");
    let plan = project.place.run_in_work(&["plan"]).exits(0);
    plan.prints(&["by nodes: ~1 node \u{b7} about", "by nodes: fields \u{b7} about"]);
}
