//! `api: cognigy-rest`: the packages that hold flows as they were before a deployment, and whose they are.

use serde_json::Value;

use super::cognigy_sandbox::{HOTEL, MAIN, Place, restructured};
use flowsync::tenant::{Imported, Tenant as _};

const FIRST: &str = "20260921T141359Z-18c608ec";
const SECOND: &str = "20260921T141523Z-842d83c6";

fn chart(text: &str) -> Value {
    let flow: Value = serde_json::from_str(text).unwrap();
    flow["chart"].clone()
}

impl Place {
    /// A replacement that fails twice, so that what was there before is merged back; what is live then.
    async fn fails_to_replace(&self, text: &str) -> Value {
        self.live(MAIN).await.unwrap();
        self.faults("- { match: { call: mergePackage, to: 2 }, fault: { task: the disk is full } }");
        self.import(MAIN, text).await.unwrap_err();
        self.faults("");
        chart(&self.live(MAIN).await.unwrap())
    }

    async fn kept_before(&self, deployment: &str) -> usize {
        self.leftovers().await.iter().filter(|name| name.contains(deployment)).count()
    }
}

#[tokio::test]
async fn what_an_earlier_deployment_kept_is_not_what_was_there_before_this_one() {
    let place = Place::of(HOTEL).await;
    let oldest = place.live(MAIN).await.unwrap();
    let newer = restructured(&oldest);
    place.client.note_deployment(FIRST);
    place.import(MAIN, &newer).await.unwrap();
    // Its package could not be taken away.
    place.client.note_deployment(SECOND);
    assert_eq!(place.fails_to_replace(&oldest).await, chart(&newer));
    assert_eq!((place.kept_before(FIRST).await, place.kept_before(SECOND).await), (1, 1));
    // Whoever goes on with a deployment finds what it had kept.
    place.client.note_deployment(FIRST);
    assert_eq!(place.fails_to_replace(&oldest).await, chart(&oldest));
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_flow_is_kept_anew_before_it_is_deleted() {
    let place = Place::of(HOTEL).await;
    let oldest = place.live(MAIN).await.unwrap();
    place.client.note_deployment(FIRST);
    place.import(MAIN, &restructured(&oldest)).await.unwrap();
    place.client.note_deployment(SECOND);
    place.live(MAIN).await.unwrap();
    place.delete(MAIN).await.unwrap();
    assert_eq!(place.kept_before(SECOND).await, 1);
    assert_eq!(place.import(MAIN, &oldest).await.unwrap(), Imported::Created);
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_taken_away_goes_later_one_and_all() {
    let place = Place::of(HOTEL).await;
    let before = place.live(MAIN).await.unwrap();
    place.faults("- { match: { call: deletePackage }, fault: { answer: { status: 400 } } }");
    place.import(MAIN, &restructured(&before)).await.unwrap();
    let n_left = place.leftovers().await.len();
    assert!(n_left >= 2, "{n_left}");
    place.client.tidy(&place.environment, &super::server::ample()).await.unwrap_err();
    assert_eq!(place.leftovers().await.len(), n_left);
    place.faults("");
    place.tidy().await;
    assert_eq!(place.leftovers().await, [""; 0]);
}
