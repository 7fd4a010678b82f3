"""Logged models: create, finalize, tags, params, delete, files."""

from case import Area, delete, get, patch, post, raw

area = Area("logged-models")
case = area.case
read = get("logged-models/{logged}")
ID = "model.info.model_id"
NOBODY = "m-" + "0" * 32

case("create and get", post("logged-models", {"experiment_id": "{exp}", "name": "net", "model_type": "agent", "source_run_id": "{run}", "params": [{"key": "a", "value": "1"}], "tags": [{"key": "t", "value": "2"}]}, logged=ID), read)
case("create with an experiment only", post("logged-models", {"experiment_id": "{exp}"}, logged=ID), read)
case("create without an experiment", post("logged-models", {"name": "net"}).refused("experiment_id"))
case("create in an unknown experiment", post("logged-models", {"experiment_id": "999999999", "name": "net"}).refused())
case("create in a deleted experiment", post("experiments/delete", {"experiment_id": "{exp}"}), post("logged-models", {"experiment_id": "{exp}", "name": "net"}).refused("must be in the 'active' state"))
case("create with an unknown run", post("logged-models", {"experiment_id": "{exp}", "name": "net", "source_run_id": "0" * 32}))
case("two of one name", post("logged-models", {"experiment_id": "{exp}", "name": "net"}), post("logged-models", {"experiment_id": "{exp}", "name": "net"}))
for title, name in {"a slash": "a/b", "a colon": "a:b", "a dot": "a.b", "a percent sign": "a%b", "double quotes": 'a"b', "a quote": "a'b"}.items():
    case(f"name with {title}", post("logged-models", {"experiment_id": "{exp}", "name": name}).refused("Invalid model name"))
for title, name in {"blanks": "a b", "other letters": "größe漢", "an at sign": "a@b", "a hash": "a#b", "dashes": "a-b_c"}.items():
    case(f"name with {title}", post("logged-models", {"experiment_id": "{exp}", "name": name}))
case("empty name", post("logged-models", {"experiment_id": "{exp}", "name": ""}))
case("long param value", post("logged-models", {"experiment_id": "{exp}", "name": "n", "params": [{"key": "a", "value": "v" * 6001}]}, logged=ID), read.showing(lambda body: len(body["model"]["data"]["params"][0]["value"])))
case("long tag value", post("logged-models", {"experiment_id": "{exp}", "name": "n", "tags": [{"key": "a", "value": "v" * 8001}]}, logged=ID), read.showing(lambda body: len(body["model"]["info"]["tags"][0]["value"])))
case("bad param key", post("logged-models", {"experiment_id": "{exp}", "name": "n", "params": [{"key": "a*", "value": "v"}]}))
case("bad tag key", post("logged-models", {"experiment_id": "{exp}", "name": "n", "tags": [{"key": "a*", "value": "v"}]}))
case("repeated param", post("logged-models", {"experiment_id": "{exp}", "name": "n", "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}).refused())
case("repeated tag", post("logged-models", {"experiment_id": "{exp}", "name": "n", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}).refused())

for status in ("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", 2):
    case(f"finalize as {status}", patch("logged-models/{logged}", {"model_id": "{logged}", "status": status}), read)
case("finalize without a status", patch("logged-models/{logged}", {"model_id": "{logged}"}).refused("status"))
case("finalize as an unknown status", patch("logged-models/{logged}", {"model_id": "{logged}", "status": "DONE"}))
case("finalize without the id in the body", patch("logged-models/{logged}", {"status": "LOGGED_MODEL_READY"}).refused("model_id"))
case("finalize an unknown one", patch("logged-models/" + NOBODY, {"model_id": NOBODY, "status": "LOGGED_MODEL_READY"}).refused())
case("get an unknown one", get("logged-models/" + NOBODY).refused("not found"))
case("get an odd id", get("logged-models/x").refused())

tags = "logged-models/{logged}/tags"
case("tags", patch(tags, {"model_id": "{logged}", "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}), read)
case("tags overwrite", patch(tags, {"tags": [{"key": "a", "value": "1"}]}), patch(tags, {"tags": [{"key": "a", "value": "2"}]}), read)
case("tags with a repeat", patch(tags, {"tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}), read)
case("no tags", patch(tags, {"tags": []}))
case("tags of an unknown one", patch(f"logged-models/{NOBODY}/tags", {"tags": [{"key": "a", "value": "1"}]}).refused())
case("tag is deleted", patch(tags, {"tags": [{"key": "a", "value": "1"}]}), delete(tags + "/a"), read, delete(tags + "/a").refused("No tag with key"))
case("tag of an odd key is deleted", patch(tags, {"tags": [{"key": "a b", "value": "1"}]}), delete(tags + "/a%20b"), read)
case("tag of an unknown one is deleted", delete(f"logged-models/{NOBODY}/tags/a").refused())

params = "logged-models/{logged}/params"
case("params", post(params, {"model_id": "{logged}", "params": [{"key": "a", "value": "1"}]}), read)
case("params without the id in the body", post(params, {"params": [{"key": "a", "value": "1"}]}).refused("model_id"))
case("params again", post(params, {"model_id": "{logged}", "params": [{"key": "a", "value": "1"}]}), post(params, {"model_id": "{logged}", "params": [{"key": "a", "value": "1"}]}).refused())
case("params of an unknown one", post(f"logged-models/{NOBODY}/params", {"model_id": NOBODY, "params": [{"key": "a", "value": "1"}]}).refused())

case("delete hides it", delete("logged-models/{logged}"), read.refused("not found"), get("logged-models/{logged}", {"allow_deleted": "true"}), get("logged-models/{logged}", {"allow_deleted": "false"}).refused())
case("delete twice", delete("logged-models/{logged}"), delete("logged-models/{logged}"))
case("delete an unknown one", delete("logged-models/" + NOBODY).refused())
case("writes to a deleted one", delete("logged-models/{logged}"), patch(tags, {"tags": [{"key": "a", "value": "1"}]}), patch("logged-models/{logged}", {"model_id": "{logged}", "status": "LOGGED_MODEL_READY"}))

put = "/api/2.0/mlflow-artifacts/artifacts/{exp}/models/{logged}/artifacts"

case(
    "files",
    raw("PUT", put + "/MLmodel", "flavors: {}"),
    raw("PUT", put + "/data/model.bin", "12345"),
    get("logged-models/{logged}/artifacts/directories"),
    get("logged-models/{logged}/artifacts/directories", {"artifact_directory_path": "data"}),
    get("logged-models/{logged}/artifacts/directories", {"artifact_directory_path": "none"}),
    get("/ajax-api/2.0/mlflow/logged-models/{logged}/artifacts/files", {"artifact_file_path": "MLmodel"}).headers("Content-Type", "Content-Disposition", "X-Content-Type-Options"),
)
case("files that climb", get("logged-models/{logged}/artifacts/directories", {"artifact_directory_path": "../.."}).refused("Invalid path"), get("/ajax-api/2.0/mlflow/logged-models/{logged}/artifacts/files", {"artifact_file_path": "../x"}).refused())
case("file that is missing", get("/ajax-api/2.0/mlflow/logged-models/{logged}/artifacts/files", {"artifact_file_path": "none"}).refused())
case("file without a path", get("/ajax-api/2.0/mlflow/logged-models/{logged}/artifacts/files").refused())
case("model links its registered versions", post("model-versions/create", {"name": "{model}", "source": "models:/{logged}", "model_id": "{logged}"}), read)
