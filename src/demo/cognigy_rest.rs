//! The demo of the vendor's own API: the flows of a hotel, as folders, in a project that is empty at first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::example;
use super::stage::{AnyError, Stage};
use crate::tenant::sandbox::cognigy_rest::settings::Settings;
use crate::tenant::sandbox::cognigy_rest::{CognigySandbox, Handle, Running, Seed};

const PROJECT: &str = "64c0ffee0000000000000001";
const MAIN: &str = "flows/main/flow.json";
const BOOKING: &str = "flows/booking/flow.json";
const CODE: &str = "flows/booking/code/check-slot-2b000000.js";

/// An empty project in the locales of the flows.
const SEED: &str = "projects: [{ name: Hotel, id: 64c0ffee0000000000000001, locales: [en-US, de-DE] }]";

/// How long the stand-in takes for an export, an upload or a merge.
const TASK_TIME: Duration = Duration::from_millis(50);

const WELCOME: &str = "Hello, this is the front desk. How can I help you?";

/// The branch for a double room, in which nothing happens, and with an answer in it.
const NO_ANSWER: &str = r#""value": "double"
            }
          },
          "body": []"#;
const ANSWER: &str = r#""value": "double"
            }
          },
          "body": [
            {
              "type": "say",
              "ref": "2e000001-0000-4000-8000-000000000000",
              "label": "Double",
              "config": {
                "say": {
                  "data": "",
                  "linear": false,
                  "loop": false,
                  "text": [
                    "A double room is free."
                  ],
                  "type": "text"
                }
              }
            }
          ]"#;

