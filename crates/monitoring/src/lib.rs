//! Windows of served predictions judged against what the model was built on: drift, performance, and the alerts that
//! follow.
//!
//! Invariant: a window is judged from inference records and ground truth alone; nothing here serves, trains or acts.

pub mod alert;
pub mod alike;
pub mod attributions;
pub mod compat;
pub mod diagnosis;
pub mod domain;
pub mod drift;
pub mod encode;
pub mod estimate;
pub mod grouped;
pub mod intake;
pub mod notify;
pub mod paging;
pub mod prepared;
pub mod quality;
pub mod reference;
pub mod store;
mod units;
pub mod window;

pub use reference::Reference;
pub use window::{WindowReport, WindowSettings};
