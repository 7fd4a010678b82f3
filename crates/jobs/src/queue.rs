//! The queue of jobs in the database.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use flyball_core::{Clock, Duration, Error, ErrorCode, Result, Timestamp, id, limits};
use flyball_store::{Db, Param, Tx, params};
use serde_json::Value;

use crate::model::{Claimed, Filter, JOB_COLUMNS, Job, NewJob, Outcome, State};
use crate::schedule;

/// The wait before the second attempt; it doubles with every further one.
const FIRST_BACKOFF: Duration = Duration::seconds(1);
/// The longest wait between attempts.
const LONGEST_BACKOFF: Duration = Duration::seconds(600);
/// How many workers a job may lose before it counts as the reason. Apart from failures, because a worker is also lost
/// when the machine restarts, which is not the job's fault.
const LOST_WORKERS: u32 = 20;

/// Adds a job; `false` when its key was enqueued before. Called inside the transaction that makes the job necessary.
///
/// # Errors
/// Those of the database.
pub fn enqueue(tx: &mut Tx<'_>, job: &NewJob, now: Timestamp) -> Result<bool> {
    let inserted = tx.execute(
        "INSERT INTO jobs (id, kind, key, owner, payload, state, priority, due_at, attempt, failures, max_attempts, \
         created_at) VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, 0, 0, $8, $9) ON CONFLICT DO NOTHING",
        &params![
            job.id(),
            &job.kind,
            &job.key,
            &job.owner,
            &job.payload,
            job.priority,
            job.due_at,
            job.max_attempts,
            now
        ],
    )?;
    Ok(inserted == 1)
}

/// Marks a job as succeeded. Called inside the transaction that makes the job's changes, so that both happen or none.
///
/// # Errors
/// `Fenced` when the job is no longer this worker's: then nothing of the transaction may be kept.
pub fn complete(tx: &mut Tx<'_>, claimed: &Claimed, now: Timestamp, result: Value) -> Result<()> {
    let changed = tx.execute(
        "UPDATE jobs SET state = 'succeeded', finished_at = $1, result = $2, lease_token = NULL, lease_until = NULL, \
         error_code = NULL, error = NULL WHERE id = $3 AND attempt = $4 AND lease_token = $5 AND state = 'running'",
        &params![now, result, &claimed.job.id, claimed.job.attempt, &claimed.lease_token],
    )?;
    unless_fenced(changed)
}

/// Whether a job of this kind and owner waits or runs.
///
/// # Errors
/// Those of the database.
pub fn unfinished(tx: &mut Tx<'_>, kind: &str, owner: &str) -> Result<bool> {
    let row = tx.query_one(
        "SELECT COUNT(*) AS jobs FROM jobs WHERE kind = $1 AND owner = $2 AND state IN ('queued', 'running')",
        &params![kind, owner],
    )?;
    Ok(row.map_or(Ok(0), |row| row.get::<i64>("jobs"))? > 0)
}

/// When the next job of this kind and owner is due; the due time of one that runs has passed.
///
/// # Errors
/// Those of the database.
pub fn next_of(tx: &mut Tx<'_>, kind: &str, owner: &str) -> Result<Option<Timestamp>> {
    let row = tx.query_one(
        "SELECT MIN(due_at) AS due FROM jobs WHERE kind = $1 AND owner = $2 AND state IN ('queued', 'running')",
        &params![kind, owner],
    )?;
    row.map_or(Ok(None), |row| row.get("due"))
}

/// The jobs of a database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Jobs {
    db: Db,
    clock: Arc<dyn Clock>,
    bell: Arc<Bell>,
}

