"""Registered models, versions, tags, aliases, stages, sources."""

from typing import Any

from case import Area, Step, delete, get, patch, post

area = Area("registry")
case = area.case
create = "registered-models/create"
read = get("registered-models/get", {"name": "{model}"})
NAME = "registered_model.name"


def version(source: str = "s3://bucket/model", name: str = "{model}", **more: Any) -> Step:
    return post("model-versions/create", {"name": name, "source": source} | more)


def show(number: Any = 1, name: str = "{model}") -> Step:
    return get("model-versions/get", {"name": name, "version": number})


case("model", post(create, {"name": "{u}", "description": "what", "tags": [{"key": "a", "value": "1"}]}), get("registered-models/get", {"name": "{u}"}))
case("model with a name only", post(create, {"name": "{u}"}), get("registered-models/get", {"name": "{u}"}))
case("model without a name", post(create, {}).refused("name"))
case("model of an empty name", post(create, {"name": ""}).refused("name"))
case("model of a blank name", post(create, {"name": "   "}).refused())
case("model exists", post(create, {"name": "{u}"}), post(create, {"name": "{u}"}).refused("already exists"))
case("model differs in letter case", post(create, {"name": "{u}a"}), post(create, {"name": "{u}A"}))
for title, name in {"a slash": "{u}/a", "a colon": "{u}:a", "a climb": "../{u}", "two dots": ".."}.items():
    case(f"model name with {title}", post(create, {"name": name}).refused())
for title, name in {"blanks": "{u} a", "dots": "{u}.a", "other letters": "{u}größe漢", "a hash": "{u}#a", "an at sign": "{u}@a", "a percent sign": "{u}%41", "quotes": "{u}'\"a", "a question mark": "{u}?a"}.items():
    case(f"model name with {title}", post(create, {"name": name}), get("registered-models/get", {"name": name}))
case("model name of 256 characters", post(create, {"name": "{u}" + "n" * 246}))
case("model with a repeated tag", post(create, {"name": "{u}", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}), get("registered-models/get", {"name": "{u}"}))
case("unknown model", get("registered-models/get", {"name": "{u}"}).refused("not found"))
case("get without a name", get("registered-models/get").refused("name"))

case("description is set and cleared", patch("registered-models/update", {"name": "{model}", "description": "new"}), read, patch("registered-models/update", {"name": "{model}"}), read)
case("description is empty", patch("registered-models/update", {"name": "{model}", "description": ""}), read)
case("update of an unknown model", patch("registered-models/update", {"name": "{u}-no", "description": "x"}).refused())
case("rename", version(), post("registered-models/set-tag", {"name": "{model}", "key": "a", "value": "1"}), post("registered-models/alias", {"name": "{model}", "alias": "best", "version": "1"}), post("registered-models/rename", {"name": "{model}", "new_name": "{u}-new"}), get("registered-models/get", {"name": "{u}-new"}), show(name="{u}-new"), get("registered-models/alias", {"name": "{u}-new", "alias": "best"}), read.refused())
case("rename to a taken name", post(create, {"name": "{u}-b"}), post("registered-models/rename", {"name": "{model}", "new_name": "{u}-b"}).refused("already exists"))
case("rename to itself", post("registered-models/rename", {"name": "{model}", "new_name": "{model}"}))
case("rename without a new name", post("registered-models/rename", {"name": "{model}"}).refused())
case("rename to a bad name", post("registered-models/rename", {"name": "{model}", "new_name": "a/b"}).refused())
case("rename an unknown model", post("registered-models/rename", {"name": "{u}-no", "new_name": "{u}-b"}).refused())
case("delete", version(), delete("registered-models/delete", {"name": "{model}"}), read.refused(), show().refused(), post(create, {"name": "{model}"}), version(), show())
case("delete an unknown model", delete("registered-models/delete", {"name": "{u}-no"}).refused())
case("delete without a name", delete("registered-models/delete", {}).refused("name"))

