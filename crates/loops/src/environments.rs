//! What a version needs before it may serve in an environment: to have served in another one long enough and soundly, and
//! somebody's approval.

use flyball_core::{Digest, Edit, Error, ErrorCode, Manifest, Name, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_serving::store;
use flyball_store::{OnConflict, Row, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::deploy::Prepared;
use crate::handmade::{self, PlanBody};
use crate::platform::Platform;

/// The rules of an environment. Without any, everything may serve there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentRules {
    /// The environment where the very same version must serve already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    /// For how long, in milliseconds.
    pub soak_ms: i64,
    /// How many requests it must have answered there.
    pub fewest_requests: u64,
    /// The largest share of them that may have failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_errors: Option<f64>,
    /// Whether a person must agree before it gets all traffic.
    pub approval: bool,
    /// Whether models that run code of their own, such as pickles, may not serve here.
    pub refuse_code: bool,
}

/// An environment with its rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Environment {
    /// The name.
    pub name: String,
    /// What a version needs.
    pub rules: EnvironmentRules,
    /// The endpoints that stand there.
    pub endpoints: Vec<String>,
}

/// The environments that there always are.
const USUAL: [&str; 3] = ["dev", "staging", store::PRODUCTION];

/// All environments: the usual ones, those with rules, and those where an endpoint stands.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<Environment>> {
    let rows = tx.query(
        "SELECT name, rules FROM environments WHERE workspace = $1 ORDER BY name",
        &params![permit.workspace()],
    )?;
    let mut all: Vec<Environment> = Vec::new();
    for row in &rows {
        all.push(Environment { name: row.get("name")?, rules: read(row)?, endpoints: Vec::new() });
    }
    let empty =
        |name: &str| Environment { name: name.to_owned(), rules: EnvironmentRules::default(), endpoints: Vec::new() };
    for name in USUAL {
        if !all.iter().any(|environment| environment.name == name) {
            all.push(empty(name));
        }
    }
    for endpoint in store::endpoints(tx)? {
        if endpoint.workspace != permit.workspace().as_str() {
            continue;
        }
        let place = all.iter().position(|environment| environment.name == endpoint.environment);
        let place = place.unwrap_or_else(|| {
            all.push(empty(&endpoint.environment));
            all.len() - 1
        });
        all[place].endpoints.push(endpoint.name.to_string());
    }
    let rank = |name: &str| USUAL.iter().position(|usual| *usual == name).unwrap_or(USUAL.len());
    all.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name)));
    Ok(all)
}

/// Gives an environment rules.
///
/// # Errors
/// `InvalidInput` for rules that make no sense.
pub fn set_rules(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    rules: &EnvironmentRules,
    now: Timestamp,
) -> Result<()> {
    if rules.soak_ms < 0 || rules.most_errors.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err(Error::invalid("soak_ms is a span of time, most_errors a share from 0 to 1"));
    }
    if rules.after.is_none() && (rules.soak_ms > 0 || rules.fewest_requests > 0 || rules.most_errors.is_some()) {
        return Err(Error::invalid("soak_ms, fewest_requests and most_errors need an environment to serve in before")
            .hint("name it with `after`"));
    }
    if rules.after.as_ref() == Some(name) {
        return Err(Error::invalid("an environment cannot come after itself"));
    }
    let text = serde_json::to_string(rules).map_err(Error::internal)?;
    tx.execute("DELETE FROM environments WHERE workspace = $1 AND name = $2", &params![permit.workspace(), name])?;
    let row = params![permit.workspace(), name, text, now].to_vec();
    tx.insert_rows("environments", &["workspace", "name", "rules", "changed_at"], &[row], OnConflict::Fail)?;
    audit::record(
        tx,
        &Event::done(permit, now, "environment.rules", format!("environment/{name}")).details(json!(rules)),
    )
}

