"""Experiments: create, get, rename, tags, lifecycle."""

from case import Area, get, post, raw

area = Area("experiments")
case = area.case

create = "experiments/create"

case("create and get", get("experiments/get", {"experiment_id": "{exp}"}))
case("get by name", get("experiments/get", {"experiment_id": "{exp}"}), get("experiments/get-by-name", {"experiment_name": "{u}"}))
case(
    "created with tags",
    post(create, {"name": "{u}", "tags": [{"key": "team", "value": "a"}, {"key": "empty", "value": ""}]}, exp="experiment_id"),
    get("experiments/get", {"experiment_id": "{exp}"}),
)
case(
    "created with the same tag twice",
    post(create, {"name": "{u}", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}).refused(),
)
case("name is missing", post(create, {}).refused("Missing value for required parameter 'name'"))
case("name is empty", post(create, {"name": ""}).refused("name"))
case("name is null", post(create, {"name": None}).refused("name"))
case("name is a number", post(create, {"name": 12}).refused("name"))
case("name is a list", post(create, {"name": ["a"]}).refused("name"))
case("name of 500 characters", post(create, {"name": "{u}" + "n" * 490}))
case("name of 501 characters", post(create, {"name": "{u}" + "n" * 491}).refused())
case("name of letters beyond ASCII", post(create, {"name": "{u} größe 漢字"}, exp="experiment_id"), get("experiments/get", {"experiment_id": "{exp}"}))
case("name with slashes and colons", post(create, {"name": "/{u}/a:b\\c"}, exp="experiment_id"), get("experiments/get-by-name", {"experiment_name": "/{u}/a:b\\c"}))
case("name of blanks around", post(create, {"name": " {u} "}, exp="experiment_id"), get("experiments/get-by-name", {"experiment_name": " {u} "}), get("experiments/get-by-name", {"experiment_name": "{u}"}).refused())
case("name exists", post(create, {"name": "{u}"}), post(create, {"name": "{u}"}).refused("already exists"))
case("name differs in case only", post(create, {"name": "{u}a"}), post(create, {"name": "{u}A"}))
case(
    "name of a deleted one is taken",
    post("experiments/delete", {"experiment_id": "{exp}"}),
    post(create, {"name": "{u}"}).refused("already exists"),
)
case("artifact location of a bucket", post(create, {"name": "{u}", "artifact_location": "s3://bucket/path"}, exp="experiment_id"), get("experiments/get", {"experiment_id": "{exp}"}))
case("artifact location ends with a slash", post(create, {"name": "{u}", "artifact_location": "s3://bucket/path/"}, exp="experiment_id"), get("experiments/get", {"experiment_id": "{exp}"}))
case("artifact location with a fragment", post(create, {"name": "{u}", "artifact_location": "s3://bucket/path#x"}).refused())
case("artifact location of a run", post(create, {"name": "{u}", "artifact_location": "runs:/0123/x"}).refused())
case("artifact location is too long", post(create, {"name": "{u}", "artifact_location": "s3://b/" + "x" * 2048}).refused())
case("artifact location with a query that climbs", post(create, {"name": "{u}", "artifact_location": "s3://bucket/path?x=../.."}).refused())
case("artifact location on another host", post(create, {"name": "{u}", "artifact_location": "http://example.com/x"}).refused())
case("artifact location of the proxy", post(create, {"name": "{u}", "artifact_location": "mlflow-artifacts:/own/{u}"}, exp="experiment_id"), get("experiments/get", {"experiment_id": "{exp}"}))
case("artifact location is empty", post(create, {"name": "{u}", "artifact_location": ""}, exp="experiment_id"), get("experiments/get", {"experiment_id": "{exp}"}))
case("unknown id", get("experiments/get", {"experiment_id": "999999999"}).refused())
case("id is no number", get("experiments/get", {"experiment_id": "abc"}).refused())
case("id is missing", get("experiments/get").refused("Missing value for required parameter 'experiment_id'"))
case("id is empty", get("experiments/get", {"experiment_id": ""}).refused("experiment_id"))
case("id is negative", get("experiments/get", {"experiment_id": "-1"}).refused())
case("id is a fraction", get("experiments/get", {"experiment_id": "1.5"}).refused())
case("id is too large", get("experiments/get", {"experiment_id": "99999999999999999999999"}).refused())
case("id with leading zeros", get("experiments/get", {"experiment_id": "00"}).showing(lambda body: body["experiment"]["experiment_id"]))
case("the default one exists", get("experiments/get", {"experiment_id": "0"}).showing(lambda body: (body["experiment"]["name"], body["experiment"]["artifact_location"])))
case("the default one by name", get("experiments/get-by-name", {"experiment_name": "Default"}).showing(lambda body: body["experiment"]["experiment_id"]))
case("unknown name", get("experiments/get-by-name", {"experiment_name": "{u}"}).refused())
case("name is missing in get-by-name", get("experiments/get-by-name").refused("Missing value for required parameter 'experiment_name'"))

