//! The manifests, rendered as they are applied: by kubectl, or by kustomize itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Parser;
use flowsync::cli::Arguments;
use flowsync::config::Config;
use serde_json::Value;

use super::super::sources::{files, read, root};
use super::{documents, list, run, text, tool};

/// The ways of running, by the components that make them.
const WAYS: [&[&str]; 7] = [
    &["controller"],
    &["controller", "sidecar"],
    &["sharded", "monitoring"],
    &["cronjob"],
    &["controller", "monitoring", "openshift"],
    &["sharded", "openshift"],
    &["cronjob", "openshift"],
];

/// The oldest and the newest Kubernetes that the objects are held to.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// What `kubernetes-validate` has no schema of: objects of operators.
const OF_OPERATORS: &str = "monitoring.coreos.com/";

/// How kustomize is called here; components came with its version 3.7, `kubectl` has had them since 1.21.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn kustomize() -> Option<(PathBuf, &'static str)> {
    if let Some(kubectl) = tool("kubectl") {
        let version = run(&kubectl, &["version", "--client", "-o", "json"], root()).unwrap_or_default();
        if version.contains("kustomizeVersion") {
            return Some((kubectl, "kustomize"));
        }
        eprintln!("skipped: this kubectl knows no components");
    }
    tool("kustomize").map(|program| (program, "build"))
}

/// A copy of `deploy`, whose kustomization takes these components.
fn copy_with(components: &[&str]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files("deploy", &[".yaml", ".json"]) {
        let target = copy.path().join(&file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(root().join(&file), target).unwrap();
    }
    let whole = read("deploy/kubernetes/kustomization.yaml");
    let (head, rest) = whole.split_once("components:\n").unwrap();
    let tail = rest.split_once("\nimages:").unwrap().1;
    let list: String = components.iter().map(|name| format!("  - {}\n", place_of(name))).collect();
    let text = format!("{head}components:\n{list}images:{tail}");
    std::fs::write(copy.path().join("deploy/kubernetes/kustomization.yaml"), text).unwrap();
    copy
}

/// Where a component stands, from the kustomization.
fn place_of(component: &str) -> String {
    if component == "monitoring" { "../monitoring".to_owned() } else { format!("components/{component}") }
}

fn rendered((program, command): &(PathBuf, &'static str), folder: &Path) -> String {
    run(program, &[command, "deploy/kubernetes"], folder).unwrap()
}

/// Each way of running with its objects, by its components.
fn ways() -> Option<Vec<(String, Vec<Value>)>> {
    let kustomize = kustomize()?;
    let way = |components: &&[&str]| {
        (components.join(" and "), documents(&rendered(&kustomize, copy_with(components).path())))
    };
    Some(WAYS.iter().map(way).collect())
}

/// The pods that an object makes.
fn pod(object: &Value) -> Option<&Value> {
    ["/spec/template", "/spec/jobTemplate/spec/template"].iter().find_map(|place| object.pointer(place))
}

/// The container with our binary; there is one in every pod.
#[track_caller]
fn flowsync(pod: &Value) -> &Value {
    list(&pod["spec"], "containers").into_iter().find(|container| text(container, "name") == "flowsync").unwrap()
}

/// Its command line, with what Kubernetes puts in.
fn command_line(container: &Value) -> Vec<String> {
    let arguments = list(container, "args").into_iter().filter_map(Value::as_str);
    std::iter::once("flowsync").chain(arguments).map(|word| word.replace("$(POD_INDEX)", "0")).collect()
}

#[test]
fn what_is_applied_as_it_stands_is_the_controller() {
    let Some(kustomize) = kustomize() else { return };
    let [whole, controller] = [root(), copy_with(&["controller"]).path()].map(|folder| rendered(&kustomize, folder));
    assert_eq!(whole, controller);
    for object in documents(&whole) {
        let namespace = if text(&object, "kind") == "Namespace" {
            &object["metadata"]["name"]
        } else {
            &object["metadata"]["namespace"]
        };
        assert_eq!(namespace, "flowsync", "{object}");
    }
}

#[test]
fn every_component_is_tried_and_offered() {
    let offered = read("deploy/kubernetes/kustomization.yaml");
    for file in files("deploy/kubernetes/components", &["kustomization.yaml"]) {
        let name = file.split('/').nth(3).unwrap();
        assert!(WAYS.iter().any(|way| way.contains(&name)), "`{name}` is not tried");
        assert!(offered.contains(&format!("- components/{name}\n")), "`{name}` is not offered");
    }
}

#[test]
fn every_object_is_as_the_schema_of_kubernetes_says() {
    let (Some(kustomize), Some(validate)) = (kustomize(), tool("kubernetes-validate")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let whole = WAYS.map(|way| rendered(&kustomize, copy_with(way).path())).join("\n---\n");
    let ours: Vec<&str> = whole.split("\n---\n").filter(|object| !object.contains(OF_OPERATORS)).collect();
    let check = |text: &str, version: &str| {
        std::fs::write(folder.path().join("objects.yaml"), text).unwrap();
        run(&validate, &["--strict", "--quiet", "-k", version, "objects.yaml"], folder.path())
    };
    for version in VERSIONS {
        check(&ours.join("\n---\n"), version).unwrap_or_else(|said| panic!("{version}: {said}"));
    }
    let broken = ours.join("\n---\n").replace("readOnlyRootFilesystem", "readOnlyRootFileSystem");
    assert!(check(&broken, VERSIONS[0]).is_err(), "a misspelt key is found");
}

/// Pod Security's `restricted`, and more: nothing to write to but volumes, and no word to the cluster.
#[test]
fn no_pod_is_given_more_than_it_needs() {
    let mut n_pods = 0;
    for (way, objects) in ways().into_iter().flatten() {
        for pod in objects.iter().filter_map(pod) {
            let spec = &pod["spec"];
            assert_eq!(spec["automountServiceAccountToken"], false, "{way}");
            assert_eq!(text(spec, "serviceAccountName"), "flowsync", "{way}");
            assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{way}");
            assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{way}");
            let chosen = spec["securityContext"].get("runAsUser").is_none();
            assert_eq!(chosen, way.contains("openshift"), "{way}: who chooses the uid");
            for key in ["hostNetwork", "hostPID", "hostIPC", "hostUsers", "initContainers"] {
                assert!(spec.get(key).is_none(), "{way}: {key}");
            }
            for container in list(spec, "containers") {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{way}: {container}");
                assert_eq!(context["readOnlyRootFilesystem"], true, "{way}: {container}");
                assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]), "{way}: {container}");
                assert!(container["resources"]["limits"].get("memory").is_some(), "{way}: {container}");
                assert!(container.get("command").is_none(), "{way}: there is no shell");
            }
            assert!(list(spec, "volumes").iter().all(|volume| volume.get("hostPath").is_none()), "{way}");
            n_pods += 1;
        }
    }
    assert!(n_pods >= WAYS.len() || kustomize().is_none());
}

