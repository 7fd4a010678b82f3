"""The wire itself: spellings, types, bodies, methods, twins, probes."""

from case import Area, delete, get, patch, post, query_of, raw, send

area = Area("wire")
case = area.case
JSON = {"Content-Type": "application/json"}
T = 1700000000000
read = get("runs/get", {"run_id": "{run}"})

case("health", get("/health"))
case("version", get("/version").showing(lambda body: body.count(".") == 2))
INFO = {"store_type", "workspaces_enabled", "multipart_uploads_enabled", "multipart_downloads_enabled"}
case(
    "server info",
    get("3:server-info").showing(lambda body: sorted(body.keys() & INFO)),
    get("3:server-info").showing(lambda body: body["store_type"]),
    get("/ajax-api/3.0/mlflow/server-info").showing(lambda body: body["workspaces_enabled"]),
)
case("unknown route", get("runs/none").refused(), post("none", {}).refused(), get("/api/9.0/mlflow/runs/get").refused())
case(
    "wrong method",
    post("runs/get", {"run_id": "{run}"}).refused(),
    get("runs/create").refused(),
    delete("runs/delete", {"run_id": "{run}"}).refused(),
    send("PUT", "runs/create", {}).refused(),
)
case("slash at the end", get("runs/get/", {"run_id": "{run}"}).refused())

