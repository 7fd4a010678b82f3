//! Versions of any files: folders become immutable commits of content-addressed chunks, with branches and tags, in a store of
//! the project and at remotes.
//!
//! A file is one chunk, or from 1 MiB on many, cut where its content says so. Chunks stand in packs of some 32 MiB, compressed
//! where that helps, each once however many versions have it. A commit names a manifest, the manifest its blocks, a block its
//! files. Everything but a reference is named by the BLAKE3 digest of what it is; references are written last.

mod chunker;
mod codec;
mod commit;
mod diff;
mod entry;
mod failure;
mod import;
mod index;
mod intake;
mod keep;
mod manifest;
mod pack;
mod path;
mod project;
mod refs;
mod scan;
pub mod storage;
mod store;
mod transfer;
mod work;

pub use commit::{Commit, Stats};
pub use diff::{ChangeKind, Diff, FileChange};
pub use entry::{Chunk, Entry, Kind};
pub use import::Imported;
pub use keep::{Collected, Exported, Problem, Verified};
pub use manifest::Manifest;
pub use path::{FilePath, Selection};
pub use project::{Dataset, FILE, MAIN, ORIGIN, Project};
pub use refs::{Logged, Reference, ReferenceKind};
pub use store::Store;
pub use transfer::Transferred;
pub use work::{Added, Change, CheckedOut, Checkout, Committed, Links, Message, State, Status};
