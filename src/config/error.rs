//! What can be wrong with a configuration.

use std::path::PathBuf;

use crate::problem::Problem;

/// The configuration cannot be used. The text never shows a secret, nor anything that may be one.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`{hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What to do about it, or empty.
        hint: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Everything that is wrong with it, one a line, in the order of the file.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
}

/// An environment cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// The configuration has none of that name.
    #[error("unknown environment `{name}`: {hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest name, or the names there are.
        hint: String,
    },
    /// Its part of the configuration is broken; other environments go on.
    #[error("the environment `{name}` is not usable:\n{}", lines(problems))]
    Broken {
        /// The name asked for.
        name: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// The problems of the file; empty where it could not be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Read { .. } => &[],
            Self::Problems(problems) => problems,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
