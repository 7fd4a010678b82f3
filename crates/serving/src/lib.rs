//! Stage 6 of the lifecycle: endpoints, revisions, traffic, predictions, and the records of them.
//!
//! An endpoint is a stable name; a revision is a model version as configured there; the traffic split says who answers
//! which keys. All of it is rows in the database; [`Serving`] holds the routing table made from them, and a request takes
//! no lock on its way. What was asked and answered is captured in memory and written as segments.

mod batch;
mod batcher;
mod capture;
mod column_rules;
pub mod columns;
mod concat;
mod context;
pub mod contract;
pub mod counters;
mod flush;
pub mod histogram;
mod live;
pub mod model;
mod prediction_id;
pub mod record_columns;
mod records;
pub mod rollout;
pub mod segment;
mod service;
pub mod settings;
pub mod shadow;
mod shelf;
mod slow;
mod split;
pub mod store;
mod tensors;
pub mod truth;

pub use concat::concat;
pub use context::{Note, answering};
pub use contract::Contract;
pub use counters::CountersSnapshot;
pub use flush::Flush;
pub use live::{LiveEndpoint, LiveRevision};
pub use model::{
    Answer, Answers, Endpoint, EndpointState, Revision, RowRequest, Share, TableRequest, TensorAnswer, TensorRequest,
    Truth, TruthValue, WHOLE,
};
pub use prediction_id::PredictionIds;
pub use records::{FoundRecord, Seen};
pub use segment::{Segment, record_segments};
pub use service::{EndpointSnapshot, RevisionSnapshot, Serving};
pub use settings::Settings;
pub use shadow::Agreement;
pub use shelf::{Held, MemoryUse};
pub use slow::SlowRequest;
pub use store::{NewRevision, create_endpoint, create_revision, set_traffic};
pub use tensors::headline;
pub use truth::{StoredTruth, record_truths};
