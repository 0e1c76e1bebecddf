//! From arguments and configuration to engines that are ready to work.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::Globals;
use super::dialect::Dialect;
use super::output::{Failure, USAGE, say};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Api, Config, Environment};
use crate::controller::run::{Events, Nudges};
use crate::controller::{Engine, Records};
use crate::deploy::Progress;
use crate::flow::Comparison;
use crate::index::{FlowIndex, LiveReader};
use crate::local::FileState;
use crate::record::hex_sha256;
use crate::shutdown::Shutdown;
use crate::source::{Fetches, GitOptions, GitSource, normal_url};
use crate::tenant::Tenant as _;
use crate::tenant::flows_v2::Connections;

/// An engine over the real world.
pub(crate) type RealEngine = Engine<Dialect, GitSource, FileState>;

/// The records of a real repository.
pub(crate) type RealRecords = Records<GitSource>;

/// What every command is given; clones are of the same process.
#[derive(Clone)]
pub(crate) struct Context {
    globals: Globals,
    /// Asks this process to end.
    pub(crate) shutdown: Shutdown,
    /// What wakes the controller.
    pub(crate) nudges: Nudges,
    connections: Arc<Connections>,
    /// What environments of this process fetch together.
    fetches: Arc<Fetches>,
    /// Where it is told what engines do.
    events: Option<Events>,
}

impl Context {
    pub(crate) fn new(globals: Globals) -> Self {
        Self {
            globals,
            shutdown: Shutdown::default(),
            nudges: Nudges::default(),
            connections: Arc::default(),
            fetches: Arc::default(),
            events: None,
        }
    }

    /// The same, whose engines tell what they do.
    pub(crate) fn telling(&self, events: Events) -> Self {
        Self { fetches: Arc::new(Fetches::telling(events.git())), events: Some(events), ..self.clone() }
    }

    /// Whether stdout and stderr take colours.
    pub(crate) fn color(&self) -> bool {
        color_of(&self.globals, &std::io::stderr())
    }

    /// Whether stdout takes colours.
    pub(crate) fn color_stdout(&self) -> bool {
        color_of(&self.globals, &std::io::stdout())
    }

    pub(crate) fn quiet(&self) -> bool {
        self.globals.quiet
    }

    /// Where the configuration is looked for.
    pub(crate) fn config_path(&self) -> PathBuf {
        config::locate(self.globals.config.as_deref(), std::env::var_os("FLOWSYNC_CONFIG"))
    }

    /// Reads the configuration. Broken environments are reported at once; they fail when asked for.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let config = Config::load(&self.config_path())?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for warning in config::unknown_variables(names, Some(&config)) {
            tracing::warn!("{warning}");
        }
        Ok(config)
    }

    /// The configuration, if there is one: for commands that work without.
    pub(crate) fn config_if_there(&self) -> Result<Option<Config>, Failure> {
        if self.globals.config.is_none()
            && std::env::var_os("FLOWSYNC_CONFIG").is_none()
            && !self.config_path().exists()
        {
            return Ok(None);
        }
        self.config().map(Some)
    }

    pub(crate) fn state_dir(&self) -> Result<PathBuf, Failure> {
        match &self.globals.state_dir {
            Some(folder) => Ok(folder.clone()),
            None => home_folder("XDG_STATE_HOME", ".local/state"),
        }
    }

    /// Where clones and indexes are kept.
    pub(crate) fn cache_dir(&self) -> Result<PathBuf, Failure> {
        home_folder("XDG_CACHE_HOME", ".cache")
    }

    /// The records of one environment, for whoever only looks at git: no tenant is asked, and a branch that was rewound is
    /// looked at as it is.
    pub(crate) fn records(&self, environment: &Environment) -> Result<RealRecords, Failure> {
        self.records_with(environment, GitOptions { allow_rewind: true })
    }

    fn records_with(&self, environment: &Environment, options: GitOptions) -> Result<RealRecords, Failure> {
        let cache = self.cache_dir()?;
        let source = GitSource::open_among(&self.fetches, &environment.repository, &cache, options)?;
        let index = index_path(&cache, &normal_url(&environment.repository.url), environment);
        let comparison = Comparison::new(&environment.sync.ignore).map_err(|error| Failure::of(&error))?;
        Ok(Records {
            environment: environment.name.clone(),
            target: environment.tenant.environment_id.clone(),
            tenant_url: environment.tenant.key(),
            branch: environment.repository.branch.to_string(),
            folder: environment.repository.records.to_string(),
            seal_key: environment.repository.seal_key.clone(),
            index: FlowIndex::in_file(index, Arc::new(comparison), SystemClock.random()),
            source: Arc::new(source),
        })
    }

    /// What this machine remembers of one environment.
    pub(crate) fn local(&self, environment: &Environment) -> Result<FileState, Failure> {
        let url = normal_url(&environment.repository.url);
        Ok(FileState::new(&self.state_dir()?, &url, &environment.name))
    }

    /// The tenant of one environment, of whichever dialect. Nothing is connected yet.
    fn tenant(&self, environment: &Environment) -> Result<Dialect, Failure> {
        let (address, concurrency) = (&environment.tenant, environment.sync.concurrency);
        let told = self.events.as_ref().map(|events| events.requests_of(&environment.name)).unwrap_or_default();
        let connected = match &address.api {
            Api::FlowsV2 => {
                let connected = self.connections.connect(address, concurrency);
                connected.map(|client| Dialect::FlowsV2(client.telling(told)))
            }
            Api::CognigyRest(options) => {
                let name = hex_sha256(format!("{}\n{}", address.key(), address.environment_id).as_bytes());
                let folder = self.cache_dir()?.join("projects").join(name);
                let connected = self.connections.connect_project(address, options, concurrency, Some(folder));
                connected.map(|client| Dialect::CognigyRest(Box::new(client.telling(told))))
            }
        };
        connected.map_err(|error| Failure::of(&error))
    }

    /// An engine for one environment. Nothing is connected yet.
    pub(crate) fn engine(
        &self,
        environment: &Environment,
        progress: Progress,
        allow_rewind: bool,
    ) -> Result<RealEngine, Failure> {
        let records = self.records_with(environment, GitOptions { allow_rewind })?;
        let tenant = self.tenant(environment)?;
        records.index.leave_out(&tenant.defaults());
        Ok(Engine {
            subject: environment.repository.commit_message.clone(),
            policy: environment.sync.clone(),
            reader: LiveReader::new(records.index.clone()),
            records,
            tenant: Arc::new(tenant),
            local: Arc::new(self.local(environment)?),
            clock: Arc::new(SystemClock),
            progress,
            shutdown: self.shutdown.clone(),
        })
    }
}

