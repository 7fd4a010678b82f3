//! Evaluations as they are kept: who asked what of which version, and the report with its evidence.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp, id, limits};
use flyball_governance::{Event, Outcome, audit};
use flyball_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Why an evaluation was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody asked for a version on a dataset.
    Suite,
    /// The suites of a loop, at training.
    Training,
    /// Recorded traffic, asked of a candidate.
    Replay,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Suite => "suite",
            Kind::Training => "training",
            Kind::Replay => "replay",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let known = [Kind::Suite, Kind::Training, Kind::Replay].into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| Error::internal(format!("'{text}' is no kind of evaluation")))
    }
}

/// Where an evaluation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was asked for and is being made.
    Waiting,
    /// It is made, whatever it found.
    Done,
    /// It could not be made; the error says why.
    Failed,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Done => "done",
            State::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let known = [State::Waiting, State::Done, State::Failed].into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| Error::internal(format!("'{text}' is no state of an evaluation")))
    }
}

/// An evaluation without its report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptEvaluation {
    /// Its id.
    pub id: String,
    /// Why it was made.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// What it was asked: a dataset version as `NAME@NUMBER`, or an endpoint whose traffic is replayed.
    pub subject: String,
    /// Whether it passed; `None` until it is done.
    pub passed: Option<bool>,
    /// Why it could not be made.
    pub error: Option<String>,
    /// What was asked for.
    pub request: Value,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Who asked.
    pub created_by: String,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
}

/// An evaluation to be made.
#[derive(Clone, Debug)]
pub struct NewEvaluation<'a> {
    /// Why it is made.
    pub kind: Kind,
    /// The registered model.
    pub model: &'a str,
    /// Its version.
    pub version: i64,
    /// What it is asked.
    pub subject: &'a str,
    /// What is asked for, for whoever reads it later.
    pub request: Value,
}

impl NewEvaluation<'_> {
    /// The id that follows from what is asked, by whom and when; `count` tells apart what is asked at the same moment.
    fn id(&self, permit: &Permit<Edit>, now: Timestamp, count: i64) -> String {
        let (request, at, number) = (self.request.to_string(), now.0.to_le_bytes(), self.version.to_le_bytes());
        let count = count.to_le_bytes();
        let texts = [permit.workspace().as_str(), self.kind.as_str(), self.model, self.subject, &request];
        let mut parts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        parts.extend([&at[..], &number[..], &count[..]]);
        id::derived("eval", &parts)
    }
}

/// Notes an evaluation that shall be made, and tells its id.
///
/// # Errors
/// Those of the database.
pub fn open(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewEvaluation<'_>, now: Timestamp) -> Result<String> {
    let row = tx.query_one(
        "SELECT COUNT(*) AS n FROM evaluations WHERE workspace = $1 AND created_at = $2",
        &params![permit.workspace(), now],
    )?;
    let id = new.id(permit, now, row.map_or(Ok(0), |row| row.get("n"))?);
    tx.execute(
        "INSERT INTO evaluations (id, workspace, kind, state, model, version, subject, request, created_at, created_by) \
         VALUES ($1, $2, $3, 'waiting', $4, $5, $6, $7, $8, $9)",
        &params![
            &id,
            permit.workspace(),
            new.kind.as_str(),
            new.model,
            new.version,
            new.subject,
            new.request.to_string(),
            now,
            permit.actor()
        ],
    )?;
    let event = Event::done(permit, now, "evaluation.ask", format!("evaluation/{id}"))
        .details(json!({ "kind": new.kind, "model": new.model, "version": new.version, "subject": new.subject }));
    audit::record(tx, &event)?;
    Ok(id)
}

/// Keeps what an evaluation found. One that is finished stays as it is.
///
/// # Errors
/// Those of the database.
pub fn finish(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    passed: bool,
    report: &Value,
    now: Timestamp,
) -> Result<()> {
    let changed = tx.execute(
        "UPDATE evaluations SET state = 'done', passed = $3, report = $4, finished_at = $5 \
         WHERE workspace = $1 AND id = $2 AND state = 'waiting'",
        &params![permit.workspace(), id, passed, report.to_string(), now],
    )?;
    let outcome = if passed { Outcome::Done } else { Outcome::Denied };
    if changed > 0 {
        let event = Event::done(permit, now, "evaluation.finish", format!("evaluation/{id}"));
        audit::record(tx, &event.outcome(outcome).details(json!({ "passed": passed })))?;
    }
    Ok(())
}

