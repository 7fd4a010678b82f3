//! Reads models and versions, with what hangs on them, in a few statements however many they are.

use std::collections::HashMap;

use flyball_core::{Permit, Result};
use flyball_store::{Param, Row, Tx, params};
use flyball_tracking::Pair;

use crate::model::{ModelVersion, RegisteredModel};
use crate::rules::Stage;

/// Most numbers that one statement asks for.
const AT_ONCE: usize = 512;

/// The columns of a model; the table is called `m`.
pub(crate) const MODEL: &str = "m.no, m.name, m.description, m.created_at, m.updated_at";
/// The columns of a version; the tables are called `v` and `m`.
pub(crate) const VERSION: &str = "v.no, m.name AS model, v.version, v.created_at, v.updated_at, v.stage, v.status, \
     v.status_message, v.user_id, v.description, v.source, v.run_id, v.run_link, v.model_id";

/// The model called `name`, with everything that hangs on it.
pub(crate) fn model<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<Option<RegisteredModel>> {
    let sql = format!("SELECT {MODEL} FROM registered_models m WHERE m.workspace = $1 AND m.name = $2");
    let Some(row) = tx.query_one(&sql, &params![permit.workspace(), name])? else { return Ok(None) };
    let mut models = vec![model_of(&row)?];
    attach(tx, &mut models)?;
    Ok(models.pop())
}

/// A version without its tags and aliases.
pub(crate) fn bare_version<L>(
    tx: &mut Tx<'_>,
    permit: &Permit<L>,
    model: &str,
    version: i64,
) -> Result<Option<ModelVersion>> {
    let sql = format!(
        "SELECT {VERSION} FROM model_versions v JOIN registered_models m ON m.no = v.model_no \
         WHERE m.workspace = $1 AND m.name = $2 AND v.version = $3"
    );
    tx.query_one(&sql, &params![permit.workspace(), model, version])?.as_ref().map(version_of).transpose()
}

/// A version with its tags and aliases.
pub(crate) fn version<L>(
    tx: &mut Tx<'_>,
    permit: &Permit<L>,
    model: &str,
    version: i64,
) -> Result<Option<ModelVersion>> {
    let Some(found) = bare_version(tx, permit, model, version)? else { return Ok(None) };
    let mut found = vec![found];
    attach_tags(tx, &mut found)?;
    attach_aliases(tx, &mut found)?;
    Ok(found.pop())
}

/// Fills in the tags, aliases and latest versions of models.
pub(crate) fn attach(tx: &mut Tx<'_>, models: &mut [RegisteredModel]) -> Result<()> {
    let numbers: Vec<i64> = models.iter().map(|model| model.no).collect();
    let place: HashMap<i64, usize> = numbers.iter().copied().zip(0..).collect();
    each(
        tx,
        &numbers,
        |list| {
            format!(
                "SELECT model_no, key, value FROM registered_model_tags WHERE model_no IN ({list}) ORDER BY model_no, key"
            )
        },
        |row| {
            let model = &mut models[place[&row.get("model_no")?]];
            model.tags.push(Pair { key: row.get("key")?, value: row.get("value")? });
            Ok(())
        },
    )?;
    each(
        tx,
        &numbers,
        |list| {
            format!(
                "SELECT model_no, alias, version FROM model_aliases WHERE model_no IN ({list}) ORDER BY model_no, alias"
            )
        },
        |row| {
            let model = &mut models[place[&row.get("model_no")?]];
            model.aliases.push((row.get("alias")?, row.get("version")?));
            Ok(())
        },
    )?;
    // A stage stands where its first version stood.
    let latest = |list: &str| {
        format!(
            "SELECT {VERSION}, v.model_no FROM (SELECT model_no, stage, MAX(version) AS last, MIN(version) AS first \
             FROM model_versions WHERE model_no IN ({list}) GROUP BY model_no, stage) s \
             JOIN model_versions v ON v.model_no = s.model_no AND v.version = s.last \
             JOIN registered_models m ON m.no = v.model_no ORDER BY s.model_no, s.first"
        )
    };
    let mut versions = Vec::new();
    let mut owners = Vec::new();
    each(tx, &numbers, latest, |row| {
        versions.push(version_of(row)?);
        owners.push(place[&row.get("model_no")?]);
        Ok(())
    })?;
    attach_tags(tx, &mut versions)?;
    for (version, owner) in versions.into_iter().zip(owners) {
        models[owner].latest_versions.push(version);
    }
    Ok(())
}

/// Fills in the tags of versions.
pub(crate) fn attach_tags(tx: &mut Tx<'_>, versions: &mut [ModelVersion]) -> Result<()> {
    let numbers: Vec<i64> = versions.iter().map(|version| version.no).collect();
    let place: HashMap<i64, usize> = numbers.iter().copied().zip(0..).collect();
    each(
        tx,
        &numbers,
        |list| {
            format!(
                "SELECT version_no, key, value FROM model_version_tags WHERE version_no IN ({list}) ORDER BY version_no, key"
            )
        },
        |row| {
            let version = &mut versions[place[&row.get("version_no")?]];
            version.tags.push(Pair { key: row.get("key")?, value: row.get("value")? });
            Ok(())
        },
    )
}

/// Fills in the aliases of versions.
pub(crate) fn attach_aliases(tx: &mut Tx<'_>, versions: &mut [ModelVersion]) -> Result<()> {
    let numbers: Vec<i64> = versions.iter().map(|version| version.no).collect();
    let place: HashMap<i64, usize> = numbers.iter().copied().zip(0..).collect();
    each(
        tx,
        &numbers,
        |list| {
            format!(
                "SELECT v.no, a.alias FROM model_versions v JOIN model_aliases a ON a.model_no = v.model_no \
                 AND a.version = v.version WHERE v.no IN ({list}) ORDER BY v.no, a.alias"
            )
        },
        |row| {
            versions[place[&row.get("no")?]].aliases.push(row.get("alias")?);
            Ok(())
        },
    )
}

/// Asks for rows by number, some at once. The list is filled up to a power of two, so that there are few statements.
fn each(
    tx: &mut Tx<'_>,
    numbers: &[i64],
    sql: impl Fn(&str) -> String,
    mut take: impl FnMut(&Row) -> Result<()>,
) -> Result<()> {
    for chunk in numbers.chunks(AT_ONCE) {
        let mut values: Vec<Param> = chunk.iter().copied().map(Param::from).collect();
        values.resize(chunk.len().next_power_of_two(), Param::from(chunk[0]));
        let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}")).collect();
        tx.query(&sql(&places.join(", ")), &values)?.iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// A model from its row, with nothing attached.
pub(crate) fn model_of(row: &Row) -> Result<RegisteredModel> {
    Ok(RegisteredModel {
        no: row.get("no")?,
        name: row.get("name")?,
        description: row.get("description")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        tags: Vec::new(),
        aliases: Vec::new(),
        latest_versions: Vec::new(),
    })
}

/// A version from its row, with nothing attached.
pub(crate) fn version_of(row: &Row) -> Result<ModelVersion> {
    Ok(ModelVersion {
        no: row.get("no")?,
        model: row.get("model")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        stage: Stage::named(&row.get::<String>("stage")?)?,
        status: row.get("status")?,
        status_message: row.get("status_message")?,
        user_id: row.get("user_id")?,
        description: row.get("description")?,
        source: row.get("source")?,
        run_id: row.get("run_id")?,
        run_link: row.get("run_link")?,
        model_id: row.get("model_id")?,
        tags: Vec::new(),
        aliases: Vec::new(),
    })
}
