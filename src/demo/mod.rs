//! `flowsync demo`: everything once, in a temporary folder, with this very binary against the sandbox.
//!
//! Every step runs a real command as a user would, shows what it prints, and checks its exit code: a
//! demo that ends with 0 has seen what it tells.

mod example;
mod repository;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tenant::sandbox::{FaultPlan, Running, Sandbox, Seed, Settings};
use repository::People;

type AnyError = Box<dyn Error + Send + Sync>;

const ENVIRONMENT: &str = "env_prod";
const PROPOSAL: &str = "approve/farewell";
const MENU: &str = "flows/production/core/main-menu.json";
const PAYMENT: &str = "flows/production/billing/payment.json";
const FEEDBACK: &str = "flows/production/core/feedback.json";
const FAREWELL: &str = "flows/production/core/farewell.json";

struct Demo {
    folder: PathBuf,
    people: People,
    tenant: Running,
    color: bool,
}

/// Shows everything; the result is the exit code.
pub async fn run(color: bool) -> Result<u8, AnyError> {
    let demo = Demo::set_up(color).await?;
    let shown = demo.show().await;
    demo.tenant.shutdown().await;
    shown?;
    Ok(0)
}

impl Demo {
    async fn set_up(color: bool) -> Result<Self, AnyError> {
        let folder = tempfile::Builder::new().prefix("flowsync-demo-").tempdir()?.keep();
        let seed_path = folder.join("seed.yaml");
        fs::write(&seed_path, example::SEED)?;
        let settings = Settings { seed: Seed::read(&seed_path)?, ..Settings::default() };
        let tenant = Sandbox::start(settings, "127.0.0.1:0".parse()?).await?;
        let people = People::new(&folder.join("flows.git"))?;
        fs::write(folder.join("flowsync.yaml"), configuration(&tenant, "none"))?;
        Ok(Self { folder, people, tenant, color })
    }

    async fn show(&self) -> Result<(), AnyError> {
        self.tell("A tenant stand-in is running and a bare git repository was made; nothing is deployed yet.")?;
        self.first_deployment().await?;
        self.two_changes().await?;
        self.drift().await?;
        self.bad_flow().await?;
        self.failure_half_way().await?;
        self.approval().await?;
        self.records().await?;
        self.tell("That was all. To look around:")?;
        let folder = self.folder.display();
        self.print(&format!(
            "  the repository   git -C {folder}/flows.git log --stat main\n  \
             the manifest     git -C {folder}/flows.git show main:deployments/production/manifest.json\n  \
             the audit trail  git -C {folder}/flows.git ls-tree -r --name-only main deployments/production/audit\n  \
             configuration    {folder}/flowsync.yaml\n"
        ))
    }

    async fn first_deployment(&self) -> Result<(), AnyError> {
        let flows = example::FLOWS.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let commit = self.people.commit("The flows of Nordhaven Insurance", &flows)?;
        self.tell(&format!(
            "1. First deployment. Commit {commit} brings {} flows; two of them refer to each other.",
            example::FLOWS.len()
        ))?;
        self.flowsync(&["sync"], 0).await?;
        self.tell("A second pass finds nothing to do, writes nothing, and commits nothing.")?;
        self.flowsync(&["sync"], 0).await
    }

    async fn two_changes(&self) -> Result<(), AnyError> {
        let commit = self.people.commit("Friendlier menu and payment", &self.revised(&[MENU, PAYMENT])?)?;
        self.tell(&format!("2. Commit {commit} changes two flows. First the plan, as in a pull request:"))?;
        self.flowsync(&["plan"], 0).await?;
        self.flowsync(&["sync"], 0).await
    }

    async fn drift(&self) -> Result<(), AnyError> {
        let live = self.tenant.state().flows(ENVIRONMENT);
        let feedback = live.get("flow_feedback").ok_or("the sandbox lost flow_feedback")?;
        let edited = renamed(&String::from_utf8_lossy(feedback), "edited by hand");
        self.tenant.state().put_flow(ENVIRONMENT, &edited)?;
        self.tell("3. Somebody edits flow_feedback in the tenant, behind git's back. The cause is drift, and it is corrected:")?;
        self.flowsync(&["plan"], 0).await?;
        self.flowsync(&["sync"], 0).await
    }

    async fn bad_flow(&self) -> Result<(), AnyError> {
        let good = self.people.read(FEEDBACK)?;
        let bad = good.replacen("\"to\": \"", "\"to\": \"nowhere-", 1);
        let commit = self.people.commit("A typo", &BTreeMap::from([(FEEDBACK.to_owned(), bad)]))?;
        self.tell(&format!(
            "4. Commit {commit} has an edge that leads nowhere. The whole commit is refused before any write (exit 3):"
        ))?;
        self.flowsync(&["sync"], 3).await?;
        self.people.commit("Revert \"A typo\"", &BTreeMap::from([(FEEDBACK.to_owned(), good)]))?;
        Ok(())
    }

    async fn failure_half_way(&self) -> Result<(), AnyError> {
        let before = self.tenant.state().flows(ENVIRONMENT);
        let paths = [FEEDBACK, PAYMENT, MENU];
        let good = self.texts(&paths)?;
        let commit = self.people.commit("Second revision", &self.revised(&paths)?)?;
        self.tenant.state().set_faults(FaultPlan::parse(
            "- { match: { call: import, flow: flow_mainMenu, nth: 1 }, fault: { status: failed, message: the model could not be trained } }",
        )?);
        self.tell(&format!(
            "5. Commit {commit} changes three flows, and the tenant will fail the last one after it was written. All three are restored (exit 4):"
        ))?;
        self.flowsync(&["sync"], 4).await?;
        if self.tenant.state().flows(ENVIRONMENT) != before {
            return Err("what is live is not what was live before".into());
        }
        self.tell("What is live is what was live before. The commit is in quarantine, so that nobody's loop tries it for ever:")?;
        self.flowsync(&["sync"], 3).await?;
        self.flowsync(&["status"], 0).await?;
        self.people.commit("Revert \"Second revision\"", &good)?;
        Ok(())
    }

