//! Webhooks: who is told of changes in the registry, of which, and how.
//!
//! A change enqueues its deliveries in its own transaction, so that none is told that did not happen and none is lost.

mod delivery;
pub(crate) mod events;
mod model;
mod rules;
mod samples;
mod store;

pub use delivery::{TestResult, Webhooks, uuid};
pub use model::{Action, Entity, NewWebhook, Status, Subject, Webhook, WebhookChange};
pub use store::{delete, get, list};
