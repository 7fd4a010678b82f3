//! Live events.

pub(crate) mod listen;