case(
    "camel case",
    post(
        "runs/create",
        {"experimentId": "{exp}", "userId": "ada", "runName": "one", "startTime": T},
        run="run.info.run_id",
    ),
    read,
)
case(
    "camel case of a required field",
    post("runs/log-metric", {"runId": "{run}", "key": "m", "value": 1, "timestamp": T}).refused(),
)
case("both spellings of a field", post("runs/create", {"experimentId": "{exp}", "experiment_id": "{exp}"}).refused())
case("camel case in a query", get("runs/get", {"runId": "{run}"}).refused())
case("unknown fields", post("runs/create", {"experiment_id": "{exp}", "colour": "red", "more": {"a": [1]}}))
case(
    "fields of null",
    post(
        "runs/create", {"experiment_id": "{exp}", "run_name": None, "start_time": None, "tags": None, "user_id": None}
    ),
)
case("null for a required field", post("runs/create", {"experiment_id": None}).refused())
case("body is a list", raw("POST", "/api/2.0/mlflow/runs/create", "[]", JSON).refused())
case("body is a text", raw("POST", "/api/2.0/mlflow/runs/create", '"x"', JSON).refused())
case("body is a number", raw("POST", "/api/2.0/mlflow/runs/create", "5", JSON).refused())
case("body is null", raw("POST", "/api/2.0/mlflow/runs/create", "null", JSON).refused())
case("body is empty", raw("POST", "/api/2.0/mlflow/runs/create", "", JSON).refused())
case("body is no JSON", raw("POST", "/api/2.0/mlflow/experiments/create", "{name: x}", JSON).refused("name"))
case("body is cut", raw("POST", "/api/2.0/mlflow/experiments/create", '{"name": "x"', JSON).refused("name"))
case("body is no UTF-8", raw("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "\xff"}', JSON).refused())
case(
    "body with a byte order mark",
    raw("POST", "/api/2.0/mlflow/experiments/create", b'\xef\xbb\xbf{"name": "{u}"}', JSON),
)
case(
    "body with a literal NaN",
    raw(
        "POST", "/api/2.0/mlflow/runs/log-metric", '{"run_id": "{run}", "key": "m", "value": NaN, "timestamp": 5}', JSON
    ),
)
case(
    "body with a repeated key",
    raw(
        "POST",
        "/api/2.0/mlflow/experiments/set-experiment-tag",
        '{"experiment_id": "{exp}", "key": "a", "value": "1", "value": "2"}',
        JSON,
    ),
    get("experiments/get", {"experiment_id": "{exp}"}),
)
case(
    "body with escapes",
    raw(
        "POST",
        "/api/2.0/mlflow/experiments/set-experiment-tag",
        '{"experiment_id": "{exp}", "key": "a", "value": "\\u00e9\\ud83d\\ude42\\n"}',
        JSON,
    ),
    get("experiments/get", {"experiment_id": "{exp}"}),
)
case(
    "content type is missing",
    raw("POST", "/api/2.0/mlflow/experiments/create", '{"name": "{u}"}').refused("Content-Type"),
)
case(
    "content type is another",
    raw("POST", "/api/2.0/mlflow/experiments/create", '{"name": "{u}"}', {"Content-Type": "text/plain"}).refused(
        "Content-Type"
    ),
)
case(
    "content type is a form",
    raw(
        "POST", "/api/2.0/mlflow/experiments/create", "name={u}", {"Content-Type": "application/x-www-form-urlencoded"}
    ).refused("Content-Type"),
)
case(
    "content type with a charset",
    raw(
        "POST",
        "/api/2.0/mlflow/experiments/create",
        '{"name": "{u}"}',
        {"Content-Type": "application/json; charset=utf-8"},
    ),
)
case(
    "content type in capitals",
    raw(
        "POST", "/api/2.0/mlflow/experiments/create", '{"name": "{u}"}', {"Content-Type": "Application/JSON"}
    ).refused(),
)
case(
    "content type of PATCH and DELETE does not matter",
    raw("PATCH", "/api/2.0/mlflow/registered-models/update", '{"name": "{model}", "description": "x"}'),
    raw("DELETE", "/api/2.0/mlflow/registered-models/delete", '{"name": "{model}"}'),
)
case("GET with a body", raw("GET", "/api/2.0/mlflow/runs/get", '{"run_id": "{run}"}', JSON))
case(
    "GET with a body and a query",
    query_of(raw("GET", "/api/2.0/mlflow/runs/get", '{"run_id": "none"}', JSON), run_id="{run}"),
)
case("POST with a query", query_of(post("runs/create", {}), experiment_id="{exp}").refused())
case(
    "DELETE with a query", query_of(raw("DELETE", "/api/2.0/mlflow/registered-models/delete"), name="{model}").refused()
)
case("repeated key in a query", get("runs/get", {"run_id": ["{run}", "other"]}))
case(
    "plus sign and escapes in a query",
    post("experiments/create", {"name": "{u} a+b&c"}),
    get("experiments/get-by-name", {"experiment_name": "{u} a+b&c"}),
)
case("unknown keys in a query", get("runs/get", {"run_id": "{run}", "colour": "red"}))
case(
    "flags in a query",
    *[get("logged-models/{logged}", {"allow_deleted": text}) for text in ("true", "True", "false", "FALSE")],
)
case(
    "wrong type: flag in a query",
    get("logged-models/{logged}", {"allow_deleted": "yes"}),
    get("logged-models/{logged}", {"allow_deleted": "1"}),
)

for kind, value in {"a number": 5, "a flag": True, "a list": ["a"], "an object": {"a": 1}, "a fraction": 1.5}.items():
    case(
        f"wrong type: text is {kind}",
        post("runs/create", {"experiment_id": "{exp}", "run_name": value}).refused("run_name"),
    )
    case(
        f"wrong type: required text is {kind}",
        post("runs/set-tag", {"run_id": "{run}", "key": value, "value": "v"}).refused(),
    )
for kind, value in {"a text": "soon", "a flag": True, "a list": [1], "an object": {}, "an empty text": ""}.items():
    case(
        f"wrong type: time is {kind}",
        post("runs/create", {"experiment_id": "{exp}", "start_time": value}, run="run.info.run_id").refused()
        if kind != "a flag"
        else post("runs/create", {"experiment_id": "{exp}", "start_time": value}),
    )
for kind, value in {
    "an integral fraction": 1700000000000.0,
    "an exponent": 17e11,
    "text": "1700000000000",
    "text with an exponent": "17e11",
}.items():
    case(f"time is {kind}", post("runs/create", {"experiment_id": "{exp}", "start_time": value}))

TWIN = "/ajax-api/2.0/mlflow"
case(
    "twins",
    post(f"{TWIN}/experiments/create", {"name": "{u}"}, exp="experiment_id"),
    post(f"{TWIN}/runs/create", {"experiment_id": "{exp}", "run_name": "one"}, run="run.info.run_id"),
    get(f"{TWIN}/runs/get", {"run_id": "{run}"}),
    post(f"{TWIN}/runs/search", {"experiment_ids": ["{exp}"]}),
    get(f"{TWIN}/artifacts/list", {"run_id": "{run}"}),
    post(f"{TWIN}/runs/log-metric", {"run_id": "{run}", "key": "m", "value": 1, "timestamp": 5}),
    get(f"{TWIN}/metrics/get-history", {"run_id": "{run}", "metric_key": "m"}),
)
case(
    "twins of the registry",
    post(f"{TWIN}/registered-models/create", {"name": "{u}"}),
    get(f"{TWIN}/registered-models/search", {"filter": "name = '{u}'"}),
    patch(f"{TWIN}/registered-models/update", {"name": "{u}", "description": "d"}),
    delete(f"{TWIN}/registered-models/delete", {"name": "{u}"}),
)
case(
    "twins of logged models",
    get(f"{TWIN}/logged-models/{{logged}}"),
    post(f"{TWIN}/logged-models/search", {"experiment_ids": ["{exp}"]}),
)
case(
    "twins of the proxy",
    raw("PUT", "/ajax-api/2.0/mlflow-artifacts/artifacts/{exp}/{run}/artifacts/a.txt", "x"),
    get("/ajax-api/2.0/mlflow-artifacts/artifacts/{exp}/{run}/artifacts/a.txt"),
    get("/ajax-api/2.0/mlflow-artifacts/artifacts", {"path": "{exp}/{run}/artifacts"}),
)
case(
    "routes of pages have no twin",
    get("metrics/get-history-bulk", {"run_id": "{run}", "metric_key": "m"}).refused(),
    post("experiments/search-datasets", {"experiment_ids": ["{exp}"]}).refused(),
)

case(
    "foreign host",
    get("/api/2.0/mlflow/experiments/get", {"experiment_id": "0"}).sending({"Host": "evil.example"}).refused(),
)
case(
    "foreign origin", post("experiments/create", {"name": "{u}"}).sending({"Origin": "https://evil.example"}).refused()
)
case(
    "health under a foreign host",
    get("/health").sending({"Host": "evil.example"}),
    get("/version").sending({"Host": "evil.example"}).showing(lambda body: True),
)
case(
    "workspace header",
    get("/api/2.0/mlflow/experiments/get", {"experiment_id": "0"}).sending({"X-MLFLOW-WORKSPACE": "default"}).refused(),
)
case(
    "answers are not sniffed",
    get("experiments/get", {"experiment_id": "0"})
    .headers("X-Content-Type-Options", "X-Frame-Options", "Content-Type")
    .showing(lambda body: True),
)
