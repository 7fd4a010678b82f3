"""Runs: create, get, update, lifecycle, names, tags and params one at a time."""

from case import Area, get, post

area = Area("runs")
case = area.case

create = "runs/create"
read = get("runs/get", {"run_id": "{run}"})
RUN = "run.info.run_id"
START = 1700000000000

case(
    "create with everything",
    post(
        create,
        {
            "experiment_id": "{exp}",
            "user_id": "ada",
            "run_name": "first",
            "start_time": START,
            "tags": [{"key": "a", "value": "1"}],
        },
        run=RUN,
    ),
    read,
)
case("create with an experiment only", post(create, {"experiment_id": "{exp}"}, run=RUN), read)
case("create without an experiment", post(create, {}).refused())
case("create in the default experiment", post(create, {"experiment_id": "0"}))
case("create in an unknown experiment", post(create, {"experiment_id": "999999999"}).refused())
case("create in an experiment that is no number", post(create, {"experiment_id": "abc"}).refused())
case(
    "create in a deleted experiment",
    post("experiments/delete", {"experiment_id": "{exp}"}),
    post(create, {"experiment_id": "{exp}"}).refused("must be in the 'active' state"),
)
case("create with an experiment as a number", post(create, {"experiment_id": "{#exp}"}, run=RUN).refused())
case(
    "create with a name in the tag",
    post(create, {"experiment_id": "{exp}", "tags": [{"key": "mlflow.runName", "value": "tagged"}]}, run=RUN),
    read,
)
case(
    "create with both names alike",
    post(
        create,
        {"experiment_id": "{exp}", "run_name": "same", "tags": [{"key": "mlflow.runName", "value": "same"}]},
        run=RUN,
    ),
    read,
)
case(
    "create with both names unlike",
    post(
        create, {"experiment_id": "{exp}", "run_name": "one", "tags": [{"key": "mlflow.runName", "value": "two"}]}
    ).refused(),
)
case("create with an empty name", post(create, {"experiment_id": "{exp}", "run_name": ""}, run=RUN), read)
case(
    "create with the user as a tag",
    post(create, {"experiment_id": "{exp}", "tags": [{"key": "mlflow.user", "value": "eve"}]}, run=RUN),
    read,
)
case("create with a start as text", post(create, {"experiment_id": "{exp}", "start_time": str(START)}, run=RUN), read)
case("wrong type: create with a start as a fraction", post(create, {"experiment_id": "{exp}", "start_time": 1.5}))
case(
    "create with a start that is no number",
    post(create, {"experiment_id": "{exp}", "start_time": "soon"}).refused("start_time"),
)
case("create with a negative start", post(create, {"experiment_id": "{exp}", "start_time": -5}, run=RUN), read)
case(
    "create with the same tag twice",
    post(
        create, {"experiment_id": "{exp}", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, run=RUN
    ).refused(),
)
case(
    "create with a tag without a value", post(create, {"experiment_id": "{exp}", "tags": [{"key": "a"}]}, run=RUN), read
)
case("create with a tag without a key", post(create, {"experiment_id": "{exp}", "tags": [{"value": "a"}]}))
case("create with a bad tag key", post(create, {"experiment_id": "{exp}", "tags": [{"key": "a!", "value": "a"}]}))
case(
    "create with a long tag value",
    post(create, {"experiment_id": "{exp}", "tags": [{"key": "a", "value": "v" * 8001}]}, run=RUN),
    read.showing(lambda body: sorted(len(tag["value"]) for tag in body["run"]["data"]["tags"] if tag["key"] == "a")),
)
case("wrong type: create with tags that are no list", post(create, {"experiment_id": "{exp}", "tags": "x"}))
case(
    "create with a name of letters beyond ASCII",
    post(create, {"experiment_id": "{exp}", "run_name": "größe 漢字 🙂"}, run=RUN),
    read,
)
case("create with a long name", post(create, {"experiment_id": "{exp}", "run_name": "n" * 250}, run=RUN), read)

case("get without an id", get("runs/get").refused("Missing value for required parameter 'run_id'"))
case("get by the old name of the id", get("runs/get", {"run_uuid": "{run}"}))
case("get by both names of the id", get("runs/get", {"run_id": "{run}", "run_uuid": "{run}"}))
case("get an unknown run", get("runs/get", {"run_id": "0" * 32}).refused("0" * 32))
case("get an id of odd characters", get("runs/get", {"run_id": "../x"}).refused())

update = "runs/update"
case("update ends a run", post(update, {"run_id": "{run}", "status": "FINISHED", "end_time": START + 5}), read)
case("update by a number of the status", post(update, {"run_id": "{run}", "status": 4}), read)
case(
    "update to each status",
    *[
        post(update, {"run_id": "{run}", "status": status})
        for status in ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "RUNNING")
    ],
)
case("update with an unknown status", post(update, {"run_id": "{run}", "status": "BOGUS"}))
case("update with a status in lower case", post(update, {"run_id": "{run}", "status": "finished"}))
case("update with nothing", post(update, {"run_id": "{run}"}), read)
case("update of the name also sets the tag", post(update, {"run_id": "{run}", "run_name": "renamed"}), read)
case("update with an empty name", post(update, {"run_id": "{run}", "run_name": ""}), read)
case("update an unknown run", post(update, {"run_id": "0" * 32, "status": "FINISHED"}).refused())
case(
    "update without an id",
    post(update, {"status": "FINISHED"}).refused("Missing value for required parameter 'run_id'"),
)
case("update by the old name of the id", post(update, {"run_uuid": "{run}", "status": "FINISHED"}), read)
case(
    "update a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    post(update, {"run_id": "{run}", "status": "FINISHED"}).refused("must be in the 'active' state"),
)
case("update with an end before the start", post(update, {"run_id": "{run}", "end_time": 5}), read)
case(
    "update with an end as text",
    post(update, {"run_id": "{run}", "status": "FINISHED", "end_time": "1700000000009"}),
    read,
)
case(
    "end stays when the run goes on",
    post(update, {"run_id": "{run}", "status": "FINISHED", "end_time": START + 5}),
    post(update, {"run_id": "{run}", "status": "RUNNING"}),
    read,
)