/// What the key of the stand-in is called.
const SECRETS: &[(&str, &str)] = &[("COGNIGY_API_KEY", "sandbox-key")];

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
        let mut settings = Settings { seed: Seed::parse(SEED)?, ..Settings::default() };
        settings.behaviour.task_time = TASK_TIME;
        let tenant = CognigySandbox::start(settings, "127.0.0.1:0".parse()?).await?;
        stage.configure(&configuration(&tenant))?;
        Ok(Self { stage, tenant })
    }

    fn state(&self) -> Handle {
        self.tenant.state()
    }

    async fn show(&self) -> Result<(), AnyError> {
        self.stage.tell(
            "A stand-in for the vendor's own API is running with an empty project, and a bare git repository was made. It takes half a minute: the vendor is asked once a second how far it is.",
        )?;
        self.first_deployment().await?;
        self.a_text().await?;
        self.drift().await?;
        self.failure().await?;
        self.structure().await?;
        self.rollback().await?;
        self.stage.records(7).await
    }

    async fn first_deployment(&self) -> Result<(), AnyError> {
        let files = example::FOLDERS.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let commit = self.stage.people.commit("The flows of our hotel", &files)?;
        self.stage.tell(&format!(
            "1. First deployment. Commit {commit} brings 2 flows in 2 locales, each a folder; they lead to each other. The vendor's API cannot create a flow under a reference id of git's, so both go in as packages:"
        ))?;
        self.stage.flowsync(&["sync"], 0).await?;
        for reference in ["11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"] {
            self.state().flow(reference)?;
        }
        self.stage
            .tell("Both are live under git's reference ids. A second pass reads two lists, and writes nothing:")?;
        self.writes_nothing(0).await
    }

    async fn a_text(&self) -> Result<(), AnyError> {
        let commit = self.commit("A shorter welcome", &[(MAIN, WELCOME, "Hello! How can I help you?")])?;
        self.stage.tell(&format!(
            "2. Commit {commit} changes a text. First the plan, as in a pull request: by which way it goes, and about how many requests that takes."
        ))?;
        self.stage.flowsync(&["plan"], 0).await?;
        let before = self.state().n_writes();
        self.stage.flowsync(&["sync"], 0).await?;
        match self.state().n_writes() - before {
            1 => self.stage.tell("Of all requests one has written: a PATCH of that node."),
            n_writes => Err(format!("expected 1 request that writes, found {n_writes}").into()),
        }
    }

    async fn drift(&self) -> Result<(), AnyError> {
        let edited = json!({ "config": { "say": {
            "type": "text", "text": ["edited by hand"], "data": "", "linear": false, "loop": false } } });
        self.state().edit("Booking", "Single", &edited)?;
        self.stage.tell(
            "3. Somebody edits the node `Single` in the project, behind git's back. The cause is drift, and it is corrected:",
        )?;
        self.stage.flowsync(&["plan"], 0).await?;
        self.stage.flowsync(&["sync"], 0).await
    }

    async fn failure(&self) -> Result<(), AnyError> {
        let good = self.stage.texts(&[MAIN, CODE])?;
        let edits = [(MAIN, "Do you want", "Would you like"), (CODE, "context.room =", "context.room = @@")];
        let commit = self.commit("A politer question, and a slip", &edits)?;
        self.stage.tell(&format!(
            "4. Commit {commit} changes a text in one flow and breaks the code of the other. The platform finds that only after both are written; both are restored (exit 4):"
        ))?;
        self.stage.flowsync(&["sync"], 4).await?;
        self.stage.tell("The commit is in quarantine, so that nobody's loop tries it for ever:")?;
        self.stage.flowsync(&["sync"], 3).await?;
        let commit = self.stage.people.commit("Revert \"A politer question, and a slip\"", &good)?;
        self.stage.tell(&format!(
            "With commit {commit} git has again what was live before, and so has the project: nothing is to be written."
        ))?;
        self.writes_nothing(0).await
    }

    async fn structure(&self) -> Result<(), AnyError> {
        let commit = self.commit("An answer for double rooms", &[(BOOKING, NO_ANSWER, ANSWER)])?;
        self.stage.tell(&format!(
            "5. Commit {commit} adds a node. That takes a package: an export of that very flow is edited and replaces it, under the same ids."
        ))?;
        self.stage.flowsync(&["plan"], 0).await?;
        self.stage.flowsync(&["sync"], 0).await
    }

    async fn rollback(&self) -> Result<(), AnyError> {
        let with_answer = self.stage.texts(&[BOOKING])?;
        self.stage.tell("6. Somebody wants that back as it was, at once:")?;
        self.stage.flowsync(&["rollback"], 0).await?;
        if self.state().node("Booking", "Double").is_ok() {
            return Err("the node that was rolled back is still there".into());
        }
        self.stage.tell(
            "Git still has the new answer. Until the flows in git change, nobody's loop deploys it again (exit 3):",
        )?;
        self.writes_nothing(3).await?;
        let reverted = with_answer.into_iter().map(|(path, text)| (path, text.replacen(ANSWER, NO_ANSWER, 1)));
        let commit =
            self.stage.people.commit("Revert \"An answer for double rooms\"", &reverted.collect::<BTreeMap<_, _>>())?;
        self.stage.tell(&format!("Commit {commit} takes it out of git too:"))?;
        self.writes_nothing(0).await
    }

    /// A pass that ends as expected and changes nothing in the project.
    async fn writes_nothing(&self, expected: i32) -> Result<(), AnyError> {
        let before = self.state().n_writes();
        self.stage.flowsync(&["sync"], expected).await?;
        match self.state().n_writes() - before {
            0 => Ok(()),
            n_writes => Err(format!("expected no request that writes, found {n_writes}").into()),
        }
    }

    /// Commits files with one place of each changed.
    fn commit(&self, message: &str, edits: &[(&str, &str, &str)]) -> Result<String, AnyError> {
        let mut files = BTreeMap::new();
        for (path, from, to) in edits {
            let text = self.stage.people.read(path)?;
            if !text.contains(from) {
                return Err(format!("`{path}` has no `{from}`").into());
            }
            files.insert((*path).to_owned(), text.replacen(from, to, 1));
        }
        Ok(self.stage.people.commit(message, &files)?)
    }
}

fn configuration(tenant: &Running) -> String {
    format!(
        "version: 1
repository:
  url: flows.git
  branch: main
  author: {{ name: flowsync, email: flowsync@hotel.example }}
environments:
  production:
    tenant:
      api: cognigy-rest
      url: {url}
      projectId: {PROJECT}
      auth: {{ apiKey: {{ env: COGNIGY_API_KEY }} }}
    sync: {{ verifyTimeout: 10s }}
",
        url = tenant.base_url(),
    )
}