/// What is written to is a volume that outlives the pod where it must, and everything else of ours is only read.
#[test]
fn state_is_kept_and_nothing_else_is_written_to() {
    let image = read("deploy/Dockerfile");
    let variable = |name: &str| {
        let rest = image.split(&format!("{name}=")).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let [state, cache, config] = ["FLOWSYNC_STATE_DIR", "XDG_CACHE_HOME", "FLOWSYNC_CONFIG"].map(variable);
    for (way, objects) in ways().into_iter().flatten() {
        for object in objects.iter().filter(|object| pod(object).is_some()) {
            let pod = pod(object).unwrap();
            let mounts = list(flowsync(pod), "volumeMounts");
            let at = |path: &str| {
                let below = |mount: &&&Value| Path::new(path).starts_with(text(mount, "mountPath"));
                *mounts.iter().find(below).unwrap_or_else(|| panic!("{way}: nothing is mounted for {path}"))
            };
            let written: Vec<&str> =
                mounts.iter().filter(|mount| mount["readOnly"] != true).map(|it| text(it, "name")).collect();
            assert_eq!(written, ["state", "cache"], "{way}");
            assert_eq!([at(&state), at(&cache)].map(|mount| text(mount, "name")), ["state", "cache"], "{way}");
            assert_eq!(text(at(&config), "name"), "configuration", "{way}");
            // A mount belongs to root and cannot be narrowed: what flowsync keeps for itself is a folder below it.
            assert_ne!(text(at(&state), "mountPath"), state, "{way}");
            let volumes =
                list(&pod["spec"], "volumes").into_iter().chain(list(&object["spec"], "volumeClaimTemplates"));
            let kept = |volume: &Value| {
                volume.get("persistentVolumeClaim").or_else(|| volume["spec"].get("accessModes")).is_some()
            };
            let name = |volume: &Value| volume["metadata"]["name"].as_str().unwrap_or(text(volume, "name")).to_owned();
            let kept: Vec<String> = volumes.filter(|volume| kept(volume)).map(name).collect();
            assert_eq!(kept, ["state"], "{way}");
        }
    }
}

#[test]
fn a_pod_is_given_longer_to_end_than_the_grace() {
    for (way, objects) in ways().into_iter().flatten() {
        for pod in objects.iter().filter_map(pod) {
            let words = command_line(flowsync(pod));
            assert!(Arguments::try_parse_from(&words).is_ok(), "{way}: {words:?}");
            let grace = words.iter().skip_while(|word| *word != "--grace").nth(1).unwrap();
            let minutes: u64 = grace.strip_suffix('m').unwrap().parse().unwrap();
            let seconds = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
            assert!(seconds > minutes * 60, "{way}: {seconds} s for a grace of {grace}");
        }
    }
}

#[test]
fn a_process_that_stays_is_asked_how_it_is() {
    for (way, objects) in ways().into_iter().flatten() {
        for pod in objects.iter().filter_map(pod) {
            let container = flowsync(pod);
            let stays = command_line(container)[1] == "run";
            for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
                let asked = container[probe]["httpGet"]["path"].as_str();
                assert_eq!(asked, stays.then_some(path), "{way}: {probe}");
            }
        }
    }
}