tag = "registered-models/set-tag"
untag = "registered-models/delete-tag"
case("model tag", post(tag, {"name": "{model}", "key": "a", "value": "1"}), post(tag, {"name": "{model}", "key": "a", "value": "2"}), read, delete(untag, {"name": "{model}", "key": "a"}), read, delete(untag, {"name": "{model}", "key": "a"}))
case("model tag of an empty value", post(tag, {"name": "{model}", "key": "a", "value": ""}), read)
case("missing: value of a model tag", post(tag, {"name": "{model}", "key": "a"}))
case("model tag without a key", post(tag, {"name": "{model}", "value": "a"}).refused("key"))
case("model tag key of 251 characters", post(tag, {"name": "{model}", "key": "k" * 251, "value": "v"}).refused())
case("model tag value of 100000 characters", post(tag, {"name": "{model}", "key": "k", "value": "v" * 100000}))
case("model tag value of 100001 characters", post(tag, {"name": "{model}", "key": "k", "value": "v" * 100001}).refused())
case("model tag with odd characters", post(tag, {"name": "{model}", "key": "a*b", "value": "v"}).refused())
case("tag of an unknown model", post(tag, {"name": "{u}-no", "key": "a", "value": "v"}).refused(), delete(untag, {"name": "{u}-no", "key": "a"}).refused())

case("version", version(run_link="http://example.com/run", description="first", tags=[{"key": "a", "value": "1"}]), show(), read)
case("version with a name and source only", version(), show())
case("versions count up", version(), version(), version(), read)
case("version of an unknown model", version(name="{u}-no").refused())
case("version without a name", post("model-versions/create", {"source": "s3://b/c"}).refused("name"))
case("version without a source", post("model-versions/create", {"name": "{model}"}).refused())
case("version of a run", version("runs:/{run}/model", run_id="{run}"), show(), get("model-versions/get-download-uri", {"name": "{model}", "version": "1"}))
case("version of a run's folder", version("mlflow-artifacts:/{exp}/{run}/artifacts/model", run_id="{run}"), show())
case("version of a run's folder without the run", version("mlflow-artifacts:/{exp}/{run}/artifacts/model").refused())
case("version of a run without its id", version("runs:/{run}/model").refused())
case("version of another run", post("runs/create", {"experiment_id": "{exp}"}, other="run.info.run_id"), version("runs:/{run}/model", run_id="{other}").refused())
case("version of an unknown run", version("runs:/" + "0" * 32 + "/model", run_id="0" * 32))
case("version with an unknown run id", version(run_id="0" * 32), show())
case("version of a logged model", version("models:/{logged}", model_id="{logged}"), show(), get("model-versions/get-download-uri", {"name": "{model}", "version": "1"}))
case("version of a logged model without its id", version("models:/{logged}").refused())
case("version of an unknown logged model", version("models:/m-" + "0" * 32, model_id="m-" + "0" * 32).refused())
for title, source in {
    "a file": "/etc/passwd",
    "a file as a URI": "file:///etc/passwd",
    "a climb": "s3://bucket/../x",
    "an encoded climb": "s3://bucket/%2e%2e/x",
    "a doubly encoded climb": "s3://bucket/%252e%252e/x",
    "a climb in the proxy": "mlflow-artifacts:/{exp}/{run}/artifacts/../../x",
    "a page of the web": "https://example.com/model",
    "an ftp server": "ftp://example.com/model",
    "another proxy": "mlflow-artifacts://example.com/0/x",
    "a relative path": "./model",
    "only a dot": ".",
    "hdfs": "hdfs://host/x",
}.items():
    case(f"version of {title}", version(source).refused())
for title, source in {"a bucket": "s3://bucket/a b/c", "another bucket": "gs://bucket/x", "a blob": "wasbs://c@a.blob.core.windows.net/x", "databricks": "dbfs:/x/y", "a slash at the end": "s3://bucket/x/"}.items():
    case(f"version of {title}", version(source), show())