/// The rules of an environment.
///
/// # Errors
/// Those of the database.
pub fn rules(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<EnvironmentRules> {
    let row = tx.query_one(
        "SELECT rules FROM environments WHERE workspace = $1 AND name = $2",
        &params![permit.workspace(), name],
    )?;
    row.as_ref().map_or(Ok(EnvironmentRules::default()), read)
}

fn read(row: &Row) -> Result<EnvironmentRules> {
    serde_json::from_str(&row.get::<String>("rules")?).map_err(Error::internal)
}

/// What an environment demands of an artifact that shall serve there; whether it still needs approval.
///
/// # Errors
/// `Conflict` that says what is missing.
pub(crate) fn admit(
    platform: &Platform,
    permit: &Permit<Read>,
    environment: &str,
    artifact: Digest,
    now: Timestamp,
) -> Result<bool> {
    let rules = platform.db.read(|tx| rules(tx, permit, environment))?;
    if rules.refuse_code && Manifest::read(&platform.blobs.get(&artifact)?)?.is_some_and(|one| one.format.runs_code()) {
        let message = format!("models that run code of their own may not serve in {environment}");
        return Err(Error::new(ErrorCode::Conflict, message)
            .hint("log the model as ONNX; `flyball environments list` shows the rules"));
    }
    let Some(after) = &rules.after else { return Ok(rules.approval) };
    let refuse = |what: String| {
        Err(Error::new(ErrorCode::Conflict, format!("the version may not serve in {environment} yet: {what}"))
            .hint(format!("let it serve in {after} first; `flyball environments list` shows the rules")))
    };
    let mut best: Option<String> = None;
    for live in platform.serving.live().iter().filter(|live| live.endpoint.environment == after.as_str()) {
        let serves = live.revisions.iter().find(|one| one.revision.artifact == artifact && one.per_mille > 0);
        let Some(one) = serves else { continue };
        let counters = platform.serving.counters(live.endpoint.name.as_str(), &one.revision.id).unwrap_or_default();
        let served = now.0 - one.revision.created_at.0;
        let missing = if served < rules.soak_ms {
            format!("it has served in {after} for {} s of {}", served / 1000, rules.soak_ms / 1000)
        } else if counters.requests < rules.fewest_requests {
            format!("it has answered {} requests in {after}, of {}", counters.requests, rules.fewest_requests)
        } else if rules.most_errors.is_some_and(|most| counters.error_rate() > most) {
            format!("{} of its requests in {after} failed", counters.errors)
        } else {
            return Ok(rules.approval);
        };
        best = Some(missing);
    }
    refuse(best.unwrap_or_else(|| format!("it does not serve in {after}")))
}

/// A promotion: what serves at one endpoint shall serve at another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The endpoint whose version is taken: that with the largest share.
    pub from: Name,
    /// Where the receiving endpoint stands, when it is made by this.
    #[serde(default)]
    pub environment: Option<Name>,
    /// How the traffic moves.
    #[serde(flatten)]
    pub plan: PlanBody,
}

/// Starts to move the traffic of `to` to the version that serves at another endpoint.
///
/// # Errors
/// As [`handmade::start`]; `Conflict` when the environment demands more.
pub fn promote(
    platform: &Platform,
    permit: &Permit<Edit>,
    to: &Name,
    promotion: &Promotion,
    now: Timestamp,
) -> Result<flyball_serving::rollout::Rollout> {
    let source = platform.serving.endpoint(promotion.from.as_str())?;
    let serving = source.revisions.iter().max_by_key(|live| live.per_mille);
    let revision = &serving
        .ok_or_else(|| Error::new(ErrorCode::Conflict, format!("nothing serves at {}", promotion.from)))?
        .revision;
    let (model, version): (Name, i64) = (revision.model.parse()?, revision.version);
    // The very same bytes, and not what the registry holds by now.
    let prepared = Prepared::new(revision.artifact, platform.serving.load(revision.artifact)?);
    if let Some(environment) = &promotion.environment {
        let (owner, name, environment) = (permit.clone(), to.clone(), environment.clone());
        platform.db.write(move |tx| {
            store::create_endpoint(tx, &owner, &name, None, now)?;
            store::set_environment(tx, &owner, &name, &environment, now)
        })?;
        platform.serving.refresh()?;
    }
    handmade::start_prepared(platform, permit, to, (&model, version), prepared, &promotion.plan, now)
}