/// Labels that Kubernetes itself puts on the pods of a StatefulSet.
const OF_KUBERNETES: &str = "apps.kubernetes.io/pod-index";

#[test]
fn whatever_selects_pods_selects_ours_and_names_their_ports() {
    for (way, objects) in ways().into_iter().flatten() {
        let pods: Vec<&Value> = objects.iter().filter_map(pod).collect();
        let has = |labels: &Value| {
            let wanted: BTreeMap<&str, &str> = labels
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| *key != OF_KUBERNETES)
                .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
                .collect();
            pods.iter().any(|pod| wanted.iter().all(|(key, value)| pod["metadata"]["labels"][*key] == *value))
        };
        for object in &objects {
            let selectors = ["/spec/selector/matchLabels", "/spec/podSelector/matchLabels"];
            let service = (text(object, "kind") == "Service").then(|| &object["spec"]["selector"]);
            for labels in selectors.iter().filter_map(|place| object.pointer(place)).chain(service) {
                assert!(has(labels), "{way}: nothing has {labels}");
            }
            for port in list(&object["spec"], "ports") {
                let name = text(port, "targetPort");
                let named =
                    pods.iter().any(|pod| list(flowsync(pod), "ports").iter().any(|port| text(port, "name") == name));
                assert!(named, "{way}: no port `{name}`");
            }
        }
    }
}

#[test]
fn the_configuration_that_is_mounted_is_one_and_finds_its_secrets() {
    for (way, objects) in ways().into_iter().flatten() {
        let map = objects.iter().find(|object| text(object, "kind") == "ConfigMap").unwrap();
        let written = map["data"]["flowsync.yaml"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flowsync.yaml");
        std::fs::write(&path, written).unwrap();
        let config = Config::load(&path).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert!(config.broken.is_empty(), "{way}: {:?}", config.broken);
        let secrets: Vec<&str> =
            written.split("file: ").skip(1).filter_map(|rest| rest.split([' ', '}']).next()).collect();
        assert!(secrets.len() >= 4, "{way}: {secrets:?}");
        assert!(secrets.iter().all(|file| file.starts_with("/run/secrets/flowsync/")), "{way}: {secrets:?}");
    }
}

/// A number of shards stands in three places.
#[test]
fn there_are_as_many_shards_as_each_is_told_and_each_can_be_reached() {
    for (way, objects) in ways().into_iter().flatten() {
        for set in objects.iter().filter(|object| text(object, "kind") == "StatefulSet") {
            let n_shards = set["spec"]["replicas"].as_u64().unwrap();
            let container = flowsync(pod(set).unwrap());
            let told: Vec<&str> = list(container, "args").into_iter().filter_map(Value::as_str).collect();
            let shard = told.iter().skip_while(|word| **word != "--shard").nth(1).unwrap();
            assert_eq!(*shard, format!("$(POD_INDEX)/{n_shards}"), "{way}");
            let index =
                list(container, "env").into_iter().find(|variable| text(variable, "name") == "POD_INDEX").unwrap();
            let label = index["valueFrom"]["fieldRef"]["fieldPath"].as_str().unwrap();
            assert_eq!(label, format!("metadata.labels['{OF_KUBERNETES}']"), "{way}");
            let one = |object: &&Value| object["spec"]["selector"].get(OF_KUBERNETES).is_some();
            let reached: Vec<&str> =
                objects.iter().filter(one).map(|it| text(&it["spec"]["selector"], OF_KUBERNETES)).collect();
            assert_eq!(reached, (0..n_shards).map(|at| at.to_string()).collect::<Vec<_>>(), "{way}");
            let named = objects.iter().any(|object| object["metadata"]["name"] == set["spec"]["serviceName"]);
            assert!(named, "{way}: no service has the name of the set");
        }
    }
}

#[test]
fn git_sync_flips_the_link_that_is_watched() {
    let base = read("deploy/kubernetes/base/configuration.yaml");
    let beside = read("deploy/kubernetes/components/sidecar/configuration.yaml");
    let setting = |text: &str| documents(text)[0]["data"]["flowsync.yaml"].as_str().unwrap().to_owned();
    let added: Vec<String> =
        setting(&beside).lines().filter(|line| !setting(&base).contains(line)).map(str::to_owned).collect();
    let patch = &documents(&read("deploy/kubernetes/components/sidecar/git-sync.yaml"))[0];
    let container = list(&patch["spec"]["template"]["spec"], "containers")[1];
    let value = |name: &str| {
        let variable = list(container, "env").into_iter().find(|variable| text(variable, "name") == name).unwrap();
        text(variable, "value").to_owned()
    };
    let link = format!("{}/{}", value("GITSYNC_ROOT"), value("GITSYNC_LINK"));
    assert_eq!(added, ["  # Where git-sync flips its link.".to_owned(), format!("  watch: {link}")]);
    assert!(setting(&base).contains(&format!("url: {}", value("GITSYNC_REPO"))));
}
