//! What handlers work with.

use flyball_core::IdSource;
use flyball_jobs::Jobs;
use flyball_loops::platform::Platform;
use flyball_monitoring::notify::Notifier;
use flyball_registry::webhooks::Webhooks;

use crate::access::Access;
use crate::hub::Hub;
use crate::lanes::Lanes;
use crate::observe::Observe;
use crate::points::PointQueue;

/// The services of this process.
pub struct App {
    /// The services of every stage.
    pub platform: Platform,
    /// The job queue.
    pub jobs: Jobs,
    /// Who is told of changes in the registry; a simulation tells nobody.
    pub webhooks: Option<Webhooks>,
    /// Who is told of alerts; a simulation tells nobody.
    pub notifier: Option<Notifier>,
    /// The points that clients log one by one.
    pub points: PointQueue,
    /// The turns at models that take their time.
    pub lanes: Lanes,
    /// The live events of pages.
    pub hub: Hub,
    /// Who may come in.
    pub access: Access,
    /// Where request ids come from.
    pub ids: IdSource,
    /// What serving is watched with.
    pub observe: Observe,
}
