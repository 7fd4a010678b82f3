//! Whether the process lives and whether it can work.

pub(crate) mod live;
pub(crate) mod ready;
