"""Prompts as the client stores them: registered models with tags."""

from case import Area, Step, delete, get, post

area = Area("prompts")
case = area.case
MARK = {"key": "mlflow.prompt.is_prompt", "value": "true"}
TEXT = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}
made = post("registered-models/create", {"name": "{u}", "tags": [MARK, {"key": "_mlflow_experiment_ids", "value": ",0,"}]})


def version(source: str = "dummy-source") -> Step:
    return post("model-versions/create", {"name": "{u}", "source": source, "description": "why", "tags": [MARK, TEXT, {"key": "_mlflow_prompt_type", "value": "text"}]})


case("prompt and version", made, version(), get("registered-models/get", {"name": "{u}"}), get("model-versions/get", {"name": "{u}", "version": "1"}))
case("prompt of an older source", made, version("prompt-template"))
case("prompt of a real source", made, version("s3://bucket/x").refused())
case("version that is no prompt in a prompt", made, post("model-versions/create", {"name": "{u}", "source": "dummy-source"}).refused())
case("prompt version in a model", post("registered-models/create", {"name": "{u}"}), version())
case("prompt takes a model's name", post("registered-models/create", {"name": "{u}"}), made.refused("already taken"))
case("model takes a prompt's name", made, post("registered-models/create", {"name": "{u}"}).refused("already taken"))
case("prompt exists", made, made.refused("already exists"))
case("alias", made, version(), version(), post("registered-models/alias", {"name": "{u}", "alias": "production", "version": "2"}), get("registered-models/alias", {"name": "{u}", "alias": "production"}), get("registered-models/alias", {"name": "{u}", "alias": "latest"}))
case("search by experiment", made, get("registered-models/search", {"filter": "name LIKE '{u}%' AND tags.`mlflow.prompt.is_prompt` = 'true' AND tags.`_mlflow_experiment_ids` LIKE '%,0,%'"}))
case("model may not copy a prompt", made, version(), post("registered-models/create", {"name": "{u}-m"}), post("model-versions/create", {"name": "{u}-m", "source": "models:/{u}/1"}).refused())
case("delete", made, version(), delete("model-versions/delete", {"name": "{u}", "version": "1"}), delete("registered-models/delete", {"name": "{u}"}), get("registered-models/get", {"name": "{u}"}).refused())
case("stage of a prompt", made, version(), post("model-versions/transition-stage", {"name": "{u}", "version": "1", "stage": "Production", "archive_existing_versions": False}))
case("long text", made, post("model-versions/create", {"name": "{u}", "source": "dummy-source", "tags": [MARK, {"key": "mlflow.prompt.text", "value": "t" * 100001}]}).refused())