/// Notes that an evaluation could not be made.
///
/// # Errors
/// Those of the database.
pub fn give_up(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, error: &str, now: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE evaluations SET state = 'failed', error = $3, finished_at = $4 \
         WHERE workspace = $1 AND id = $2 AND state = 'waiting'",
        &params![permit.workspace(), id, error, now],
    )?;
    if changed > 0 {
        let event = Event::done(permit, now, "evaluation.finish", format!("evaluation/{id}"));
        audit::record(tx, &event.outcome(Outcome::Failed).details(json!({ "error": error })))?;
    }
    Ok(())
}

const COLUMNS: &str =
    "id, kind, state, model, version, subject, passed, error, request, created_at, created_by, finished_at";

/// An evaluation with its report, which is there when it is done.
///
/// # Errors
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<(KeptEvaluation, Option<Value>)> {
    let sql = format!("SELECT {COLUMNS}, report FROM evaluations WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?;
    let row = row.ok_or_else(|| Error::not_found("evaluation", id).hint("`flyball evaluate` makes one"))?;
    let report = row.get::<Option<String>>("report")?;
    Ok((from_row(&row)?, report.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()?))
}

/// The newest evaluations, of one version or of all, the newest first; at most a page.
///
/// # Errors
/// Those of the database.
pub fn newest(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    version: Option<(&str, i64)>,
    limit: usize,
) -> Result<Vec<KeptEvaluation>> {
    let limit = limit.min(limits::PAGE_ROWS) as i64;
    let rows = match version {
        None => {
            let sql =
                format!("SELECT {COLUMNS} FROM evaluations WHERE workspace = $1 ORDER BY created_at DESC, id LIMIT $2");
            tx.query(&sql, &params![permit.workspace(), limit])?
        }
        Some((model, version)) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM evaluations WHERE workspace = $1 AND model = $2 AND version = $3 \
                 ORDER BY created_at DESC, id LIMIT $4"
            );
            tx.query(&sql, &params![permit.workspace(), model, version, limit])?
        }
    };
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<KeptEvaluation> {
    Ok(KeptEvaluation {
        id: row.get("id")?,
        kind: Kind::parse(&row.get::<String>("kind")?)?,
        state: State::parse(&row.get::<String>("state")?)?,
        model: row.get("model")?,
        version: row.get("version")?,
        subject: row.get("subject")?,
        passed: row.get("passed")?,
        error: row.get("error")?,
        request: serde_json::from_str(&row.get::<String>("request")?).map_err(Error::internal)?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        finished_at: row.get("finished_at")?,
    })
}

#[cfg(test)]
mod tests {
    use flyball_governance::identity;
    use flyball_testkit::on_both;

    use super::*;

    #[test]
    fn an_evaluation_is_kept_with_its_report_and_ends_once() {
        on_both(|db| {
            let permit = identity::local_user().unwrap().edit();
            let reader = permit.read();
            let asked = db.write(move |tx| {
                let new = |version| NewEvaluation {
                    kind: Kind::Suite,
                    model: "late",
                    version,
                    subject: "flights@1",
                    request: json!({ "label": "late" }),
                };
                let ids =
                    [(1, 10), (1, 10), (2, 20)].map(|(version, at)| open(tx, &permit, &new(version), Timestamp(at)));
                let [first, second, third] = ids;
                let (first, second, third) = (first?, second?, third?);
                finish(tx, &permit, &first, false, &json!({ "checks": [1] }), Timestamp(30))?;
                give_up(tx, &permit, &second, "no rows", Timestamp(30))?;
                finish(tx, &permit, &second, true, &json!({}), Timestamp(40))?;
                Ok([first, second, third])
            });
            let [first, second, third] = asked.unwrap();
            assert_ne!(first, second, "asked twice at the same moment");
            db.read(|tx| {
                let (kept, report) = get(tx, &reader, &first)?;
                assert_eq!((kept.state, kept.passed, kept.version), (State::Done, Some(false), 1));
                assert_eq!(report, Some(json!({ "checks": [1] })));
                let (kept, report) = get(tx, &reader, &second)?;
                assert_eq!((kept.state, kept.passed, kept.error.as_deref()), (State::Failed, None, Some("no rows")));
                assert_eq!((kept.finished_at, report), (Some(Timestamp(30)), None));
                let newest_ids: Vec<String> = newest(tx, &reader, None, 10)?.into_iter().map(|one| one.id).collect();
                assert_eq!((newest_ids.len(), &newest_ids[0]), (3, &third));
                assert_eq!(newest(tx, &reader, Some(("late", 1)), 10)?.len(), 2);
                assert_eq!(newest(tx, &reader, None, 1)?.len(), 1);
                let nothing = get(tx, &reader, "eval_nothing").unwrap_err();
                assert_eq!(nothing.code(), flyball_core::ErrorCode::NotFound);
                Ok(())
            })
            .unwrap();
        });
    }
}
