//! Traces on both databases.

mod assessments;
mod fixture;
mod hostile;
mod lifecycle;
mod search;
mod spans;