case(
    "delete and restore",
    post("runs/delete", {"run_id": "{run}"}),
    read,
    post("runs/restore", {"run_id": "{run}"}),
    read,
)
case("delete twice", post("runs/delete", {"run_id": "{run}"}), post("runs/delete", {"run_id": "{run}"}))
case("restore an active run", post("runs/restore", {"run_id": "{run}"}))
case("delete an unknown run", post("runs/delete", {"run_id": "0" * 32}).refused())
case("restore an unknown run", post("runs/restore", {"run_id": "0" * 32}).refused())
case("delete without an id", post("runs/delete", {}).refused("run_id"))
case(
    "delete keeps the status",
    post(update, {"run_id": "{run}", "status": "FINISHED"}),
    post("runs/delete", {"run_id": "{run}"}),
    read,
)
case(
    "restore in a deleted experiment",
    get("runs/get", {"run_id": "{run}"}),
    post("experiments/delete", {"experiment_id": "{exp}"}),
    post("runs/restore", {"run_id": "{run}"}),
    read,
)

tag = "runs/set-tag"
case(
    "tag is set and overwritten",
    post(tag, {"run_id": "{run}", "key": "a", "value": "1"}),
    post(tag, {"run_id": "{run}", "key": "a", "value": "2"}),
    read,
)
case("tag of an empty value", post(tag, {"run_id": "{run}", "key": "a", "value": ""}), read)
case("tag without a value", post(tag, {"run_id": "{run}", "key": "a"}))
case("tag without a key", post(tag, {"run_id": "{run}", "value": "a"}).refused("key"))
case("tag without a run", post(tag, {"key": "a", "value": "a"}).refused("run_id"))
case("tag by the old name of the id", post(tag, {"run_uuid": "{run}", "key": "a", "value": "b"}), read)
case("tag of an unknown run", post(tag, {"run_id": "0" * 32, "key": "a", "value": "a"}).refused())
case(
    "tag of a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    post(tag, {"run_id": "{run}", "key": "a", "value": "a"}).refused("must be in the 'active' state"),
)
case("tag key of 250 characters", post(tag, {"run_id": "{run}", "key": "k" * 250, "value": "a"}))
case("tag key of 251 characters", post(tag, {"run_id": "{run}", "key": "k" * 251, "value": "a"}).refused())
case(
    "tag value is cut at 8000 characters",
    post(tag, {"run_id": "{run}", "key": "a", "value": "v" * 8005}),
    read.showing(lambda body: sorted(len(tag["value"]) for tag in body["run"]["data"]["tags"])),
)
case(
    "tag value is cut by characters",
    post(tag, {"run_id": "{run}", "key": "a", "value": "漢" * 8005}),
    read.showing(lambda body: sorted(len(tag["value"]) for tag in body["run"]["data"]["tags"])),
)
case("tag of the name renames", post(tag, {"run_id": "{run}", "key": "mlflow.runName", "value": "tagged"}), read)
case("tag of the name may be empty", post(tag, {"run_id": "{run}", "key": "mlflow.runName", "value": ""}), read)
case("tag value is a number", post(tag, {"run_id": "{run}", "key": "a", "value": 5}).refused())
for title, key in {
    "slashes": "a/b/c",
    "blanks": "a b",
    "colons": "a:b",
    "dots": "a.b",
    "dashes": "a-b_c",
    "other letters": "größe漢",
}.items():
    case(f"tag key with {title}", post(tag, {"run_id": "{run}", "key": key, "value": "v"}), read)
