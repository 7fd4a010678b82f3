//! What runs of an MLflow database used and made.

use std::collections::HashMap;

use flyball_core::Result;
use flyball_store::{Param, Tx};

use super::places;
use crate::record::{Dataset, ModelUse, Pair, Run};

pub(super) fn fill(tx: &mut Tx<'_>, runs: &mut [Run], steps: bool) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Param> = runs.iter().map(|run| Param::from(run.id.as_str())).collect();
    let place: HashMap<String, usize> = runs.iter().map(|run| run.id.clone()).zip(0..).collect();
    datasets(tx, runs, &place, &ids)?;
    models(tx, runs, &place, &ids, steps)
}

fn datasets(tx: &mut Tx<'_>, runs: &mut [Run], place: &HashMap<String, usize>, ids: &[Param]) -> Result<()> {
    let list = places(1, ids.len());
    let sql = format!(
        "SELECT i.destination_id, t.name, t.value, i.input_uuid FROM inputs i JOIN input_tags t \
         ON t.input_uuid = i.input_uuid WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' \
         AND i.destination_id IN ({list})"
    );
    let mut tags: HashMap<String, Vec<Pair>> = HashMap::new();
    for row in tx.query(&sql, ids)? {
        let pair = Pair { key: row.get("name")?, value: row.get("value")? };
        tags.entry(row.get("input_uuid")?).or_default().push(pair);
    }
    let sql = format!(
        "SELECT i.destination_id, i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, \
         d.dataset_schema, d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id \
         WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id IN ({list})"
    );
    for row in tx.query(&sql, ids)? {
        let Some(run) = place.get(&row.get::<String>("destination_id")?) else { continue };
        runs[*run].datasets.push(Dataset {
            name: row.get("name")?,
            digest: row.get("digest")?,
            source_type: row.get("dataset_source_type")?,
            source: row.get("dataset_source")?,
            schema: row.get("dataset_schema")?,
            profile: row.get("dataset_profile")?,
            tags: tags.remove(&row.get::<String>("input_uuid")?).unwrap_or_default(),
        });
    }
    Ok(())
}

fn models(tx: &mut Tx<'_>, runs: &mut [Run], place: &HashMap<String, usize>, ids: &[Param], steps: bool) -> Result<()> {
    let step = if steps { "step" } else { "0 AS step" };
    let sql = format!(
        "SELECT source_id, source_type, destination_id, {step} FROM inputs \
         WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id IN ({}) \
         AND destination_type IN ('MODEL_INPUT', 'MODEL_OUTPUT')",
        places(1, ids.len())
    );
    for row in tx.query(&sql, ids)? {
        let Some(run) = place.get(&row.get::<String>("source_id")?) else { continue };
        let used =
            ModelUse { model_id: row.get("destination_id")?, step: row.get::<Option<i64>>("step")?.unwrap_or(0) };
        match row.get::<String>("source_type")?.as_str() {
            "RUN_INPUT" => runs[*run].models_in.push(ModelUse { step: 0, ..used }),
            _ => runs[*run].models_out.push(used),
        }
    }
    Ok(())
}
