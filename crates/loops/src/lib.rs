//! The loop file and what makes it so: parse, plan, apply, the jobs that turn the cycle, status, and simulation.
//!
//! Everything that happens is a durable job or a committed step; a loop's own rules live in the contexts that it joins.

pub mod apply;
pub mod batch;
pub mod card;
pub mod checks;
mod command;
mod commit;
pub mod compare;
pub mod declared;
pub mod deploy;
pub mod environments;
pub mod evaluate;
pub mod explain;
pub mod file;
pub mod handmade;
pub mod highlights;
pub mod jobs;
mod mlmodel;
pub mod outcome;
mod packaged;
pub mod platform;
mod references;
pub mod remedy;
pub mod replay;
pub mod rollout;
pub mod simulate;
pub mod status;
mod suites;
pub mod train;
pub mod watch;
pub mod why;

pub use flyball_evaluation::expression;