case("version copies a version", version(tags=[{"key": "a", "value": "1"}]), post(create, {"name": "{u}-copy"}), version("models:/{model}/1", name="{u}-copy"), show(name="{u}-copy"), get("model-versions/get-download-uri", {"name": "{u}-copy", "version": "1"}))
case("version copies by alias", version(), post("registered-models/alias", {"name": "{model}", "alias": "best", "version": "1"}), post(create, {"name": "{u}-copy"}), version("models:/{model}@best", name="{u}-copy"), show(name="{u}-copy"))
case("version copies a run's version", version("runs:/{run}/model", run_id="{run}"), post(create, {"name": "{u}-copy"}), version("models:/{model}/1", name="{u}-copy"), show(name="{u}-copy"), get("model-versions/get-download-uri", {"name": "{u}-copy", "version": "1"}))
case("version copies the latest one", version(), post(create, {"name": "{u}-copy"}), version("models:/{model}/latest", name="{u}-copy"), show(name="{u}-copy"))
case("version copies a copy", version(), post(create, {"name": "{u}-copy"}), version("models:/{model}/1", name="{u}-copy"), version("models:/{u}-copy/1", name="{u}-copy"), show(2, name="{u}-copy"), get("model-versions/get-download-uri", {"name": "{u}-copy", "version": "2"}))
case("version copies an unknown one", version("models:/{u}-no/1").refused(), version("models:/{model}/9").refused(), version("models:/{model}@none").refused())

case("get an unknown version", show(9).refused("not found"))
case("get a version that is no number", show("abc").refused("integer"))
case("get version zero", show(0).refused())
case("get a version without its number", get("model-versions/get", {"name": "{model}"}).refused("version"))
case("version is described", version(), patch("model-versions/update", {"name": "{model}", "version": "1", "description": "new"}), show(), patch("model-versions/update", {"name": "{model}", "version": "1"}), show())
case("unknown version is described", patch("model-versions/update", {"name": "{model}", "version": "9", "description": "x"}).refused())
case("version is described by a number", version(), patch("model-versions/update", {"name": "{model}", "version": 1, "description": "new"}).refused())
case("version is deleted", version(), version(), delete("model-versions/delete", {"name": "{model}", "version": "2"}), show(2).refused(), version(), show(3), read)
case("version is deleted twice", version(), delete("model-versions/delete", {"name": "{model}", "version": "1"}), delete("model-versions/delete", {"name": "{model}", "version": "1"}).refused())
case("version that is deleted loses its aliases", version(), post("registered-models/alias", {"name": "{model}", "alias": "best", "version": "1"}), delete("model-versions/delete", {"name": "{model}", "version": "1"}), read, get("registered-models/alias", {"name": "{model}", "alias": "best"}).refused())
case("unknown version is deleted", delete("model-versions/delete", {"name": "{model}", "version": "9"}).refused())

vtag, vuntag = "model-versions/set-tag", "model-versions/delete-tag"
case("version tag", version(), post(vtag, {"name": "{model}", "version": "1", "key": "a", "value": "1"}), post(vtag, {"name": "{model}", "version": "1", "key": "a", "value": "2"}), show(), delete(vuntag, {"name": "{model}", "version": "1", "key": "a"}), show(), delete(vuntag, {"name": "{model}", "version": "1", "key": "a"}))
case("missing: value of a version tag", version(), post(vtag, {"name": "{model}", "version": "1", "key": "a"}))
case("version tag of an empty value", version(), post(vtag, {"name": "{model}", "version": "1", "key": "a", "value": ""}), show())
case("tag of an unknown version", post(vtag, {"name": "{model}", "version": "1", "key": "a", "value": "1"}).refused(), delete(vuntag, {"name": "{model}", "version": "1", "key": "a"}).refused())
case("version tag of bad length", version(), post(vtag, {"name": "{model}", "version": "1", "key": "k" * 251, "value": "1"}).refused(), post(vtag, {"name": "{model}", "version": "1", "key": "k", "value": "v" * 100001}).refused())

alias = "registered-models/alias"


def point(name: str, number: Any = "1") -> Step:
    return post(alias, {"name": "{model}", "alias": name, "version": number})


