//! Alerts and notifications on both databases, with receivers that answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail with the reason")]

mod alerts;
mod fixture;
mod hostile;
mod mail;
mod notifications;
