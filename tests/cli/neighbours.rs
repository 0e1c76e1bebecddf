//! Environments of one tenant that deploy at the same time: what one does must not look like a fault to another.

use flowsync::tenant::sandbox::{Behaviour, Settings};

use crate::support::Place;
use crate::tenant::Tenant;

const N: usize = 20;
const FLOWS: [&str; 7] = ["a 1.0.0", "b 1.0.0", "c 1.0.0", "d 1.0.0", "e 1.0.0", "f 1.0.0", "g 1.0.0"];

/// Twenty environments of a tenant whose lists hold all of them, in small pages.
fn crowd() -> Place {
    let mut place = Place::new(&[]);
    let environments = (0..N).map(|n| format!("env_{n:02}")).collect();
    let behaviour = Behaviour { ignore_environment: true, page_limit: 10, ..Behaviour::default() };
    place.tenant = Tenant::started_with(Settings { environments, behaviour, ..Settings::default() });
    let yaml: String =
        (0..N).map(|n| place.environment_yaml(&format!("e{n:02}"), &format!("env_{n:02}"), "")).collect();
    place.configure(&place.repository_yaml(""), &yaml.replace("verifyTimeout: 1s", "verifyTimeout: 60s"));
    place.commit(&FLOWS);
    place
}

#[test]
fn twenty_environments_of_one_list_deploy_at_once_and_none_is_rolled_back() {
    let place = crowd();
    let ended = place.sync_with(&[]).exits(0);
    let results = ended.json()["environments"].as_array().unwrap().clone();
    assert!(results.len() == N && results.iter().all(|environment| environment["result"] == "deployed"));
    for n in 0..N {
        assert_eq!(place.tenant.live_in(&format!("env_{n:02}")).split(", ").count(), FLOWS.len());
    }
    assert_eq!(place.tenant.state.requests().by_call["token"], 1, "they sign in once");
    place.sync_with(&[]).exits(0);
}
