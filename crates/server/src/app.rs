//! What handlers work with.

use flyball_core::IdSource;
use flyball_jobs::Jobs;
use flyball_loops::platform::Platform;

use crate::access::Access;
use crate::hub::Hub;

/// The services of this process.
pub struct App {
    /// The services of every stage.
    pub platform: Platform,
    /// The job queue.
    pub jobs: Jobs,
    /// The live events of pages.
    pub hub: Hub,
    /// Who may come in.
    pub access: Access,
    /// Where request ids come from.
    pub ids: IdSource,
}
