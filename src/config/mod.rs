//! `flowsync.yaml`: as written, then as meant. Always read from the file system, never from a commit.
//!
//! The way of a file: `yaml` turns text into a tree that knows positions; `written` reads sections of it and
//! collects problems, none of which ends the search; `repository`, `tenant`, `sync`, `server` and `notifications` say what each section
//! means; `load` puts the whole together and decides which problems stop everything and which only one
//! environment. What comes out is [`Config`], in which every default is filled in and every value checked.
//! Nothing here talks to a repository or a tenant, and no secret is read before somebody asks for it.

mod dialect;
mod duration;
mod error;
mod exclude;
mod find;
mod forge;
#[cfg(test)]
mod guards_tests;
mod load;
mod mask;
mod meant;
mod names;
mod nearest;
mod notification;
mod notifications;
mod protect;
mod proxy;
mod release;
mod repository;
mod schedule;
mod schema;
mod secret;
mod server;
mod subject;
mod sync;
mod tenant;
#[cfg(test)]
mod tests;
mod urls;
mod verify;
mod window;
mod written;
mod yaml;

pub use duration::{DurationError, format_duration, parse_duration};
pub use error::{ConfigError, EnvironmentError};
pub use exclude::{Exclude, ExcludeError};
pub use find::{FILE_NAME, locate, unknown_variables};
pub use forge::{ForgeAddress, ForgeKind};
pub use mask::Mask;
pub use meant::{
    Api, ApprovalPolicy, Auth, Author, CognigyRest, Config, Credentials, Drift, Environment, MaxDeletes, OAuth2, Prune,
    Repository, Scan, Snapshot, SyncPolicy, TenantAddress, WriteRoute,
};
pub use nearest::nearest;
pub use notification::{Notification, NotificationEvent, NotificationTarget};
pub use protect::Protect;
pub use proxy::{Proxies, ProxyError, ProxyUrl, Route};
pub use release::{Release, SmokeTest};
pub use schedule::Schedule;
pub use schema::{CONFIG_SCHEMA, init_template};
pub use secret::{SecretError, SecretSource};
pub use server::Server;
pub use subject::{SubjectTemplate, SubjectValues};
pub(crate) use urls::secret_address;
pub use verify::Verify;
pub use window::{Window, WindowKind};
