use super::*;

fn flow(id: &str, version: &str, needs: &[&str]) -> String {
    let references: Vec<String> = needs
        .iter()
        .map(|need| {
            let (kind, id) = need.split_once(':').unwrap_or(("flow", need));
            format!(r#"{{"type":"{kind}","id":"{id}","environmentId":"env"}}"#)
        })
        .collect();
    let references = references.join(",");
    format!(
        r#"{{"id":"{id}","name":"N","version":"{version}","weight":1.50,"nodes":[{{"id":"s","type":"start"}}],"edges":[],"externalReferences":[{references}]}}"#
    )
}

fn world() -> World {
    let mut world = World::default();
    world.add_environment("env");
    world.add_environment("other");
    world.add_thing("env", ReferenceKind::Intent, "hello", "Hello");
    world
}

fn import(world: &mut World, text: &str) -> Result<Outcome, Refusal> {
    world.import("env", text, &Keep::Truly, Instant::now()).map(|(outcome, _)| outcome)
}

fn ids(world: &mut World, view: View) -> Vec<String> {
    let pick = Pick { collection: Collection::Flows, environment: Some("env"), offset: 0, limit: 100 };
    let page: Value = serde_json::from_slice(&world.page(pick, view).unwrap().to_json()).unwrap();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_export_gives_back_the_bytes_that_were_imported() {
    let mut world = world();
    let text = flow("flow_a", "1.0.0", &[]);
    assert_eq!(import(&mut world, &text), Ok(Outcome::Created));
    let item = world.flow("env", "flow_a").unwrap().current.text().to_owned();
    assert_eq!(item, text.replacen('{', r#"{"environmentId":"env","#, 1));
    assert_eq!(import(&mut world, &text), Ok(Outcome::Updated));
    assert!(world.flow("env", "flow_a").unwrap().history.is_empty(), "nothing changed, nothing to go back to");
}

#[test]
fn what_a_flow_refers_to_must_be_there_first() {
    let mut world = world();
    let first = import(&mut world, &flow("flow_a", "1.0.0", &["flow_b", "intent:hello", "entity:city"]));
    let Err(Refusal::Invalid(violations)) = first else { panic!("expected a refusal, found {first:?}") };
    let paths: Vec<&str> = violations.iter().map(|violation| violation.path.as_str()).collect();
    assert_eq!(paths, ["/externalReferences/0", "/externalReferences/2"]);
    world.add_thing("env", ReferenceKind::Entity, "city", "City");
    import(&mut world, &flow("flow_b", "1.0.0", &["flow_b"])).unwrap();
    import(&mut world, &flow("flow_a", "1.0.0", &["flow_b", "intent:hello", "entity:city"])).unwrap();
}

#[test]
fn a_rollback_takes_the_newest_earlier_definition_with_that_version() {
    let mut world = world();
    for (version, need) in [("1.0.0", None), ("1.0.0", Some("intent:hello")), ("2.0.0", None)] {
        import(&mut world, &flow("flow_a", version, need.as_slice())).unwrap();
    }
    let now = Instant::now();
    let restored = world.rollback("env", "flow_a", "1.0.0", &Keep::Truly, now).unwrap();
    assert_eq!(restored.references.len(), 1);
    assert_eq!(world.flow("env", "flow_a").unwrap().current, restored);
    assert_eq!(world.rollback("env", "flow_a", "2.0.0", &Keep::Truly, now).unwrap().version, "2.0.0");
    assert!(matches!(world.rollback("env", "flow_a", "9.0.0", &Keep::Truly, now), Err(Refusal::NoVersion { .. })));
    assert!(matches!(world.rollback("env", "flow_b", "1.0.0", &Keep::Truly, now), Err(Refusal::NoFlow { .. })));
}

#[test]
fn the_history_is_bounded() {
    let mut world = world();
    for minor in 0..=HISTORY_MAX + 1 {
        import(&mut world, &flow("flow_a", &format!("1.{minor}.0"), &[])).unwrap();
    }
    let history = &world.flow("env", "flow_a").unwrap().history;
    assert_eq!(history.len(), HISTORY_MAX);
    assert_eq!(history[0].version, "1.1.0");
}

#[test]
fn a_flow_that_another_refers_to_is_kept_unless_the_tenant_is_lax() {
    let mut world = world();
    import(&mut world, &flow("flow_b", "1.0.0", &["flow_b"])).unwrap();
    import(&mut world, &flow("flow_a", "1.0.0", &["flow_b"])).unwrap();
    assert!(matches!(world.delete("env", "flow_b", true, &Keep::Truly), Err(Refusal::Needed { .. })));
    world.delete("env", "flow_b", false, &Keep::Truly).unwrap();
    assert!(matches!(world.delete("env", "flow_b", true, &Keep::Truly), Err(Refusal::NoFlow { .. })));
    world.delete("env", "flow_a", true, &Keep::Truly).unwrap();
}

#[test]
fn a_deployment_passes_through_its_stages() {
    let mut world = world();
    let start = Instant::now();
    world.import("env", &flow("flow_a", "1.0.0", &[]), &Keep::Truly, start).unwrap();
    let delay = Duration::from_secs(4);
    for (second, expected) in [(0, "importing"), (1, "importing"), (2, "deploying"), (4, "deployed")] {
        let now = start + Duration::from_secs(second);
        assert_eq!(world.status("env", "flow_a", delay, now).unwrap().status, expected);
    }
    assert_eq!(world.status("env", "flow_a", Duration::ZERO, start).unwrap().status, "deployed");
}

#[test]
fn what_is_kept_may_differ_from_what_was_sent() {
    let mut world = world();
    let (text, now) = (flow("flow_a", "1.0.0", &[]), Instant::now());
    world.import("env", &text, &Keep::Not, now).unwrap();
    assert!(world.flow("env", "flow_a").is_err());
    world.import("env", &text, &Keep::Changed, now).unwrap();
    assert_eq!(world.flow("env", "flow_a").unwrap().current.name, "N (changed by the sandbox)");
    let odd = text.replacen('{', r#"{"delay":1.0,"half":0.5,"gone":null,"#, 1);
    world.import("env", &odd, &Keep::Normalised, now).unwrap();
    let kept: Value = serde_json::from_str(world.flow("env", "flow_a").unwrap().current.text()).unwrap();
    assert_eq!((&kept["delay"], &kept["half"], kept.get("gone")), (&1.into(), &0.5.into(), None));
    world.import("env", &flow("flow_b", "1.0.0", &[]), &Keep::AndNeighbour, now).unwrap();
    assert_eq!(world.flow("env", "flow_b").unwrap().current.name, "N");
    assert_eq!(world.flow("env", "flow_a").unwrap().current.name, "N (changed by the sandbox)");
    let verdict = ShownStatus { status: "failed".to_owned(), message: Some("no".to_owned()) };
    world.import("env", &text, &Keep::AndSay(verdict.clone()), now).unwrap();
    assert_eq!(world.status("env", "flow_a", Duration::ZERO, now).unwrap(), verdict);
    world.import("env", &text, &Keep::Truly, now).unwrap();
    assert_eq!(world.status("env", "flow_a", Duration::ZERO, now).unwrap().status, "deployed");
}

#[test]
fn pages_follow_environment_and_id_and_may_lag_or_fall_short() {
    let mut world = world();
    for id in ["flow_c", "flow_a", "flow_b"] {
        import(&mut world, &flow(id, "1.0.0", &[])).unwrap();
    }
    world.import("other", &flow("flow_a", "1.0.0", &[]), &Keep::Truly, Instant::now()).unwrap();
    let pick = Pick { collection: Collection::Flows, environment: None, offset: 2, limit: 2 };
    let page = world.page(pick, View::Now).unwrap();
    assert_eq!((page.items.len(), page.total), (2, 4));
    assert!(page.items[1].starts_with(br#"{"environmentId":"other""#));
    assert_eq!(ids(&mut world, View::Short), ["flow_a", "flow_b"]);
    world.delete("env", "flow_b", true, &Keep::Truly).unwrap();
    assert_eq!(ids(&mut world, View::Now), ["flow_a", "flow_c"]);
    assert_eq!(ids(&mut world, View::Stale), ["flow_a", "flow_b", "flow_c"]);
    assert!(world.page(Pick { environment: Some("nowhere"), ..pick }, View::Now).is_err());
}