case(
    "rename",
    post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}-new"}),
    get("experiments/get", {"experiment_id": "{exp}"}),
    get("experiments/get-by-name", {"experiment_name": "{u}"}).refused(),
)
case("rename to its own name", post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}"}))
case("rename to a taken name", post(create, {"name": "{u}-two"}), post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}-two"}).refused())
case("rename without a name", post("experiments/update", {"experiment_id": "{exp}"}).refused())
case("rename to an empty name", post("experiments/update", {"experiment_id": "{exp}", "new_name": ""}).refused())
case("rename an unknown one", post("experiments/update", {"experiment_id": "999999999", "new_name": "{u}"}).refused())
case("rename to a name that is too long", post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}" + "n" * 491}).refused())
case("rename a deleted one", post("experiments/delete", {"experiment_id": "{exp}"}), post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}-new"}).refused())

case(
    "delete keeps it readable",
    post("experiments/delete", {"experiment_id": "{exp}"}),
    get("experiments/get", {"experiment_id": "{exp}"}),
    get("experiments/get-by-name", {"experiment_name": "{u}"}),
)
case("delete twice", post("experiments/delete", {"experiment_id": "{exp}"}), post("experiments/delete", {"experiment_id": "{exp}"}).refused())
case("delete an unknown one", post("experiments/delete", {"experiment_id": "999999999"}).refused())
case("delete without an id", post("experiments/delete", {}).refused("Missing value for required parameter 'experiment_id'"))
case("delete an id that is no number", post("experiments/delete", {"experiment_id": "x"}).refused())
case(
    "restore",
    post("experiments/delete", {"experiment_id": "{exp}"}),
    post("experiments/restore", {"experiment_id": "{exp}"}),
    get("experiments/get", {"experiment_id": "{exp}"}),
)
case("restore an active one", post("experiments/restore", {"experiment_id": "{exp}"}).refused())
case("restore an unknown one", post("experiments/restore", {"experiment_id": "999999999"}).refused())
case(
    "delete takes its runs along",
    get("runs/get", {"run_id": "{run}"}),
    post("experiments/delete", {"experiment_id": "{exp}"}),
    get("runs/get", {"run_id": "{run}"}),
    post("experiments/restore", {"experiment_id": "{exp}"}),
    get("runs/get", {"run_id": "{run}"}),
)
case(
    "restore also restores runs that were deleted before",
    post("runs/delete", {"run_id": "{run}"}),
    post("experiments/delete", {"experiment_id": "{exp}"}),
    post("experiments/restore", {"experiment_id": "{exp}"}),
    get("runs/get", {"run_id": "{run}"}),
)

tag = "experiments/set-experiment-tag"
case(
    "tag is set and overwritten",
    post(tag, {"experiment_id": "{exp}", "key": "a", "value": "1"}),
    post(tag, {"experiment_id": "{exp}", "key": "a", "value": "2"}),
    post(tag, {"experiment_id": "{exp}", "key": "mlflow.note.content", "value": "line\nline"}),
    get("experiments/get", {"experiment_id": "{exp}"}),
)
case("tag without a value", post(tag, {"experiment_id": "{exp}", "key": "a"}))
case("tag of an empty value", post(tag, {"experiment_id": "{exp}", "key": "a", "value": ""}), get("experiments/get", {"experiment_id": "{exp}"}))
case("tag without a key", post(tag, {"experiment_id": "{exp}", "value": "1"}).refused("key"))
case("tag of a null value", post(tag, {"experiment_id": "{exp}", "key": "a", "value": None}))
case("tag of a number", post(tag, {"experiment_id": "{exp}", "key": "a", "value": 3}).refused())
case("tag key of 250 characters", post(tag, {"experiment_id": "{exp}", "key": "k" * 250, "value": "v"}))
case("tag key of 251 characters", post(tag, {"experiment_id": "{exp}", "key": "k" * 251, "value": "v"}).refused())
case("tag value of 20000 characters", post(tag, {"experiment_id": "{exp}", "key": "k", "value": "v" * 20000}))
case("tag value of 20001 characters", post(tag, {"experiment_id": "{exp}", "key": "k", "value": "v" * 20001}).refused())
case("tag key with odd characters", post(tag, {"experiment_id": "{exp}", "key": "a$b", "value": "v"}).refused())
case("tag key that climbs", post(tag, {"experiment_id": "{exp}", "key": "../b", "value": "v"}).refused())
case("tag of an unknown experiment", post(tag, {"experiment_id": "999999999", "key": "a", "value": "v"}).refused())
case("tag of a deleted one", post("experiments/delete", {"experiment_id": "{exp}"}), post(tag, {"experiment_id": "{exp}", "key": "a", "value": "v"}).refused("must be in the 'active' state"))
untag = "experiments/delete-experiment-tag"
case(
    "tag is deleted",
    post(tag, {"experiment_id": "{exp}", "key": "a", "value": "1"}),
    post(untag, {"experiment_id": "{exp}", "key": "a"}),
    get("experiments/get", {"experiment_id": "{exp}"}),
    post(untag, {"experiment_id": "{exp}", "key": "a"}).refused(),
)
case("missing tag is deleted", post(untag, {"experiment_id": "{exp}", "key": "nope"}).refused())
case("tag of a deleted one is deleted", post(tag, {"experiment_id": "{exp}", "key": "a", "value": "1"}), post("experiments/delete", {"experiment_id": "{exp}"}), post(untag, {"experiment_id": "{exp}", "key": "a"}).refused())
case("delete-tag without a key", post(untag, {"experiment_id": "{exp}"}).refused("key"))