/// Wakes workers that wait.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Jobs {
    /// The jobs of `db`, on the time of `clock`.
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, bell: Arc::default() }
    }

    /// Adds a job in a transaction of its own and wakes a worker; `false` when its key was enqueued before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn enqueue(&self, job: NewJob) -> Result<bool> {
        let now = self.clock.now();
        let added = self.db.write(move |tx| enqueue(tx, &job, now))?;
        self.wake();
        Ok(added)
    }

    /// Lets waiting workers of this process look at once, after jobs were enqueued in a transaction.
    pub fn wake(&self) {
        *self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.bell.changed.notify_all();
    }

    /// How often [`Jobs::wake`] was called, to wait for the next time.
    pub(crate) fn rung(&self) -> u64 {
        *self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until [`Jobs::wake`] is called after `seen`, at most `longest`.
    pub(crate) fn wait(&self, seen: u64, longest: Duration) {
        let rung = self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = std::time::Duration::from_millis(longest.0.unsigned_abs());
        drop(self.bell.changed.wait_timeout_while(rung, longest, |rung| *rung == seen));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes the first job that is due, of these kinds (all when empty): by due time, then the highest priority, then
    /// id. That includes jobs whose worker's lease is over, and those that this very worker had when it crashed, so a
    /// worker's name must be its own for as long as it lives.
    ///
    /// # Errors
    /// Those of the database.
    pub fn claim(&self, kinds: &[&str], worker: &str, lease: Duration) -> Result<Option<Claimed>> {
        let now = self.clock.now();
        // Most looks find nothing, and a look that only reads costs no commit.
        if self.db.read(|tx| first_due(tx, kinds, worker, now))?.is_none() {
            return Ok(None);
        }
        let (kinds, worker): (Vec<String>, _) =
            (kinds.iter().map(|kind| (*kind).to_owned()).collect(), worker.to_owned());
        self.db.write(move |tx| {
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            while let Some(job) = first_due(tx, &kinds, &worker, now)? {
                if job.attempt.saturating_sub(job.failures) < LOST_WORKERS {
                    return take(tx, job, &worker, now, lease).map(Some);
                }
                give_up(tx, &job, now)?;
            }
            Ok(None)
        })
    }

    /// Prolongs the lease of a job that still runs.
    ///
    /// # Errors
    /// `Fenced` when the job is no longer this worker's.
    pub fn heartbeat(&self, claimed: &Claimed) -> Result<()> {
        let until = self.clock.now() + claimed.lease;
        let Claimed { job, lease_token, .. } = claimed.clone();
        self.db.write(move |tx| {
            unless_fenced(tx.execute(
                "UPDATE jobs SET lease_until = $1 \
                 WHERE id = $2 AND attempt = $3 AND lease_token = $4 AND state = 'running'",
                &params![until, job.id, job.attempt, lease_token],
            )?)
        })
    }

    /// Makes a job's changes and marks it as succeeded, in one transaction.
    ///
    /// # Errors
    /// `Fenced` when the job is no longer this worker's; what the changes fail with.
    pub fn finish(&self, claimed: &Claimed, outcome: Outcome) -> Result<()> {
        let (now, claimed) = (self.clock.now(), claimed.clone());
        self.db.write(move |tx| {
            complete(tx, &claimed, now, outcome.result)?;
            (outcome.effects)(tx)
        })?;
        self.wake();
        Ok(())
    }

    /// Records that an attempt ended with an error, and says where the job stands now: queued again, later each time,
    /// when the error may pass and attempts are left; otherwise failed.
    ///
    /// # Errors
    /// `Fenced` when the job is no longer this worker's.
    pub fn fail(&self, claimed: &Claimed, error: &Error) -> Result<State> {
        let now = self.clock.now();
        let failures = claimed.job.failures + 1;
        let again = is_transient(error.code()) && failures < claimed.job.max_attempts;
        let (state, due_at, finished_at) = match again {
            true => (State::Queued, now + backoff(failures), None),
            false => (State::Failed, claimed.job.due_at, Some(now)),
        };
        let (code, text) = (error.code().as_str(), error.message().to_owned());
        let Claimed { job, lease_token, .. } = claimed.clone();
        self.db.write(move |tx| {
            unless_fenced(tx.execute(
                "UPDATE jobs SET state = $1, failures = $2, due_at = $3, finished_at = $4, error_code = $5, error = $6, \
                 lease_token = NULL, lease_until = NULL \
                 WHERE id = $7 AND attempt = $8 AND lease_token = $9 AND state = 'running'",
                &params![state.as_str(), failures, due_at, finished_at, code, text, job.id, job.attempt, lease_token],
            )?)
        })?;
        Ok(state)
    }

    /// Puts a job back as it was before it was taken.
    ///
    /// # Errors
    /// `Fenced` when the job is no longer this worker's.
    pub(crate) fn release(&self, claimed: &Claimed) -> Result<()> {
        let Claimed { job, lease_token, .. } = claimed.clone();
        self.db.write(move |tx| {
            unless_fenced(tx.execute(
                "UPDATE jobs SET state = 'queued', attempt = attempt - 1, lease_token = NULL, lease_until = NULL \
                 WHERE id = $1 AND attempt = $2 AND lease_token = $3 AND state = 'running'",
                &params![job.id, job.attempt, lease_token],
            )?)
        })
    }

    /// Withdraws a job; `false` when it is over already or there is none with this key. What a worker is doing for it
    /// right now will be discarded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn cancel(&self, key: &str) -> Result<bool> {
        let (now, key) = (self.clock.now(), key.to_owned());
        let changed = self.db.write(move |tx| {
            tx.execute(
                "UPDATE jobs SET state = 'cancelled', finished_at = $1, lease_token = NULL, lease_until = NULL \
                 WHERE key = $2 AND state IN ('queued', 'running')",
                &params![now, key],
            )
        })?;
        Ok(changed == 1)
    }

    /// The next moment at which there is something to do: a job that is not over becomes due, or a schedule's time
    /// comes. A moment that has passed means that there is work now. A virtual clock is moved here.
    ///
    /// # Errors
    /// Those of the database.
    pub fn next_due(&self) -> Result<Option<Timestamp>> {
        self.earliest(
            "SELECT MIN(due_at) AS at FROM (SELECT due_at FROM jobs WHERE state IN ('queued', 'running') \
             UNION ALL SELECT next_at AS due_at FROM schedules) AS moments",
        )
    }

    /// As [`Jobs::next_due`], without the jobs that somebody runs.
    pub(crate) fn next_queued(&self) -> Result<Option<Timestamp>> {
        self.earliest(
            "SELECT MIN(due_at) AS at FROM (SELECT due_at FROM jobs WHERE state IN ('queued', 'running') \
             AND state = 'queued' UNION ALL SELECT next_at AS due_at FROM schedules) AS moments",
        )
    }

    fn earliest(&self, sql: &str) -> Result<Option<Timestamp>> {
        let row = self.db.read(|tx| tx.query_one(sql, &[]))?;
        row.map_or(Ok(None), |row| row.get("at"))
    }

    /// Enqueues what the schedules say is due at `now`, each occurrence once, whoever calls it how often; occurrences
    /// that were missed become one. Returns how many jobs were added.
    ///
    /// # Errors
    /// Those of the database.
    pub fn tick(&self, now: Timestamp) -> Result<usize> {
        schedule::tick(&self.db, now)
    }

    /// The job with this id or key.
    ///
    /// # Errors
    /// Those of the database.
    pub fn get(&self, id_or_key: &str) -> Result<Option<Job>> {
        let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE id = $1 OR key = $1 ORDER BY id = $1 DESC LIMIT 1");
        self.db.read(|tx| tx.query_one(&sql, &params![id_or_key])?.as_ref().map(Job::from_row).transpose())
    }

    /// The jobs that match, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Job>> {
        let mut sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE 1 = 1");
        let mut values: Vec<Param> = Vec::new();
        let wanted = [
            ("state", filter.state.map(State::as_str)),
            ("kind", filter.kind.as_deref()),
            ("owner", filter.owner.as_deref()),
        ];
        for (column, value) in wanted {
            if let Some(value) = value {
                values.push(value.into());
                sql.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        values.push(filter.limit.unwrap_or(limits::PAGE_ROWS).min(limits::PAGE_ROWS).into());
        sql.push_str(&format!(" ORDER BY created_at DESC, id LIMIT ${}", values.len()));
        self.db.read(|tx| tx.query(&sql, &values)?.iter().map(Job::from_row).collect())
    }
}

fn first_due(tx: &mut Tx<'_>, kinds: &[&str], worker: &str, now: Timestamp) -> Result<Option<Job>> {
    let mut values = params![now, worker].to_vec();
    values.extend(kinds.iter().map(|kind| Param::from(*kind)));
    let places: Vec<String> = (3..values.len() + 1).map(|place| format!("${place}")).collect();
    let of_kinds = if kinds.is_empty() { String::new() } else { format!("AND kind IN ({})", places.join(", ")) };
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE state IN ('queued', 'running') AND due_at <= $1 \
         AND (state = 'queued' OR lease_until <= $1 OR worker = $2) {of_kinds} \
         ORDER BY due_at, priority DESC, id LIMIT 1"
    );
    tx.query_one(&sql, &values)?.as_ref().map(Job::from_row).transpose()
}

