//! The types of durable work.

use std::fmt;

use flyball_core::{Duration, Error, Result, Timestamp, id};
use flyball_store::{Row, Tx};
use serde::Serialize;
use serde_json::Value;

/// How often a job is tried before it counts as failed, unless it says otherwise.
const DEFAULT_ATTEMPTS: u32 = 3;

/// A job to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: String,
    /// What makes it unique: the same key is enqueued once, ever.
    pub key: String,
    /// What it belongs to, for example a loop.
    pub owner: String,
    /// What the handler needs to know.
    pub payload: Value,
    /// Not to be run before.
    pub due_at: Timestamp,
    /// The higher goes first among those due at the same time; 0 when nothing is said.
    pub priority: i32,
    /// After this many failures it is not tried again; 3 when nothing is said.
    pub max_attempts: u32,
}

impl NewJob {
    /// A job of priority 0 that is tried three times.
    pub fn new(
        kind: impl Into<String>,
        key: impl Into<String>,
        owner: impl Into<String>,
        payload: Value,
        due_at: Timestamp,
    ) -> Self {
        let (kind, key, owner) = (kind.into(), key.into(), owner.into());
        Self { kind, key, owner, payload, due_at, priority: 0, max_attempts: DEFAULT_ATTEMPTS }
    }

    /// With another priority.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// With another number of failures after which it is not tried again.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// The id that follows from the key.
    pub fn id(&self) -> String {
        id::derived("job", &[self.key.as_bytes()])
    }
}

macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident => $text:literal;)*) => {
        /// Where a job stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum State { $($(#[$doc])* $variant,)* }

        impl State {
            /// The text in the database and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(State::$variant => $text,)* }
            }

            fn parse(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(State::$variant),)*
                    other => Err(Error::internal(format!("'{other}' is not a state of a job"))),
                }
            }
        }
    };
}

states! {
    /// Waits until it is due, or for its next attempt.
    Queued => "queued";
    /// A worker has it.
    Running => "running";
    /// Done, with its effects.
    Succeeded => "succeeded";
    /// Given up; the error says why.
    Failed => "failed";
    /// Withdrawn.
    Cancelled => "cancelled";
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its id, derived from the key.
    pub id: String,
    /// Which handler runs it.
    pub kind: String,
    /// What makes it unique.
    pub key: String,
    /// What it belongs to.
    pub owner: String,
    /// What the handler needs to know.
    pub payload: Value,
    /// Where it stands.
    pub state: State,
    /// The higher goes first among those due at the same time.
    pub priority: i32,
    /// Not to be run before.
    pub due_at: Timestamp,
    /// How often a worker took it.
    pub attempt: u32,
    /// How many attempts ended with an error; the others lost their worker.
    pub failures: u32,
    /// After this many failures it is not tried again.
    pub max_attempts: u32,
    /// Until when its worker has it, while it runs.
    pub lease_until: Option<Timestamp>,
    /// Who has or had it.
    pub worker: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it succeeded, failed or was cancelled.
    pub finished_at: Option<Timestamp>,
    /// The code of the last error.
    pub error_code: Option<String>,
    /// The text of the last error.
    pub error: Option<String>,
    /// What its handler answered.
    pub result: Option<Value>,
}

pub(crate) const JOB_COLUMNS: &str = "id, kind, key, owner, payload, state, priority, due_at, attempt, failures, \
     max_attempts, lease_until, worker, created_at, started_at, finished_at, error_code, error, result";

impl Job {
    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            key: row.get("key")?,
            owner: row.get("owner")?,
            payload: row.get("payload")?,
            state: State::parse(&row.get::<String>("state")?)?,
            priority: row.get("priority")?,
            due_at: row.get("due_at")?,
            attempt: row.get("attempt")?,
            failures: row.get("failures")?,
            max_attempts: row.get("max_attempts")?,
            lease_until: row.get("lease_until")?,
            worker: row.get("worker")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            finished_at: row.get("finished_at")?,
            error_code: row.get("error_code")?,
            error: row.get("error")?,
            result: row.get("result")?,
        })
    }
}

/// Which jobs a list shows; the default is all, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// At most this many; never more than the product's page limit, which is also the default.
    pub limit: Option<usize>,
}

/// A job that a worker has, with the proof that it does.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// Together with the attempt, what the database checks before it accepts anything from this worker.
    pub lease_token: String,
    /// How long the worker has it after a claim or heartbeat.
    pub lease: Duration,
}

/// What a job changes in the database, run in the same transaction as its completion.
pub type Effects = Box<dyn FnOnce(&mut Tx<'_>) -> Result<()> + Send>;

/// What came of a job.
pub struct Outcome {
    /// What it changes.
    pub effects: Effects,
    /// What is kept with the job.
    pub result: Value,
}

impl Outcome {
    /// An outcome with these changes and this result.
    pub fn new(effects: impl FnOnce(&mut Tx<'_>) -> Result<()> + Send + 'static, result: Value) -> Self {
        Self { effects: Box::new(effects), result }
    }

    /// An outcome that changes nothing.
    pub fn unchanged(result: Value) -> Self {
        Self::new(|_| Ok(()), result)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("result", &self.result).finish_non_exhaustive()
    }
}

/// Runs the jobs of some kinds. It may be called again for the same job after a crash, so whatever it does outside its
/// effects must be repeatable.
pub trait Handler: Send + Sync {
    /// Which kinds of jobs it runs.
    fn kinds(&self) -> &[&'static str];

    /// Does the work and says what it changes.
    ///
    /// # Errors
    /// Any; transient ones (`Unavailable`, `Overloaded`, `StorageFull`, `Internal`) are tried again later.
    fn run(&self, job: &Claimed) -> Result<Outcome>;
}
