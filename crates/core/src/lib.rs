//! The words of Flyball: ids, names, digests, time, errors, permits, limits and tables. No I/O, no async.
//!
//! Every other crate speaks these types, so that one thing has one name in the database, the API, the CLI and the UI.

pub mod artifact_path;
pub mod clock;
pub mod digest;
pub mod error;
pub mod id;
pub mod limits;
pub mod model;
pub mod name;
pub mod package;
pub mod permit;
pub mod rng;
pub mod table;
pub mod tensor;
pub mod time;

pub use artifact_path::ArtifactPath;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use digest::Digest;
pub use error::{Error, ErrorCode, Result};
pub use id::IdSource;
pub use model::{Contribution, Feature, FeatureKind, Predictions, Signature, Task};
pub use name::Name;
pub use package::{Format, Manifest, Package, PackageFile};
pub use permit::{Edit, Manage, Permit, Read};
pub use table::{Column, Kind, Table, TextColumn, Value};
pub use tensor::{DataType, Tensor, TensorData, TensorSignature, TensorSpec};
pub use time::{Duration, Timestamp};