    async fn approval(&self) -> Result<(), AnyError> {
        fs::write(self.folder.join("flowsync.yaml"), configuration(&self.tenant, "manifest"))?;
        let before = self.tenant.state().flows(ENVIRONMENT);
        let commit = self.people.commit("Another farewell", &self.revised(&[FAREWELL])?)?;
        self.tell(&format!(
            "6. From now on `sync.approval: manifest` stands in the configuration. Nobody has approved commit {commit}, and it is refused (exit 3):"
        ))?;
        self.flowsync(&["sync"], 3).await?;
        if self.tenant.state().flows(ENVIRONMENT) != before {
            return Err("a change that nobody has approved was written".into());
        }
        self.tell("The plan is proposed as a file on a branch, for people to review:")?;
        self.flowsync(&["plan", "--propose", "--push", PROPOSAL], 0).await?;
        let commit = self.people.merge(PROPOSAL)?;
        self.tell(&format!("They merge it, as commit {commit}. Now exactly this change is deployed, once:"))?;
        self.flowsync(&["sync"], 0).await
    }

    async fn records(&self) -> Result<(), AnyError> {
        self.tell("7. The records. Every deployment, from git:")?;
        self.flowsync(&["history"], 0).await?;
        let manifest = self.people.read("deployments/production/manifest.json")?;
        self.tell("The manifest of the newest one begins:")?;
        let head: Vec<String> = manifest.lines().take(16).map(|line| format!("  {line}\n")).collect();
        self.print(&head.concat())?;
        self.tell("The audit trail is chained by hashes; checked against git's history:")?;
        self.flowsync(&["audit", "verify"], 0).await
    }

    /// The newest text of flows.
    fn texts(&self, paths: &[&str]) -> Result<BTreeMap<String, String>, AnyError> {
        paths.iter().map(|path| Ok(((*path).to_owned(), self.people.read(path)?))).collect()
    }

    /// The same with a higher version and another name.
    fn revised(&self, paths: &[&str]) -> Result<BTreeMap<String, String>, AnyError> {
        let texts = self.texts(paths)?.into_iter();
        Ok(texts.map(|(path, text)| (path, renamed(&raised(&text), "revised"))).collect())
    }

    /// Runs this binary, shows what it says, and holds it to the exit code expected.
    async fn flowsync(&self, words: &[&str], expected: i32) -> Result<(), AnyError> {
        self.print(&format!("{}\n", self.paint("1", &format!("$ flowsync {}", words.join(" ")))))?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(words)
            .current_dir(&self.folder)
            .env("COGNIGY_CLIENT_ID", "sandbox-client")
            .env("COGNIGY_CLIENT_SECRET", "sandbox-secret")
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("FLOWSYNC_STATE_DIR", self.folder.join("state"))
            .env("FLOWSYNC_CONFIG", self.folder.join("flowsync.yaml"))
            .env("GIT_CEILING_DIRECTORIES", parent(&self.folder));
        let status = tokio::task::spawn_blocking(move || command.status()).await??;
        self.print("\n")?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(format!("expected exit code {expected} of `flowsync {}`, found {status}", words.join(" ")).into())
    }

    fn tell(&self, text: &str) -> Result<(), AnyError> {
        self.print(&format!("{}\n", self.paint("1;36", text)))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn print(&self, text: &str) -> Result<(), AnyError> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

fn parent(folder: &Path) -> PathBuf {
    folder.parent().map_or_else(|| folder.to_owned(), Path::to_owned)
}

fn configuration(tenant: &Running, approval: &str) -> String {
    format!(
        "version: 1
repository:
  url: flows.git
  branch: main
  author: {{ name: flowsync, email: flowsync@nordhaven.example }}
environments:
  production:
    tenant:
      url: {url}
      environmentId: {ENVIRONMENT}
      auth:
        oauth2:
          tokenUrl: {token_url}
          clientId: {{ env: COGNIGY_CLIENT_ID }}
          clientSecret: {{ env: COGNIGY_CLIENT_SECRET }}
    flows: flows/production
    sync: {{ verifyTimeout: 5s, approval: {approval} }}
",
        url = tenant.base_url(),
        token_url = tenant.token_url(),
    )
}

/// The first `name` of a flow's text with a note behind it.
fn renamed(text: &str, note: &str) -> String {
    edit(text, "\"name\": \"", |name| format!("{name} ({note})"))
}

/// The first `version` of a flow's text with its last number one higher.
fn raised(text: &str) -> String {
    edit(text, "\"version\": \"", |version| {
        let (front, last) = version.rsplit_once('.').unwrap_or((version, "0"));
        format!("{front}.{}", last.parse::<u64>().unwrap_or(0) + 1)
    })
}

fn edit(text: &str, member: &str, change: impl FnOnce(&str) -> String) -> String {
    let Some((front, rest)) = text.split_once(member) else {
        return text.to_owned();
    };
    let Some((value, back)) = rest.split_once('"') else {
        return text.to_owned();
    };
    format!("{front}{member}{}\"{back}", change(value))
}
