//! Files over HTTP, both ways, with flat memory.

mod disposition;
mod download;
mod media_type;
mod range;
mod tree;
mod upload;

pub(crate) use download::{Download, send};
pub(crate) use tree::{keep_file, send_file};
pub(crate) use upload::{Received, receive};
