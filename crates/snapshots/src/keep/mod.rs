//! Keeping the store: what nothing names any more goes, what is there is checked, and versions leave for other tools.

mod export;
mod gc;
mod verify;

pub use export::Exported;
pub use gc::Collected;
pub use verify::{Problem, Verified};
