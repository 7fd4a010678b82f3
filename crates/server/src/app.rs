//! What handlers work with.

use std::sync::Arc;

use flyball_core::{Clock, IdSource};
use flyball_serving::Serving;
use flyball_store::Db;

use crate::access::Access;
use crate::hub::Hub;

/// The services of this process.
pub struct App {
    /// The metadata.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Endpoints and predictions.
    pub serving: Arc<Serving>,
    /// The live events of pages.
    pub hub: Hub,
    /// Who may come in.
    pub access: Access,
    /// Where request ids come from.
    pub ids: IdSource,
}