fn take(tx: &mut Tx<'_>, mut job: Job, worker: &str, now: Timestamp, lease: Duration) -> Result<Claimed> {
    job.state = State::Running;
    job.attempt += 1;
    job.worker = Some(worker.to_owned());
    job.started_at = Some(now);
    job.lease_until = Some(now + lease);
    let lease_token = id::derived("lease", &[job.id.as_bytes(), &job.attempt.to_le_bytes(), worker.as_bytes()]);
    tx.execute(
        "UPDATE jobs SET state = 'running', attempt = $1, worker = $2, started_at = $3, lease_until = $4, \
         lease_token = $5 WHERE id = $6",
        &params![job.attempt, worker, now, job.lease_until, &lease_token, &job.id],
    )?;
    Ok(Claimed { job, lease_token, lease })
}

fn give_up(tx: &mut Tx<'_>, job: &Job, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE jobs SET state = 'failed', finished_at = $1, error_code = $2, error = $3, lease_token = NULL, \
         lease_until = NULL WHERE id = $4",
        &params![
            now,
            ErrorCode::Unavailable.as_str(),
            format!("{LOST_WORKERS} workers were lost while they ran this job"),
            &job.id
        ],
    )?;
    Ok(())
}

fn unless_fenced(changed: u64) -> Result<()> {
    match changed {
        0 => Err(Error::new(
            ErrorCode::Fenced,
            "the job was taken over or cancelled; this worker's outcome is discarded",
        )),
        _ => Ok(()),
    }
}

/// Whether the same work may succeed later.
pub(crate) fn is_transient(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Unavailable | ErrorCode::Overloaded | ErrorCode::StorageFull | ErrorCode::Internal)
}

/// The wait after the given number of failures. No jitter: writers take turns anyway, and a replay must be the same.
fn backoff(failures: u32) -> Duration {
    let doubled = FIRST_BACKOFF.0.saturating_mul(1 << failures.saturating_sub(1).min(30));
    Duration(doubled.min(LONGEST_BACKOFF.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_limit() {
        assert_eq!([1, 2, 3, 4].map(|failures| backoff(failures).0), [1000, 2000, 4000, 8000]);
        assert_eq!(backoff(u32::MAX), LONGEST_BACKOFF);
    }
}