/// Where the index of an environment is kept.
fn index_path(cache: &Path, url: &str, environment: &Environment) -> PathBuf {
    let config::Repository { flows, exclude, .. } = &environment.repository;
    let key = format!("{url}\n{flows}\n{:?}\n{}", exclude.written(), environment.name);
    cache.join("index").join(&hex_sha256(key.as_bytes())[..24])
}

/// Whether a stream takes colours.
pub(super) fn color_of(globals: &Globals, stream: &impl IsTerminal) -> bool {
    let refused = globals.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && stream.is_terminal()
}

fn home_folder(variable: &str, fallback: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(fallback)))
        .map(|folder| folder.join("flowsync"))
        .ok_or_else(|| Failure::other(format!("cannot find a folder to keep files in: set HOME or {variable}")))
}

/// An environment asked for, or why it cannot be used.
pub(crate) type Selected<'a> = (String, Result<&'a Environment, Failure>);

/// The environments asked for by name, or all of them. Each broken one comes with its reason: one bad
/// environment never stops the others.
pub(crate) fn select<'a>(config: &'a Config, names: &[String]) -> Result<Vec<Selected<'a>>, Failure> {
    let all = || config.environments.keys().chain(config.broken.keys()).cloned().collect();
    let mut names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    names.sort();
    names.dedup();
    let find = |name: String| match config.environment(&name) {
        Err(unknown @ config::EnvironmentError::Unknown { .. }) => Err(Failure::from(unknown)),
        found => Ok((name, found.map_err(Failure::from))),
    };
    names.into_iter().map(find).collect()
}

/// The one environment meant: named, or the only one there is.
pub(crate) fn the_one<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Environment, Failure> {
    match name {
        Some(name) => Ok(config.environment(name)?),
        None if config.environments.len() == 1 && config.broken.is_empty() => {
            config.environments.values().next().ok_or_else(|| Failure::other("the configuration has no environment"))
        }
        None => {
            let names: Vec<&str> = config.environments.keys().chain(config.broken.keys()).map(String::as_str).collect();
            Err(Failure {
                code: USAGE,
                ..Failure::other(format!("name the environment with --env: one of {}", names.join(", ")))
            })
        }
    }
}

/// A path as it is shown: relative to the current folder where it lies below it.
pub(crate) fn shown(path: &Path) -> String {
    let below = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.to_owned()).display().to_string()
}

/// Says something to a person, unless asked to be quiet.
pub(crate) fn note(context: &Context, text: &str) {
    if !context.quiet() {
        say(text);
    }
}
