//! Names of locales: what people call them in the project, the same in every environment.

use std::fmt;
use std::str::FromStr;

/// Most characters of a locale's name.
const CHARACTERS_MAX: usize = 100;

/// A locale by its name, as `en-US` or `Deutsch`: one line of text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocaleName(String);

impl LocaleName {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LocaleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.trim() != text {
            return Err("expected the name of a locale, found none, or blanks around it".to_owned());
        }
        if text.contains(char::is_control) || text.chars().count() > CHARACTERS_MAX {
            return Err(format!("expected the name of a locale: one line of at most {CHARACTERS_MAX} characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LocaleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
