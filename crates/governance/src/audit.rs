//! The audit log: an append-only chain in which each event carries the hash of the one before, so that an edit, a
//! deletion, an insertion or a reordering shows.

use flyball_core::{Error, Permit, Result, Timestamp};
use flyball_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not permitted, or a rule forbade it.
    Denied,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Denied => "denied",
            Outcome::Failed => "failed",
        }
    }
}

/// Who did what to what, when, with which outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Where: the workspace.
    pub workspace: String,
    /// Who: `user:…`, `loop:…`.
    pub actor: String,
    /// What: a verb with its noun in front, such as `model.promote`.
    pub action: String,
    /// To what, such as `loop/flight-delays` or `model/flight-delays/3`.
    pub resource: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The evidence: numbers and texts behind the decision.
    pub details: serde_json::Value,
}

impl Event {
    /// An event of the permit's holder that was done; add evidence with `details`.
    pub fn done<L>(permit: &Permit<L>, at: Timestamp, action: &str, resource: impl Into<String>) -> Self {
        Self {
            at,
            workspace: permit.workspace().to_string(),
            actor: permit.actor().to_owned(),
            action: action.to_owned(),
            resource: resource.into(),
            outcome: Outcome::Done,
            details: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The same event with another outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same event with its evidence.
    #[must_use]
    pub fn details(mut self, details: serde_json::Value) -> Self {
        self.details = details;
        self
    }
}

/// An event in the chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// The chain's hash up to and including this event (SHA-256, hexadecimal).
    pub hash: String,
}

/// Appends an event to the chain, inside the transaction of the change that it tells of.
pub fn record(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    let last = tx.query_one("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1", &[])?;
    let (seq, previous) = match last {
        Some(row) => (row.get::<i64>("seq")? + 1, row.get::<String>("hash")?),
        None => (1, String::new()),
    };
    let hash = chain_hash(&previous, seq, event)?;
    tx.execute(
        "INSERT INTO audit_events (seq, at, workspace, actor, action, resource, outcome, details, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &params![
            seq,
            event.at,
            event.workspace.as_str(),
            event.actor.as_str(),
            event.action.as_str(),
            event.resource.as_str(),
            event.outcome.as_str(),
            event.details.to_string(),
            hash
        ],
    )?;
    Ok(())
}

/// The newest `limit` events whose number is below `before` (all when `None`), newest first.
pub fn newest(tx: &mut Tx<'_>, before: Option<i64>, limit: usize) -> Result<Vec<Recorded>> {
    let rows = tx.query(
        "SELECT seq, at, workspace, actor, action, resource, outcome, details, hash FROM audit_events \
         WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
        &params![before.unwrap_or(i64::MAX), limit as i64],
    )?;
    rows.iter().map(from_row).collect()
}

/// The events after `seq`, oldest first.
pub fn since(tx: &mut Tx<'_>, seq: i64, limit: usize) -> Result<Vec<Recorded>> {
    let rows = tx.query(
        "SELECT seq, at, workspace, actor, action, resource, outcome, details, hash FROM audit_events \
         WHERE seq > $1 ORDER BY seq LIMIT $2",
        &params![seq, limit as i64],
    )?;
    rows.iter().map(from_row).collect()
}

/// Walks the chain and answers how many events it holds, or an error that names the first bad one.
pub fn verify(tx: &mut Tx<'_>) -> Result<i64> {
    let (mut seq, mut previous) = (0, String::new());
    loop {
        let batch = since(tx, seq, 1000)?;
        if batch.is_empty() {
            return Ok(seq);
        }
        for recorded in batch {
            let sound =
                recorded.seq == seq + 1 && recorded.hash == chain_hash(&previous, recorded.seq, &recorded.event)?;
            if !sound {
                return Err(Error::new(
                    flyball_core::ErrorCode::InvalidData,
                    format!("the audit log was changed at event {}", seq + 1),
                )
                .hint("compare the database with its last backup"));
            }
            (seq, previous) = (recorded.seq, recorded.hash);
        }
    }
}

fn from_row(row: &Row) -> Result<Recorded> {
    let outcome = match row.get::<String>("outcome")?.as_str() {
        "done" => Outcome::Done,
        "denied" => Outcome::Denied,
        _ => Outcome::Failed,
    };
    Ok(Recorded {
        seq: row.get("seq")?,
        hash: row.get("hash")?,
        event: Event {
            at: row.get("at")?,
            workspace: row.get("workspace")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            resource: row.get("resource")?,
            outcome,
            details: row.get("details")?,
        },
    })
}

fn chain_hash(previous: &str, seq: i64, event: &Event) -> Result<String> {
    let canonical = serde_json::to_vec(&(seq, event)).map_err(Error::internal)?;
    let mut hasher = Sha256::new();
    hasher.update(b"flyball.audit.v1\0");
    hasher.update(previous.as_bytes());
    hasher.update(b"\0");
    hasher.update(&canonical);
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