def aliased(name: str) -> Step:
    return get(alias, {"name": "{model}", "alias": name})


case("alias", version(), point("champion"), aliased("champion"), show(), read)
case("alias moves", version(), version(), point("champion"), point("champion", "2"), aliased("champion"), show(1), show(2), read)
case("several aliases", version(), point("a"), point("b"), point("C-d_1"), show(), read)
case("alias by a number", version(), point("a", 1).refused())
case("alias is deleted", version(), point("a"), delete(alias, {"name": "{model}", "alias": "a"}), aliased("a").refused("not found"), delete(alias, {"name": "{model}", "alias": "a"}), read)
case("alias that is unknown", aliased("none").refused("not found"))
case("alias of an unknown model", get(alias, {"name": "{u}-no", "alias": "a"}).refused(), post(alias, {"name": "{u}-no", "alias": "a", "version": "1"}).refused(), delete(alias, {"name": "{u}-no", "alias": "a"}).refused())
case("alias of an unknown version", point("a", "9").refused())
case("alias of a version that is no number", version(), point("a", "x").refused())
case("alias latest is the highest version", version(), version(), aliased("latest"))
case("alias latest without versions", aliased("latest").refused())
for title, name in {"latest": "latest", "latest in capitals": "Latest", "a version": "v1", "a version in capitals": "V12", "a blank": "a b", "a slash": "a/b", "a dot": "a.b", "an at sign": "a@b"}.items():
    case(f"alias that is {title}", version(), point(name).refused())
for title, name in {"like a version": "v1a", "a number": "12", "other letters": "größe", "long": "a" * 255, "a dash": "-"}.items():
    case(f"alias that is {title}", version(), point(name), aliased(name))
case("alias of 256 characters", version(), point("a" * 256).refused())
case("alias that is empty", version(), point("").refused("alias"))
case("alias differs in letter case", version(), version(), point("a"), point("A", "2"), aliased("a"), aliased("A"))

stage = "model-versions/transition-stage"


def move(number: Any, to: str, archive: Any = False) -> Step:
    return post(stage, {"name": "{model}", "version": number, "stage": to, "archive_existing_versions": archive})


latest = post("registered-models/get-latest-versions", {"name": "{model}"}).showing(lambda body: {"latest_versions": body.get("model_versions", [])})
case("stages", version(), *[move("1", to) for to in ("Staging", "Production", "Archived", "None")], show())
case("stages in any letter case", version(), move("1", "staging"), show(), move("1", "PRODUCTION"), show(), move("1", "none"))
case("unknown stage", version(), move("1", "Best").refused("Invalid Model Version stage"))
case("stage of an unknown version", move("9", "Staging").refused())
case("missing: archiving field of a stage", version(), post(stage, {"name": "{model}", "version": "1", "stage": "Staging"}))
case("stage archives the others", version(), version(), move("1", "Production"), move("2", "Production", True), show(1), show(2), read)
case("stage keeps the others", version(), version(), move("1", "Production"), move("2", "Production"), show(1), show(2), read)
case("archiving with a stage that is not active", version(), move("1", "Archived", True).refused())
case("latest versions", version(), version(), version(), move("1", "Production"), move("2", "Staging"), latest, post("registered-models/get-latest-versions", {"name": "{model}", "stages": ["Production"]}), post("registered-models/get-latest-versions", {"name": "{model}", "stages": ["production", "None"]}).showing(lambda body: {"latest_versions": body["model_versions"]}), get("registered-models/get-latest-versions", {"name": "{model}", "stages": "Staging"}))
case("latest versions of an unknown stage", version(), post("registered-models/get-latest-versions", {"name": "{model}", "stages": ["Best"]}).refused())
case("latest versions of an unknown model", post("registered-models/get-latest-versions", {"name": "{u}-no"}).refused())
case("latest versions of none", latest)
case("download of an unknown version", get("model-versions/get-download-uri", {"name": "{model}", "version": "1"}).refused())
