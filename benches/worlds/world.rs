//! A tenant, a repository and a configuration, of a given size.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flowsync::tenant::sandbox::{Behaviour, Running, Sandbox, Settings};
use git2::{FileMode, Repository, Signature};

pub(crate) const KEY: &str = "sandbox-key";

pub(crate) struct World {
    pub folder: tempfile::TempDir,
    pub tenant: Running,
}

/// A flow of about 5 KB that needs the given others.
pub(crate) fn flow(index: usize, revision: usize, needs: &[usize]) -> String {
    let mut nodes = String::from(r#"{"id":"start","type":"start","configuration":{}}"#);
    let mut edges = String::new();
    let mut from = "start".to_owned();
    for step in 0..16 {
        let id = format!("say{step}");
        write!(
            nodes,
            r#",{{"id":"{id}","type":"action","configuration":{{"text":"Thank you for calling, this is step {step} of flow {index}; please tell us how we may help you today.","timeoutMs":{},"confidence":0.{step}5,"retry":true}}}}"#,
            1000 + step * 250
        )
        .unwrap();
        write!(edges, r#"{}{{"from":"{from}","to":"{id}","condition":null}}"#, if step == 0 { "" } else { "," })
            .unwrap();
        from = id;
    }
    nodes.push_str(r#",{"id":"end","type":"end","configuration":{}}"#);
    write!(edges, r#",{{"from":"{from}","to":"end","condition":"input.done == true"}}"#).unwrap();
    let references: Vec<String> = needs
        .iter()
        .map(|other| format!(r#"{{"type":"flow","id":"flow_{other:06}","environmentId":"env_prod"}}"#))
        .collect();
    format!(
        r#"{{"id":"flow_{index:06}","name":"Flow {index}","version":"1.{revision}.0","description":"{}","nodes":[{nodes}],"edges":[{edges}],"externalReferences":[{}]}}"#,
        "Grüße und Hinweise für Anrufer. ".repeat(18),
        references.join(",")
    )
}

impl World {
    /// Starts a tenant that holds `live` and makes a repository that holds `held`.
    pub(crate) async fn new(live: &[String], held: &[String], concurrency: usize, interval: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tenant = Sandbox::start(Settings::default(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let state = tenant.state();
        live.iter().for_each(|flow| state.put_flow("env_prod", flow).unwrap());
        repository(&folder.path().join("flows.git"), held, 1000);
        let world = Self { folder, tenant };
        world.configure("flows.git", concurrency, interval);
        world
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, url: &str, concurrency: usize, interval: &str) {
        let config = format!(
            "version: 1\nrepository: {{ url: \"{url}\", branch: main }}\nenvironments:\n  production:\n    tenant:\n      url: {}\n      environmentId: env_prod\n      auth: {{ apiKey: {{ env: SANDBOX_KEY }} }}\n    sync: {{ concurrency: {concurrency}, interval: {interval} }}\n",
            self.tenant.base_url()
        );
        std::fs::write(self.folder.path().join("flowsync.yaml"), config).unwrap();
    }

    /// Somebody's commit of some flows, by their index.
    pub(crate) fn commit(&self, flows: &[(usize, String)]) {
        let repository = Repository::open_bare(self.folder.path().join("flows.git")).unwrap();
        let parent = repository.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (index, flow) in flows {
            let blob = repository.blob(flow.as_bytes()).unwrap();
            let (folder, name) = (index / 1000, index % 1000);
            update.upsert(format!("flows/{folder:03}/{name:04}.json"), blob, FileMode::Blob);
        }
        let tree = update.create_updated(&repository, &parent.tree().unwrap()).unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let author = Signature::now("bench", "bench@example.com").unwrap();
        repository.commit(Some("refs/heads/main"), &author, &author, "flows", &tree, &[&parent]).unwrap();
    }

    /// The only clone in the cache.
    pub(crate) fn clone_dir(&self) -> std::path::PathBuf {
        let clones = std::fs::read_dir(self.folder.path().join("cache/flowsync/clones")).unwrap();
        let mut folders = clones.map(|entry| entry.unwrap().path()).filter(|path| path.join("objects").is_dir());
        folders.next().unwrap()
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        self.tenant.state().change(change);
    }

    pub(crate) fn latency(&self, latency: Duration) {
        self.behave(|behaviour| behaviour.latency = latency);
    }

    /// The real binary in this world.
    pub(crate) fn flowsync(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(words)
            .arg("--quiet")
            .current_dir(self.folder.path())
            .env("SANDBOX_KEY", KEY)
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("FLOWSYNC_STATE_DIR", self.folder.path().join("state"));
        command
    }
}

/// This build's binary, or another one to compare with: `WORLDS_BINARY`.
pub(crate) fn binary() -> String {
    std::env::var("WORLDS_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_flowsync").to_owned())
}

/// A bare repository whose `main` holds these flows, so many in each of the folders `flows/000`, `flows/001`, …
pub(crate) fn repository(path: &Path, flows: &[String], n_in_folder: usize) {
    let repository =
        Repository::init_opts(path, git2::RepositoryInitOptions::new().bare(true).initial_head("main")).unwrap();
    let odb = repository.odb().unwrap();
    let packer = odb.add_new_mempack_backend(1000).unwrap();
    let mut folders = repository.treebuilder(None).unwrap();
    for (number, share) in flows.chunks(n_in_folder).enumerate() {
        let mut folder = repository.treebuilder(None).unwrap();
        for (index, flow) in share.iter().enumerate() {
            let blob = odb.write(git2::ObjectType::Blob, flow.as_bytes()).unwrap();
            folder.insert(format!("{index:04}.json"), blob, FileMode::Blob.into()).unwrap();
        }
        folders.insert(format!("{number:03}"), folder.write().unwrap(), FileMode::Tree.into()).unwrap();
    }
    let flows = folders.write().unwrap();
    let mut root = repository.treebuilder(None).unwrap();
    root.insert("flows", flows, FileMode::Tree.into()).unwrap();
    let tree = repository.find_tree(root.write().unwrap()).unwrap();
    let author = Signature::now("bench", "bench@example.com").unwrap();
    let commit = repository.commit(None, &author, &author, "flows", &tree, &[]).unwrap();
    let mut pack = git2::Buf::new();
    packer.dump(&repository, &mut pack).unwrap();
    let mut writer = odb.packwriter().unwrap();
    std::io::Write::write_all(&mut writer, &pack).unwrap();
    writer.commit().unwrap();
    packer.reset().unwrap();
    repository.reference("refs/heads/main", commit, true, "bench").unwrap();
}
