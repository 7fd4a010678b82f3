//! The static files of the pages.

pub(crate) mod get;
