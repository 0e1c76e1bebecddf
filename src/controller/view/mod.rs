//! What is shown of plans: structs from which text, JSON and Markdown are all made.

mod basis;
mod compared;
mod plan;

pub use basis::Basis;
pub use compared::Compared;
pub use plan::{ChangeView, PlanView, Summary};