for title, key in {
    "a double slash": "a//b",
    "a slash at the end": "a/",
    "a slash at the start": "/a",
    "a dot": ".",
    "dots that climb": "../a",
    "dots inside": "a/../b",
    "a backslash": "a\\b",
    "an emoji": "🙂",
    "a hash": "a#b",
    "a line": "a\nb",
    "a percent sign": "a%b",
    "quotes": "a'b",
}.items():
    case(f"tag key with {title}", post(tag, {"run_id": "{run}", "key": key, "value": "v"}).refused())

untag = "runs/delete-tag"
case(
    "tag is deleted",
    post(tag, {"run_id": "{run}", "key": "a", "value": "1"}),
    post(untag, {"run_id": "{run}", "key": "a"}),
    read,
    post(untag, {"run_id": "{run}", "key": "a"}).refused("No tag with name: a"),
)
case(
    "tag of a deleted run is deleted",
    post(tag, {"run_id": "{run}", "key": "a", "value": "1"}),
    post("runs/delete", {"run_id": "{run}"}),
    post(untag, {"run_id": "{run}", "key": "a"}).refused(),
)
case("tag of an unknown run is deleted", post(untag, {"run_id": "0" * 32, "key": "a"}).refused())
case("tag of the name is deleted", post(untag, {"run_id": "{run}", "key": "mlflow.runName"}), read)
case("delete-tag without a key", post(untag, {"run_id": "{run}"}).refused("key"))

param = "runs/log-parameter"
case("param", post(param, {"run_id": "{run}", "key": "p", "value": "1"}), read)
case(
    "param again with its value",
    post(param, {"run_id": "{run}", "key": "p", "value": "1"}),
    post(param, {"run_id": "{run}", "key": "p", "value": "1"}),
    read,
)
case(
    "param again with another value",
    post(param, {"run_id": "{run}", "key": "p", "value": "1"}),
    post(param, {"run_id": "{run}", "key": "p", "value": "2"}).refused("Changing param values is not allowed"),
    read,
)
case("param of an empty value", post(param, {"run_id": "{run}", "key": "p", "value": ""}), read)
case("param of a blank value", post(param, {"run_id": "{run}", "key": "p", "value": "  "}), read)
case("param without a value", post(param, {"run_id": "{run}", "key": "p"}), read)
case("param without a key", post(param, {"run_id": "{run}", "value": "p"}).refused("key"))
case("param of a number", post(param, {"run_id": "{run}", "key": "p", "value": 1}).refused())
case(
    "param of a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    post(param, {"run_id": "{run}", "key": "p", "value": "1"}).refused("must be in the 'active' state"),
)
case("param of an unknown run", post(param, {"run_id": "0" * 32, "key": "p", "value": "1"}).refused())
case("param key of 250 characters", post(param, {"run_id": "{run}", "key": "p" * 250, "value": "1"}))
case("param key of 251 characters", post(param, {"run_id": "{run}", "key": "p" * 251, "value": "1"}).refused())
case("param value of 6000 characters", post(param, {"run_id": "{run}", "key": "p", "value": "v" * 6000}))
case(
    "param value is cut at 6000 characters",
    post(param, {"run_id": "{run}", "key": "p", "value": "v" * 6001}),
    read.showing(lambda body: len(body["run"]["data"]["params"][0]["value"])),
)
case(
    "param that was cut is logged again",
    post(param, {"run_id": "{run}", "key": "p", "value": "v" * 6001}),
    post(param, {"run_id": "{run}", "key": "p", "value": "v" * 6001}),
)
case(
    "param value keeps blanks, lines and quotes",
    post(param, {"run_id": "{run}", "key": "p", "value": " a\n'b' \"c\" \\ %_"}),
    read,
)
case("param key that climbs", post(param, {"run_id": "{run}", "key": "../p", "value": "1"}).refused())
case("param key with a bad character", post(param, {"run_id": "{run}", "key": "p*", "value": "1"}).refused())
case("param by the old name of the id", post(param, {"run_uuid": "{run}", "key": "p", "value": "1"}), read)
case(
    "param keys differ in case",
    post(param, {"run_id": "{run}", "key": "p", "value": "1"}),
    post(param, {"run_id": "{run}", "key": "P", "value": "2"}),
    read,
)

model = '{"artifact_path": "model", "flavors": {}, "utc_time_created": "2024-01-01", "run_id": "x"}'
case("legacy model", post("runs/log-model", {"run_id": "{run}", "model_json": model}), read)
case(
    "legacy model twice",
    post("runs/log-model", {"run_id": "{run}", "model_json": model}),
    post("runs/log-model", {"run_id": "{run}", "model_json": model}),
    read,
)
case("legacy model is no JSON", post("runs/log-model", {"run_id": "{run}", "model_json": "{"}).refused())
case("legacy model lacks fields", post("runs/log-model", {"run_id": "{run}", "model_json": "{}"}).refused())
case("legacy model without JSON", post("runs/log-model", {"run_id": "{run}"}).refused("model_json"))
