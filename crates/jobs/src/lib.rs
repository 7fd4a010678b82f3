//! Durable work: jobs are rows with a lease, a fencing number and an idempotency key.
//!
//! A job runs at least once and takes effect once: its effects and its completion are one transaction, and a worker
//! that lost its lease is refused there. Time comes from the injected clock, so that a simulation runs the same jobs on
//! virtual time.

mod model;
mod queue;
mod runner;
mod schedule;
mod workers;

pub use model::{Claimed, Effects, Filter, Handler, Job, NewJob, Outcome, State};
pub use queue::{Jobs, complete, enqueue, next_of, unfinished};
pub use runner::Runner;
pub use schedule::{Schedule, remove_schedule, upsert_schedule};
pub use workers::RunningWorkers;
