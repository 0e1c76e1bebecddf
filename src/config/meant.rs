//! The configuration as meant: every default filled in, every value checked.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{
    Exclude, ForgeAddress, Notification, Protect, Release, SecretSource, Server, SubjectTemplate, Verify, Window,
};
use crate::address::{Branch, Folder, RepositoryUrl};
use crate::flow::EnvironmentId;
use crate::format::Format;
use crate::problem::Problem;

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// Environments by name, never empty.
    pub environments: BTreeMap<String, Environment>,
    /// Who is told of what happens, in the order of the file.
    pub notifications: Vec<Notification>,
    /// Environments whose part of the file is wrong, with what is wrong: they cannot run, the others can.
    pub broken: BTreeMap<String, Vec<Problem>>,
    /// Who may ask the controller for what.
    pub server: Server,
}

/// Everything one environment needs; what it does not override is copied from `repository`.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name in the file.
    pub name: String,
    /// Where its flows and records live.
    pub repository: Repository,
    /// The tenant it is deployed to.
    pub tenant: TenantAddress,
    /// How it is kept in sync.
    pub sync: SyncPolicy,
}

impl Config {
    /// Names of the environment variables that secrets are taken from.
    #[must_use]
    pub fn secret_variables(&self) -> BTreeSet<&str> {
        let sources = self.environments.values().flat_map(Environment::secrets).chain(self.server.secrets());
        let notified = self.notifications.iter().filter_map(|notification| notification.target.secret());
        sources
            .chain(notified)
            .filter_map(|source| match source {
                SecretSource::Env(name) => Some(name.as_str()),
                SecretSource::File(_) => None,
            })
            .collect()
    }
}

impl Config {
    /// The same, whose smoke tests are given no variable that a secret is taken from.
    pub(super) fn withholding_secrets(mut self) -> Self {
        let withheld: BTreeSet<String> = self.secret_variables().into_iter().map(str::to_owned).collect();
        let releases = self.environments.values_mut().filter_map(|environment| environment.sync.release.as_mut());
        for smoke_test in releases.filter_map(|release| release.smoke_test.as_mut()) {
            smoke_test.withheld.clone_from(&withheld);
        }
        self
    }
}

impl TenantAddress {
    /// Its URL in the one form by which two tenants are told apart: `host:port/path`.
    #[must_use]
    pub fn key(&self) -> String {
        super::urls::tenant_key(&self.url)
    }
}

impl Environment {
    /// Where its secrets are found.
    fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        let git: [Option<&SecretSource>; 4] = match &self.repository.credentials {
            None => [None; 4],
            Some(Credentials::Password { username, password }) => [username.as_ref(), Some(password), None, None],
            Some(Credentials::SshKey { username, key, passphrase, known_hosts }) => {
                [username.as_ref(), Some(key), passphrase.as_ref(), known_hosts.as_ref()]
            }
        };
        let tenant = match &self.tenant.auth {
            Auth::OAuth2(OAuth2 { client_id, client_secret, .. }) => [Some(client_id), Some(client_secret)],
            Auth::ApiKey(key) => [Some(key), None],
        };
        let forge = self.repository.forge.as_ref().and_then(|forge| forge.token.as_ref());
        git.into_iter().chain(tenant).flatten().chain(&self.repository.seal_key).chain(forge)
    }
}

/// A git repository, seen from one environment.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Where it is.
    pub url: RepositoryUrl,
    /// A link that is replaced when the branch moves, such as the one of a git-sync checkout beside us.
    pub watch: Option<PathBuf>,
    /// Branch with the flows.
    pub branch: Branch,
    /// Folder with the flow files.
    pub flows: Folder,
    /// How flows stand there: as the environment's API has it.
    pub format: Format,
    /// What stands below that folder and is no flow.
    pub exclude: Exclude,
    /// Folder with the overlays of the environment that sees the repository.
    pub overlays: Folder,
    /// Folder flowsync writes its records to.
    pub records: Folder,
    /// Branch the records are committed to, where it is another one.
    pub records_branch: Option<Branch>,
    /// Author and committer of records.
    pub author: Author,
    /// The key that seals manifests; with one, records without its seal are refused.
    pub seal_key: Option<SecretSource>,
    /// Subject of the commits with records.
    pub commit_message: SubjectTemplate,
    /// How to sign in.
    pub credentials: Option<Credentials>,
    /// More trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` to a host other than loopback is accepted.
    pub allow_insecure: bool,
    /// Where pull requests are opened.
    pub forge: Option<ForgeAddress>,
}

/// A commit author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// How to sign in to git.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// https with a user name and a password or token.
    Password {
        /// User name; some hosts take any with a token.
        username: Option<SecretSource>,
        /// Password or token.
        password: SecretSource,
    },
    /// ssh with a private key.
    SshKey {
        /// User name where the URL has none; `git` by default.
        username: Option<SecretSource>,
        /// The private key, PEM or OpenSSH.
        key: SecretSource,
        /// Its passphrase.
        passphrase: Option<SecretSource>,
        /// An OpenSSH `known_hosts` file; default `~/.ssh/known_hosts`.
        known_hosts: Option<SecretSource>,
    },
}

/// Where a tenant is and how to sign in.
#[derive(Debug, Clone)]
pub struct TenantAddress {
    /// The API it speaks, and what goes with that alone.
    pub api: Api,
    /// Base URL, without a trailing slash.
    pub url: Url,
    /// The tenant's own name of the environment: `environmentId`, or the `projectId` of `cognigy-rest`.
    pub environment_id: EnvironmentId,
    /// How to sign in.
    pub auth: Auth,
    /// More trusted roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` to a host other than loopback is accepted.
    pub allow_insecure: bool,
}

