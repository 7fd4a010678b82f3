//! Registered models and prompts of a server.

use flyball_core::{ErrorCode, Result};
use serde_json::Value;

use super::api::query;
use super::read::{integer, list, next_page, pairs, some_text, text};
use super::{Server, one};
use crate::record::{Alias, ModelVersion, RegisteredModel};
use crate::source::{Sink, Wish};
use crate::tally::Kind;

const PAGE: &str = "100";
const VERSIONS: &str = "1000";
/// Searches hide prompts unless the filter asks for them.
const PROMPTS: &str = "tags.`mlflow.prompt.is_prompt` = 'true'";

impl Server {
    pub(super) fn read_registry(&self, sink: &mut dyn Sink) -> Result<()> {
        for filter in ["", PROMPTS] {
            let mut token: Option<String> = None;
            loop {
                let mut pairs = vec![("max_results", PAGE), ("filter", filter)];
                pairs.extend(token.as_deref().map(|token| ("page_token", token)));
                let answer = match self.api.get(&query("/api/2.0/mlflow/registered-models/search", &pairs)) {
                    // A server without a registry.
                    Err(error) if error.code() == ErrorCode::NotFound => return Ok(()),
                    answer => answer?,
                };
                for found in list(&answer, "registered_models") {
                    let name = text(found, "name");
                    let model = self.registered_model(&name);
                    if let Some(model) = one(model, sink, Kind::RegisteredModels, &name)? {
                        let (model, versions) = model;
                        if sink.registered_model(model)? == Wish::Whole {
                            versions.into_iter().try_for_each(|version| sink.model_version(version))?;
                        }
                    }
                }
                token = next_page(&answer);
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A registered model with its versions, by number.
    pub(crate) fn registered_model(&self, name: &str) -> Result<(RegisteredModel, Vec<ModelVersion>)> {
        let answer = self.api.get(&query("/api/2.0/mlflow/registered-models/get", &[("name", name)]))?;
        let value = &answer["registered_model"];
        let mut model = RegisteredModel {
            name: text(value, "name"),
            description: some_text(value, "description"),
            created_at: integer(value, "creation_timestamp"),
            updated_at: integer(value, "last_updated_timestamp"),
            last_version: 0,
            tags: pairs(value, "tags"),
            aliases: list(value, "aliases")
                .iter()
                .map(|alias| Alias { alias: text(alias, "alias"), version: integer(alias, "version") })
                .collect(),
        };
        let is_prompt = model.tags.iter().any(|tag| tag.key == "mlflow.prompt.is_prompt");
        let mut versions = self.versions(name, is_prompt)?;
        versions.sort_by_key(|version| version.version);
        model.last_version = versions.last().map_or(0, |version| version.version);
        Ok((model, versions))
    }

    fn versions(&self, name: &str, is_prompt: bool) -> Result<Vec<ModelVersion>> {
        // The search language knows no escapes: a name holds one kind of quote at the most.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        let mut filter = format!("name = {quote}{name}{quote}");
        if is_prompt {
            filter.push_str(" AND ");
            filter.push_str(PROMPTS);
        }
        let (mut versions, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut pairs = vec![("max_results", VERSIONS), ("filter", filter.as_str())];
            pairs.extend(token.as_deref().map(|token| ("page_token", token)));
            let answer = self.api.get(&query("/api/2.0/mlflow/model-versions/search", &pairs))?;
            for found in list(&answer, "model_versions") {
                let number = integer(found, "version").to_string();
                let place = [("name", name), ("version", number.as_str())];
                let location = self.api.get(&query("/api/2.0/mlflow/model-versions/get-download-uri", &place));
                let location = location.map(|answer| text(&answer, "artifact_uri")).unwrap_or_default();
                versions.push(version(found, location));
            }
            token = next_page(&answer);
            if token.is_none() {
                return Ok(versions);
            }
        }
    }
}

fn version(value: &Value, location: String) -> ModelVersion {
    let source = text(value, "source");
    let of_source = source.strip_prefix("models:/").filter(|id| !id.contains(['/', '@'])).map(str::to_owned);
    ModelVersion {
        model: text(value, "name"),
        version: integer(value, "version"),
        created_at: integer(value, "creation_timestamp"),
        updated_at: integer(value, "last_updated_timestamp"),
        stage: some_text(value, "current_stage").unwrap_or_else(|| "None".to_owned()),
        status: some_text(value, "status").unwrap_or_else(|| "READY".to_owned()),
        status_message: some_text(value, "status_message"),
        user_id: some_text(value, "user_id"),
        description: some_text(value, "description"),
        location: if location.is_empty() { source.clone() } else { location },
        source,
        run_id: text(value, "run_id"),
        run_link: text(value, "run_link"),
        model_id: some_text(value, "model_id").filter(|id| !id.is_empty()).or(of_source),
        tags: pairs(value, "tags"),
    }
}
