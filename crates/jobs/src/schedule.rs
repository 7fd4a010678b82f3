//! Jobs that come back by the calendar: cron patterns in UTC.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use flyball_core::{Error, Result, Timestamp};
use flyball_store::{Db, Row, Tx, params};
use serde_json::Value;

use crate::model::NewJob;
use crate::queue::enqueue;

/// A job that is enqueued whenever its cron pattern says so.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// What it is called; unique.
    pub name: String,
    /// A cron pattern of five fields (or six, with seconds first), in UTC.
    pub cron: String,
    /// Which handler runs its jobs.
    pub kind: String,
    /// What its jobs belong to.
    pub owner: String,
    /// What the handler needs to know. The job's due time tells the occurrence.
    pub payload: Value,
    /// The priority of its jobs.
    pub priority: i32,
    /// After this many failures a job of it is not tried again.
    pub max_attempts: u32,
}

/// Adds a schedule or changes the one of this name. The first occurrence is the first after `now`; a schedule whose
/// pattern stays the same keeps its next occurrence, even one that was missed.
///
/// # Errors
/// `InvalidInput` for a pattern that cannot be understood or never occurs again.
pub fn upsert_schedule(tx: &mut Tx<'_>, schedule: &Schedule, now: Timestamp) -> Result<()> {
    let next_at = next_after(&schedule.cron, now)?;
    tx.execute(
        "INSERT INTO schedules (name, cron, kind, owner, payload, priority, max_attempts, next_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, \
         owner = excluded.owner, payload = excluded.payload, priority = excluded.priority, \
         max_attempts = excluded.max_attempts, cron = excluded.cron, \
         next_at = CASE WHEN schedules.cron = excluded.cron THEN schedules.next_at ELSE excluded.next_at END",
        &params![
            &schedule.name,
            &schedule.cron,
            &schedule.kind,
            &schedule.owner,
            &schedule.payload,
            schedule.priority,
            schedule.max_attempts,
            next_at
        ],
    )?;
    Ok(())
}

/// Removes a schedule; `false` when there is none of this name. Jobs that it enqueued stay.
///
/// # Errors
/// Those of the database.
pub fn remove_schedule(tx: &mut Tx<'_>, name: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM schedules WHERE name = $1", &params![name])? == 1)
}

pub(crate) fn tick(db: &Db, now: Timestamp) -> Result<usize> {
    // Nearly always nothing is due, and then no write is needed.
    if db.read(|tx| due(tx, now))?.is_empty() {
        return Ok(0);
    }
    db.write(move |tx| {
        let mut added = 0;
        for row in due(tx, now)? {
            let (name, cron): (String, String) = (row.get("name")?, row.get("cron")?);
            let occurrence = last_until(&cron, now)?;
            added += usize::from(enqueue(tx, &job(&row, &name, occurrence)?, now)?);
            match next_after(&cron, now) {
                Ok(next_at) => {
                    tx.execute("UPDATE schedules SET next_at = $1 WHERE name = $2", &params![next_at, &name])?;
                }
                Err(_) => {
                    tracing::info!(schedule = name, "a schedule was removed: it does not occur again");
                    remove_schedule(tx, &name)?;
                }
            }
        }
        Ok(added)
    })
}

fn due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Row>> {
    tx.query(
        "SELECT name, cron, kind, owner, payload, priority, max_attempts FROM schedules \
         WHERE next_at <= $1 ORDER BY next_at, name",
        &params![now],
    )
}

fn job(row: &Row, name: &str, occurrence: Timestamp) -> Result<NewJob> {
    Ok(NewJob {
        kind: row.get("kind")?,
        key: format!("schedule:{name}:{}", occurrence.0),
        owner: row.get("owner")?,
        payload: row.get("payload")?,
        due_at: occurrence,
        priority: row.get("priority")?,
        max_attempts: row.get("max_attempts")?,
    })
}

fn next_after(cron: &str, now: Timestamp) -> Result<Timestamp> {
    let found = parse(cron)?.find_next_occurrence(&calendar(now)?, false);
    found.map(|at| Timestamp(at.timestamp_millis())).map_err(|error| {
        Error::invalid(format!("the schedule '{cron}' never comes"))
            .hint("check day and month of the pattern")
            .cause(error)
    })
}

/// The last occurrence that is not after `now`.
fn last_until(cron: &str, now: Timestamp) -> Result<Timestamp> {
    let found = parse(cron)?.find_previous_occurrence(&calendar(now)?, true);
    found.map(|at| Timestamp(at.timestamp_millis())).map_err(Error::internal)
}

fn parse(cron: &str) -> Result<Cron> {
    Cron::from_str(cron).map_err(|error| {
        Error::invalid(format!("'{cron}' is not a cron pattern: {error}"))
            .hint("write minute, hour, day, month and weekday, for example '0 3 * * *' for 03:00 UTC every day")
    })
}

fn calendar(at: Timestamp) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0).ok_or_else(|| Error::internal("a time beyond the calendar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_in_utc_and_strictly_after() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(next_after("0 3 * * *", at("2013-03-01T03:00:00Z")).unwrap(), at("2013-03-02T03:00:00Z"));
        assert_eq!(last_until("0 3 * * *", at("2013-03-01T03:00:00Z")).unwrap(), at("2013-03-01T03:00:00Z"));
        assert_eq!(last_until("0 3 * * *", at("2013-03-09T01:30:00Z")).unwrap(), at("2013-03-08T03:00:00Z"));
        assert!(next_after("61 * * * *", at("2013-03-01")).is_err());
        assert!(next_after("0 0 30 2 *", at("2013-03-01")).unwrap_err().message().contains("never comes"));
    }
}