/// The API that a tenant speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// Flows as documents; a flow stands in one file.
    FlowsV2,
    /// The vendor's own, with charts of nodes; a flow stands in a folder.
    CognigyRest(CognigyRest),
}

impl Api {
    /// How its flows stand in files.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::FlowsV2 => Format::FlowsV2,
            Self::CognigyRest(_) => Format::CognigyFlow,
        }
    }
}

/// What only `cognigy-rest` has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CognigyRest {
    /// Most requests to its host within five minutes.
    pub requests_per_5_minutes: u32,
    /// By git's reference id: the one of this project, for whatever is no flow or node.
    pub references: BTreeMap<String, String>,
    /// How changes are written.
    pub write: WriteRoute,
    /// How much is read at once.
    pub scan: Scan,
    /// Until then everything was read anew, however quiet it is.
    pub full_scan: Duration,
    /// Whether a snapshot is made before structural changes.
    pub snapshot: Snapshot,
    /// Sent as `organisation-id`.
    pub organisation_id: Option<String>,
}

impl Default for CognigyRest {
    /// What holds for every key that the file leaves out.
    fn default() -> Self {
        Self {
            requests_per_5_minutes: 800,
            references: BTreeMap::new(),
            write: WriteRoute::Auto,
            scan: Scan::Auto,
            full_scan: Duration::from_secs(6 * 3600),
            snapshot: Snapshot::Auto,
            organisation_id: None,
        }
    }
}

/// How changes of a flow are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteRoute {
    /// Each by the route that fits.
    Auto,
    /// Fields only, node by node: what takes a package is refused.
    Nodes,
    /// Charts by package, whatever changes in them.
    Package,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// As is cheaper.
    Auto,
    /// Node by node.
    Nodes,
    /// From a package of all that is to be read.
    Package,
}

/// Whether a snapshot is made before structural changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshot {
    /// Where there is room for one.
    Auto,
    /// Not at all.
    Never,
}

/// How to sign in to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// OAuth2 client credentials.
    OAuth2(OAuth2),
    /// A key sent as `X-API-Key`.
    ApiKey(SecretSource),
}

/// OAuth2 client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2 {
    /// Where tokens come from.
    pub token_url: Url,
    /// Client id.
    pub client_id: SecretSource,
    /// Client secret.
    pub client_secret: SecretSource,
}

/// How an environment is kept in sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPolicy {
    /// Time between two passes of the controller.
    pub interval: Duration,
    /// Most requests in flight against the tenant.
    pub concurrency: NonZeroUsize,
    /// What to do about changes made behind git's back.
    pub drift: Drift,
    /// Whether a change must be approved before it is deployed.
    pub approval: ApprovalPolicy,
    /// When it may be written to; always where there are none.
    pub windows: Vec<Window>,
    /// Whose signatures commits must carry; nobody is asked for any where this is absent.
    pub verify: Option<Verify>,
    /// What to do about live flows that git once held and no longer holds.
    pub prune: Prune,
    /// Flows that are not deleted because they left git.
    pub protect: Protect,
    /// How many deletes one deployment may make.
    pub max_deletes: MaxDeletes,
    /// JSON pointers left out of comparison; `*` matches one segment.
    pub ignore: Vec<String>,
    /// How long one flow may stay "deploying".
    pub verify_timeout: Duration,
    /// A deployment that takes longer is restored.
    pub deploy_timeout: Duration,
    /// A pass that takes longer is stuck.
    pub pass_deadline: Duration,
    /// What callers meet; what is live, where this is absent.
    pub release: Option<Release>,
}

impl SyncPolicy {
    /// The deadline of a pass where none is written: what a deployment may take, with time to look before and to take
    /// it back after.
    #[must_use]
    pub fn pass_deadline_for(deploy_timeout: Duration) -> Duration {
        deploy_timeout.saturating_add(Duration::from_secs(15 * 60))
    }
}

impl Default for SyncPolicy {
    /// What holds for every key that the file leaves out.
    fn default() -> Self {
        let deploy_timeout = Duration::from_secs(30 * 60);
        Self {
            interval: Duration::from_secs(60),
            concurrency: const { NonZeroUsize::new(8).unwrap() },
            drift: Drift::Correct,
            approval: ApprovalPolicy::None,
            windows: Vec::new(),
            verify: None,
            prune: Prune::Keep,
            protect: Protect::default(),
            max_deletes: MaxDeletes::Percent(10),
            ignore: Vec::new(),
            verify_timeout: Duration::from_secs(60),
            deploy_timeout,
            pass_deadline: Self::pass_deadline_for(deploy_timeout),
            release: None,
        }
    }
}

/// What to do about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Put git's version back.
    Correct,
    /// Say so, change nothing.
    Report,
    /// Propose on a branch what is live.
    Adopt,
}

/// Whether a change must be approved before it is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalPolicy {
    /// What is merged is deployed.
    None,
    /// Only what a manifest in the folder of approvals allows.
    Manifest,
}

/// What to do about flows that left git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Leave them live.
    Keep,
    /// Delete them.
    Remove,
}

/// How many deletes one deployment may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxDeletes {
    /// This many.
    Count(usize),
    /// This share of the managed flows, in percent from 0 to 100; rounded down, but at least one
    /// where the share is above zero.
    Percent(u8),
}
