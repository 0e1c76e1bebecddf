//! `flowsync demo --api cognigy-rest`: what it tells is what it has seen.

use crate::support::Place;

#[test]
fn the_demo_of_the_vendors_own_api_sees_what_it_tells() {
    let place = Place::new(&[]);
    let told = place.run(&["demo", "--api", "cognigy-rest"]).exits(0);
    told.prints(&[
        "create flow_11111111000040008000000000000001 deployed",
        "create flow_22222222000040008000000000000002 deployed",
        "by nodes: ",
        "Of all requests one has written",
        "the code of node `Check slot` has an error",
        "update flow_11111111000040008000000000000001 rolled back",
        "by package: ",
        "say \"Double\"",
        "every seal and link holds",
        "That was all.",
    ]);
}
