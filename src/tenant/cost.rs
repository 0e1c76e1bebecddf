//! What a change will take of a tenant.

use serde::Serialize;

/// What one change takes, as far as that is known beforehand. Pure: nobody was asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// By which way it gets there, in a word.
    pub route: &'static str,
    /// Requests to write it, roughly.
    pub writes: usize,
    /// Requests to read it back, roughly.
    pub reads: usize,
    /// Most requests that this tenant is asked in 5 minutes.
    #[serde(rename = "requestsPer5Minutes")]
    pub per_5_minutes: u32,
    /// What else comes with it, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
