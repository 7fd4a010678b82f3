//! A loop's alerts with what delivers them, on a virtual clock.

use std::sync::Arc;

use flyball_core::{Clock, Duration, Edit, Permit, Read, Result, Timestamp, VirtualClock};
use flyball_egress::{Egress, Reach};
use flyball_governance::{SecretKey, Vault, identity};
use flyball_jobs::{Filter, Job, Jobs, Runner};
use flyball_monitoring::alert::{
    Alert, AlertKind, AlertPolicy, AlertSettings, AlertState, Finding, Severity, settings, silence, store,
};
use flyball_monitoring::notify::{Delivery, Destination, Format, Notifier, Route, deliveries, outbox};
use flyball_store::{Db, Tx};
use serde_json::json;

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const LOOP: &str = "flights";

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) jobs: Jobs,
    pub(crate) notifier: Notifier,
}

impl World {
    pub(crate) fn new(db: &Db, policy: AlertPolicy, routes: Vec<Route>) -> Self {
        Self::reaching(db, Reach::Anywhere, policy, routes)
    }

    pub(crate) fn reaching(db: &Db, reach: Reach, policy: AlertPolicy, routes: Vec<Route>) -> Self {
        let (db, clock) = (db.clone(), Arc::new(VirtualClock::at(NOW)));
        let vault = Vault::new(SecretKey::new([5; 32]));
        let base = Some("https://flyball.example".to_owned());
        let notifier = Notifier::new(db.clone(), clock.clone(), Egress::new(reach), vault, base);
        let world = Self { jobs: Jobs::new(db.clone(), clock.clone()), db, clock, notifier };
        let settings = AlertSettings { policy, routes };
        world.edit(move |tx, permit, _| settings::declare(tx, permit, LOOP, &settings)).unwrap();
        world
    }

    pub(crate) fn edit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (permit, now) = (identity::local_user()?.edit(), self.clock.now());
        self.db.write(move |tx| work(tx, &permit, now))
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>, &Permit<Read>) -> Result<T>) -> T {
        let permit = identity::local_user().unwrap().edit().read();
        self.db.read(|tx| work(tx, &permit)).unwrap()
    }

    /// Goes on by some hours without letting anything happen on the way.
    pub(crate) fn pass(&self, hours: i64) {
        self.clock.advance_to(self.clock.now() + Duration::hours(hours));
    }

    pub(crate) fn find(&self, finding: Finding) {
        self.edit(move |tx, permit, now| store::apply(tx, permit, LOOP, &finding, now)).unwrap();
    }

    /// An hour passes, and its window shows drift or not.
    pub(crate) fn drift(&self, present: bool) {
        self.pass(1);
        self.find(drift(present));
    }

    pub(crate) fn runner(&self) -> Runner {
        Runner::new(self.jobs.clone(), vec![Arc::new(self.notifier.clone())])
    }

    /// Delivers what is due now, and looks where it is time to.
    pub(crate) fn deliver(&self) {
        self.runner().run_due().unwrap();
    }

    /// Lets the clock go on, with everything that becomes due on the way.
    pub(crate) fn live(&self, hours: i64) {
        let end = self.clock.now() + Duration::hours(hours);
        self.deliver();
        while let Some(due) = self.jobs.next_due().unwrap().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.deliver();
        }
        self.clock.advance_to(end);
    }

    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.read(|tx, permit| store::alerts(tx, permit, None, 100))
    }

    /// The states of the alerts, the newest of each state first.
    pub(crate) fn states(&self) -> Vec<AlertState> {
        self.alerts().iter().map(|alert| alert.state).collect()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.read(|tx, permit| deliveries(tx, permit, None, None, 100))
    }

    pub(crate) fn silence(&self, matcher: &'static str, hours: i64) -> silence::Silence {
        self.edit(move |tx, permit, now| {
            let new = silence::NewSilence {
                matchers: vec![silence::Matcher::parse(matcher)?],
                starts_at: now,
                ends_at: now + Duration::hours(hours),
                every: None,
                comment: "maintenance".to_owned(),
            };
            let made = silence::create(tx, permit, &new, now)?;
            outbox::tell_all(tx, permit, now)?;
            Ok(made)
        })
        .unwrap()
    }

    pub(crate) fn set_secret(&self, name: &'static str, secret: &str) {
        let (vault, secret) = (self.notifier.vault().clone(), secret.to_owned());
        self.edit(move |tx, permit, now| vault.set(tx, permit, name, &secret, now)).unwrap();
    }

    pub(crate) fn all_jobs(&self) -> Vec<Job> {
        self.jobs.list(&Filter::default()).unwrap()
    }
}

pub(crate) fn drift(present: bool) -> Finding {
    let details = json!({ "rows": 900, "columns": [{ "column": "wind", "effect": 0.3, "adjusted_p": 1e-9 }] });
    Finding::new(AlertKind::Drift, present, if present { "1 of 9 columns drifted" } else { "no drift" }, details)
}

pub(crate) fn route(name: &str, destination: Destination) -> Route {
    Route { name: name.to_owned(), destination, severity: Severity::Info, after: Duration::ZERO }
}

/// A webhook that gets CloudEvents.
pub(crate) fn hook(url: &str) -> Route {
    let (secret, format) = (None, Format::Cloudevents);
    route("webhook", Destination::Webhook { to: url.parse().unwrap(), secret, format })
}
