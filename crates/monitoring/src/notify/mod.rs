//! Who is told of alerts: routes, an outbox that is written with the change it tells of, and the dialects of receivers.
//!
//! A route is told how the alerts of one kind of a loop stand, not each event: a delivery that comes late tells the truth
//! of its moment, and one that a newer has overtaken is dropped. So repetition does no harm, and nothing is told twice.

mod dialects;
mod evidence;
mod message;
mod notifier;
pub mod outbox;
mod plan;
mod route;

pub use flyball_egress::MailServer;

pub use evidence::{Evidence, advice};
pub use message::Message;
pub use notifier::{Notifier, TestResult};
pub use outbox::{Delivery, deliveries};
pub use plan::Event;
pub use route::{Destination, Format, Route, Template};
