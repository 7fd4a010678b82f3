//! The HTTP surface: one flat list of routes, each with its policy; the guard that every request passes; the wire
//! dialects, each translated here and known nowhere else.
//!
//! Invariant: a route exists only in [`routes`], from which the router, the OpenAPI document and the policy test are made.

pub mod access;
pub mod app;
pub mod blocking;
pub mod error;
mod guard;
pub mod hub;
mod inference;
pub mod lanes;
mod live;
mod mlflow;
pub mod observe;
mod oip;
mod origin;
mod packing;
mod pages;
pub mod points;
mod process;
mod progress;
pub mod routes;
mod scoring;
pub mod serve;
pub mod spans;
mod steering;
mod transfer;

pub use access::{Access, Grant, Policy, check_bind};
pub use app::App;
pub use blocking::{blocking, write};
pub use error::ApiError;
pub use hub::{Hub, LiveEvent};
pub use lanes::Lanes;
pub use observe::Observe;
pub use points::PointQueue;
pub use routes::router;
pub use serve::serve;
pub use spans::{SpanSettings, Spans};
