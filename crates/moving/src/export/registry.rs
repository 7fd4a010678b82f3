//! Registered models on another server: versions keep their numbers, which that server gives one after another.

use flyball_core::{Error, ErrorCode, Result};
use serde_json::json;

use super::calls::{ORIGIN, SOURCE, or_none, tag, text};
use super::compare;
use super::target::Target;
use crate::record::{ModelVersion, Pair, RegisteredModel};
use crate::server::api::query;
use crate::source::{LeftOut, Sink, Wish};
use crate::tally::Kind;
use crate::weigh;

/// The registered model whose versions are being carried; its aliases come when those are there.
pub(super) type Registered = RegisteredModel;

impl Target<'_> {
    pub(super) fn begin_registered(&mut self, model: RegisteredModel) -> Result<Wish> {
        let there =
            or_none(self.calls.0.get(&query("/api/2.0/mlflow/registered-models/get", &[("name", &model.name)])))?;
        match there {
            Some(there) if tag(&there["registered_model"]["tags"], ORIGIN) == Some(&self.origin) => {}
            Some(_) => {
                let reason = "a model of this name is there already; rename one of them".to_owned();
                self.left_out(LeftOut { kind: Kind::RegisteredModels, id: model.name, reason });
                return Ok(Wish::Nothing);
            }
            None => {
                let mut tags = model.tags.clone();
                tags.retain(|tag| tag.key != ORIGIN);
                tags.push(Pair::new(ORIGIN, self.origin.as_str()));
                let body = json!({ "name": model.name, "tags": tags, "description": model.description });
                let made = self.calls.0.post("/api/2.0/mlflow/registered-models/create", &body);
                if self.one(made, Kind::RegisteredModels, &model.name)?.is_none() {
                    return Ok(Wish::Nothing);
                }
            }
        }
        self.registered = Some(model);
        Ok(Wish::Whole)
    }

    /// Sets the aliases of the model whose versions are there.
    pub(super) fn settle_model(&mut self) -> Result<()> {
        let Some(model) = self.registered.take() else { return Ok(()) };
        for alias in &model.aliases {
            let body = json!({ "name": model.name, "alias": alias.alias, "version": alias.version.to_string() });
            let set = self.calls.0.post("/api/2.0/mlflow/registered-models/alias", &body);
            self.one(set, Kind::RegisteredModels, &format!("{}@{}", model.name, alias.alias))?;
        }
        weigh::registered_model(&compare::registered_model(&model), &mut self.grand)
    }

    pub(super) fn carry_version(&mut self, version: &ModelVersion) -> Result<()> {
        if self.registered.is_none() {
            return Ok(());
        }
        let outcome = self.try_version(version);
        let id = format!("{}/{}", version.model, version.version);
        if self.one(outcome, Kind::ModelVersions, &id)?.is_some() {
            weigh::model_version(&compare::model_version(version), &mut self.grand)?;
        }
        Ok(())
    }

    fn try_version(&mut self, version: &ModelVersion) -> Result<()> {
        let number = version.version.to_string();
        let place = [("name", version.model.as_str()), ("version", number.as_str())];
        if or_none(self.calls.0.get(&query("/api/2.0/mlflow/model-versions/get", &place)))?.is_none() {
            self.make_version(version)?;
        }
        if !matches!(version.stage.as_str(), "" | "None") {
            let body = json!({
                "name": version.model,
                "version": number,
                "stage": version.stage,
                "archive_existing_versions": false,
            });
            self.calls.0.post("/api/2.0/mlflow/model-versions/transition-stage", &body)?;
        }
        Ok(())
    }

    /// Makes versions until one has the wanted number; those before it were deleted here too.
    fn make_version(&self, version: &ModelVersion) -> Result<()> {
        let mut tags = version.tags.clone();
        tags.retain(|tag| tag.key != SOURCE);
        tags.push(Pair::new(SOURCE, version.source.as_str()));
        let mut body = json!({
            "name": version.model,
            "source": self.source(version),
            "tags": tags,
            "run_link": version.run_link,
        });
        if let Some(description) = &version.description {
            body["description"] = description.as_str().into();
        }
        if !version.run_id.is_empty() {
            body["run_id"] = self.runs.get(&version.run_id).unwrap_or(&version.run_id).as_str().into();
        }
        if let Some(model) = &version.model_id {
            body["model_id"] = self.models.get(model).unwrap_or(model).as_str().into();
        }
        loop {
            let made = self.calls.0.post("/api/2.0/mlflow/model-versions/create", &body)?;
            let number = text(&made["model_version"], "version")?;
            let given: i64 = number.parse().map_err(Error::internal)?;
            if given == version.version {
                return Ok(());
            }
            let body = json!({ "name": version.model, "version": number });
            self.calls.0.delete("/api/2.0/mlflow/model-versions/delete", &body)?;
            if given > version.version {
                let message = format!("the server has given the number {} before", version.version);
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
    }

    /// The source with the ids that runs and logged models have there.
    fn source(&self, version: &ModelVersion) -> String {
        let source = &version.source;
        if let Some(model) = source.strip_prefix("models:/").and_then(|id| self.models.get(id)) {
            return format!("models:/{model}");
        }
        match self.runs.get(&version.run_id) {
            Some(run) if source.starts_with("runs:/") => source.replacen(&version.run_id, run, 1),
            // Places of files differ there; the run says where they are.
            Some(run) => match source.split_once(&format!("/{}/artifacts", version.run_id)) {
                Some((_, below)) => format!("runs:/{run}{below}"),
                None => source.clone(),
            },
            None => source.clone(),
        }
    }
}
