//! What is shown of plans: structs from which text, JSON and Markdown are all made.

mod compared;
mod plan;

pub use compared::Compared;
pub use plan::{ChangeView, PlanView, Summary};
