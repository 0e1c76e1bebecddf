//! The demo of `flows-v2`: the flows of an insurance.

use std::collections::BTreeMap;
use std::fs;

use super::example;
use super::stage::{AnyError, Stage};
use crate::tenant::sandbox::{FaultPlan, Running, Sandbox, Seed, Settings};

const ENVIRONMENT: &str = "env_prod";
const PROPOSAL: &str = "approve/farewell";
const MENU: &str = "flows/production/core/main-menu.json";
const PAYMENT: &str = "flows/production/billing/payment.json";
const FEEDBACK: &str = "flows/production/core/feedback.json";
const FAREWELL: &str = "flows/production/core/farewell.json";

/// What the client of the stand-in is called.
const SECRETS: &[(&str, &str)] =
    &[("COGNIGY_CLIENT_ID", "sandbox-client"), ("COGNIGY_CLIENT_SECRET", "sandbox-secret")];

struct Demo {
    stage: Stage,
    tenant: Running,
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
        let stage = Stage::new(color, SECRETS)?;
        let seed_path = stage.folder.join("seed.yaml");
        fs::write(&seed_path, example::SEED)?;
        let settings = Settings { seed: Seed::read(&seed_path)?, ..Settings::default() };
        let tenant = Sandbox::start(settings, "127.0.0.1:0".parse()?).await?;
        stage.configure(&configuration(&tenant, "none"))?;
        Ok(Self { stage, tenant })
    }

    async fn show(&self) -> Result<(), AnyError> {
        self.stage.tell("A tenant stand-in is running and a bare git repository was made; nothing is deployed yet.")?;
        self.first_deployment().await?;
        self.two_changes().await?;
        self.drift().await?;
        self.bad_flow().await?;
        self.failure_half_way().await?;
        self.approval().await?;
        self.stage.records(7).await
    }

    async fn first_deployment(&self) -> Result<(), AnyError> {
        let flows = example::FLOWS.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let commit = self.stage.people.commit("The flows of Nordhaven Insurance", &flows)?;
        self.stage.tell(&format!(
            "1. First deployment. Commit {commit} brings {} flows; two of them refer to each other.",
            example::FLOWS.len()
        ))?;
        self.stage.flowsync(&["sync"], 0).await?;
        self.stage.tell("A second pass finds nothing to do, writes nothing, and commits nothing.")?;
        self.stage.flowsync(&["sync"], 0).await
    }

    async fn two_changes(&self) -> Result<(), AnyError> {
        let commit = self.stage.people.commit("Friendlier menu and payment", &self.revised(&[MENU, PAYMENT])?)?;
        self.stage.tell(&format!("2. Commit {commit} changes two flows. First the plan, as in a pull request:"))?;
        self.stage.flowsync(&["plan"], 0).await?;
        self.stage.flowsync(&["sync"], 0).await
    }

    async fn drift(&self) -> Result<(), AnyError> {
        let live = self.tenant.state().flows(ENVIRONMENT);
        let feedback = live.get("flow_feedback").ok_or("the sandbox lost flow_feedback")?;
        let edited = renamed(&String::from_utf8_lossy(feedback), "edited by hand");
        self.tenant.state().put_flow(ENVIRONMENT, &edited)?;
        self.stage.tell("3. Somebody edits flow_feedback in the tenant, behind git's back. The cause is drift, and it is corrected:")?;
        self.stage.flowsync(&["plan"], 0).await?;
        self.stage.flowsync(&["sync"], 0).await
    }

    async fn bad_flow(&self) -> Result<(), AnyError> {
        let good = self.stage.people.read(FEEDBACK)?;
        let bad = good.replacen("\"to\": \"", "\"to\": \"nowhere-", 1);
        let commit = self.stage.people.commit("A typo", &BTreeMap::from([(FEEDBACK.to_owned(), bad)]))?;
        self.stage.tell(&format!(
            "4. Commit {commit} has an edge that leads nowhere. The whole commit is refused before any write (exit 3):"
        ))?;
        self.stage.flowsync(&["sync"], 3).await?;
        self.stage.people.commit("Revert \"A typo\"", &BTreeMap::from([(FEEDBACK.to_owned(), good)]))?;
        Ok(())
    }

    async fn failure_half_way(&self) -> Result<(), AnyError> {
        let before = self.tenant.state().flows(ENVIRONMENT);
        let paths = [FEEDBACK, PAYMENT, MENU];
        let good = self.stage.texts(&paths)?;
        let commit = self.stage.people.commit("Second revision", &self.revised(&paths)?)?;
        self.tenant.state().set_faults(FaultPlan::parse(
            "- { match: { call: import, flow: flow_mainMenu, nth: 1 }, fault: { status: failed, message: the model could not be trained } }",
        )?);
        self.stage.tell(&format!(
            "5. Commit {commit} changes three flows, and the tenant will fail the last one after it was written. All three are restored (exit 4):"
        ))?;
        self.stage.flowsync(&["sync"], 4).await?;
        if self.tenant.state().flows(ENVIRONMENT) != before {
            return Err("what is live is not what was live before".into());
        }
        self.stage.tell("What is live is what was live before. The commit is in quarantine, so that nobody's loop tries it for ever:")?;
        self.stage.flowsync(&["sync"], 3).await?;
        self.stage.flowsync(&["status"], 0).await?;
        self.stage.people.commit("Revert \"Second revision\"", &good)?;
        Ok(())
    }

    async fn approval(&self) -> Result<(), AnyError> {
        self.stage.configure(&configuration(&self.tenant, "manifest"))?;
        let before = self.tenant.state().flows(ENVIRONMENT);
        let commit = self.stage.people.commit("Another farewell", &self.revised(&[FAREWELL])?)?;
        self.stage.tell(&format!(
            "6. From now on `sync.approval: manifest` stands in the configuration. Nobody has approved commit {commit}, and it is refused (exit 3):"
        ))?;
        self.stage.flowsync(&["sync"], 3).await?;
        if self.tenant.state().flows(ENVIRONMENT) != before {
            return Err("a change that nobody has approved was written".into());
        }
        self.stage.tell("The plan is proposed as a file on a branch, for people to review:")?;
        self.stage.flowsync(&["plan", "--propose", "--push", PROPOSAL], 0).await?;
        let commit = self.stage.people.merge(PROPOSAL)?;
        self.stage.tell(&format!("They merge it, as commit {commit}. Now exactly this change is deployed, once:"))?;
        self.stage.flowsync(&["sync"], 0).await
    }

    /// The newest texts with a higher version and another name.
    fn revised(&self, paths: &[&str]) -> Result<BTreeMap<String, String>, AnyError> {
        let texts = self.stage.texts(paths)?.into_iter();
        Ok(texts.map(|(path, text)| (path, renamed(&raised(&text), "revised"))).collect())
    }
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
