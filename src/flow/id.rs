//! Names of flows and of environments: parse once, then trust.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// A flow's identity, `flow_` and then letters and digits (seed: `^flow_[a-zA-Z0-9]+$`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FlowId(String);

/// The text is no flow id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a flow id like `flow_greeting1` (letters and digits after `flow_`), found `{found}`")]
pub struct FlowIdError {
    /// What stood there instead.
    pub found: String,
}

impl FlowId {
    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of a flow that has a number of 128 bits for its identity: its 32 hexadecimal digits, in lower case.
    #[must_use]
    pub(crate) fn of_number(number: u128) -> Self {
        Self(format!("flow_{number:032x}"))
    }

    /// The number that [`FlowId::of_number`] made an id of.
    pub(crate) fn number(&self) -> Option<u128> {
        let digits = self.0.strip_prefix("flow_")?;
        let is_one = digits.len() == 32 && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if is_one { u128::from_str_radix(digits, 16).ok() } else { None }
    }
}

impl Borrow<str> for FlowId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for FlowId {
    type Err = FlowIdError;

    fn from_str(text: &str) -> Result<Self, FlowIdError> {
        let valid = text
            .strip_prefix("flow_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if valid { Ok(Self(text.to_owned())) } else { Err(FlowIdError { found: text.to_owned() }) }
    }
}

impl<'de> Deserialize<'de> for FlowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tenant's own name of an environment, for example `env_prod`. Any text the tenant accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnvironmentId(pub String);

impl EnvironmentId {
    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_and_digits_after_the_prefix_make_a_flow_id() {
        assert!("flow_a1Z".parse::<FlowId>().is_ok());
        for wrong in ["", "flow_", "flow_a-b", "flow_ä", "Flow_a", "flow_a\n", "xflow_a"] {
            assert_eq!(wrong.parse::<FlowId>().unwrap_err().found, wrong);
        }
    }
}
