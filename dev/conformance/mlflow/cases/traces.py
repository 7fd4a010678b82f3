"""Traces: infos, search, tags, deletion, links, and the older version 2 of them."""

from typing import Any

from case import Area, Step, delete, get, patch, post

area = Area("traces")
case = area.case
TIME = "2024-01-02T03:04:05.678Z"
PLACE = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{exp}"}}


def info(number: int = 1, **more: Any) -> dict[str, Any]:
    base = {"trace_id": f"tr-{{hex{number}}}", "trace_location": PLACE, "request_time": TIME, "execution_duration": "1.500s", "state": "OK"}
    return base | more


def start(number: int = 1, **more: Any) -> Step:
    return post("3:traces", {"trace": {"trace_info": info(number, **more)}})


read = get("3:traces/tr-{hex1}")
full = {
    "client_request_id": "req-1",
    "request_preview": "hi",
    "response_preview": "there",
    "trace_metadata": {"mlflow.user": "ada", "k": "v"},
    "tags": {"mlflow.traceName": "predict", "team": "red"},
}
case("start and get", start(**full), read)
case("start with little", start(), read)
for state in ("OK", "ERROR", "IN_PROGRESS", "STATE_UNSPECIFIED"):
    case(f"state {state}", start(state=state), read)
case("start again replaces and merges", start(**full), start(state="ERROR", tags={"team": "blue", "new": "1"}, trace_metadata={"k2": "v2"}, request_preview="other"), read)
case("start without a location", post("3:traces", {"trace": {"trace_info": {"trace_id": "tr-{hex1}", "request_time": TIME, "state": "OK"}}}).refused())
case("start in an unknown experiment", start(trace_location={"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "999999999"}}).refused())
case("start without an info", post("3:traces", {"trace": {}}).refused())
case("start without a trace", post("3:traces", {}).refused("trace"))
case("times with nanoseconds", start(request_time="2024-01-02T03:04:05.123456789Z", execution_duration="0.000001s"), read)
case("times without fractions", start(request_time="2024-01-02T03:04:05Z", execution_duration="2s"), read)
case("time with an offset", start(request_time="2024-01-02T03:04:05+02:00"), read)
case("without a duration", post("3:traces", {"trace": {"trace_info": {"trace_id": "tr-{hex1}", "trace_location": PLACE, "request_time": TIME, "state": "IN_PROGRESS"}}}), read)
case("long tag value", start(tags={"a": "v" * 8001}), read.showing(lambda body: len(body["trace"]["trace_info"]["tags"]["a"])))
case("with assessments", start(assessments=[{"assessment_name": "good", "trace_id": "tr-{hex1}", "source": {"source_type": "HUMAN", "source_id": "ada"}, "feedback": {"value": True}, "create_time": TIME, "last_update_time": TIME}]), read)
case("get an unknown one", get("3:traces/tr-" + "0" * 32).refused())
case("get with spans that are not here", start(**full), get("3:traces/get", {"trace_id": "tr-{hex1}", "allow_partial": "true"}).refused())
case("get with spans of an unknown one", get("3:traces/get", {"trace_id": "tr-" + "0" * 32, "allow_partial": "true"}).refused())
case("get without an id", get("3:traces/get").refused("trace_id"))
case("several infos", start(1, **full), start(2), post("3:traces/batchGetInfos", {"trace_ids": ["tr-{hex2}", "tr-{hex1}", "tr-" + "0" * 32]}))
case("no infos", post("3:traces/batchGetInfos", {"trace_ids": []}))

tags = "traces/tr-{hex1}/tags"
case("tag", start(), patch(tags, {"key": "a", "value": "1"}), patch(tags, {"key": "a", "value": "2"}), read, delete(tags, {"key": "a"}), read, delete(tags, {"key": "a"}).refused("No trace tag with key"))
case("tag by version 3", start(), patch("3:" + tags, {"key": "a", "value": "1"}), read, delete("3:" + tags, {"key": "a"}), read)
case("tag of an unknown trace", patch(f"traces/tr-{'0' * 32}/tags", {"key": "a", "value": "1"}).refused(), delete(f"traces/tr-{'0' * 32}/tags", {"key": "a"}).refused())
case("tag without a key", start(), patch(tags, {"value": "1"}).refused("key"))
case("tag key of 251 characters", start(), patch(tags, {"key": "k" * 251, "value": "1"}).refused())
case("tag value of 8001 characters", start(), patch(tags, {"key": "k", "value": "v" * 8001}), read.showing(lambda body: len(body["trace"]["trace_info"]["tags"]["k"])))
case("tag that may not change", start(), patch(tags, {"key": "mlflow.trace.spansLocation", "value": "x"}).refused(), patch(tags, {"key": "mlflow.trace.archiveLocation", "value": "x"}).refused())

three = (start(1, request_time="2024-01-01T00:00:00Z"), start(2, request_time="2024-01-02T00:00:00Z"), start(3, request_time="2024-01-03T00:00:00Z"))
DAY2 = 1704153600000


def count(**query: Any) -> Step:
    return post("traces/delete-traces", {"experiment_id": "{exp}"} | query)


left = post("3:traces/search", {"locations": [PLACE]}).showing(lambda body: [t["trace_id"] for t in body.get("traces", [])])
case("delete by ids", *three, count(request_ids=["tr-{hex1}", "tr-{hex3}", "tr-" + "0" * 32]), left)
case("delete by time", *three, count(max_timestamp_millis=DAY2), left)
case("delete by time and number", *three, count(max_timestamp_millis=DAY2 * 2, max_traces=2), left)
case("delete by version 3", *three, post("3:traces/delete-traces", {"experiment_id": "{exp}", "request_ids": ["tr-{hex1}"]}), left)
case("delete without a choice", count().refused())
case("delete with both choices", count(max_timestamp_millis=5, request_ids=["x"]).refused())
case("delete no traces by number", count(max_timestamp_millis=5, max_traces=0).refused())
case("delete ids and number", count(request_ids=["x"], max_traces=1).refused())
case("delete without an experiment", post("traces/delete-traces", {"request_ids": ["x"]}).refused("experiment_id"))
case("delete nothing", count(request_ids=["tr-" + "0" * 32]))
case("delete of another experiment", *three, post("traces/delete-traces", {"experiment_id": "0", "request_ids": ["tr-{hex1}"]}), left)

link = "traces/link-to-run"
case("link to a run", *three, post(link, {"trace_ids": ["tr-{hex1}", "tr-{hex2}"], "run_id": "{run}"}), post(link, {"trace_ids": ["tr-{hex1}"], "run_id": "{run}"}), post("3:traces/search", {"locations": [PLACE], "filter": "attributes.run_id = '{run}'"}).showing(lambda body: [t["trace_id"] for t in body["traces"]]))
case("link of 101 traces", post(link, {"trace_ids": [f"tr-{i:032x}" for i in range(101)], "run_id": "{run}"}).refused())
case("link of no traces", post(link, {"trace_ids": [], "run_id": "{run}"}))
case("link without a run", post(link, {"trace_ids": ["tr-{hex1}"]}).refused("run_id"))
case("link of prompts", start(), post("registered-models/create", {"name": "{u}", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}), post("model-versions/create", {"name": "{u}", "source": "dummy-source", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "mlflow.prompt.text", "value": "Hi"}]}), post("traces/link-prompts", {"trace_id": "tr-{hex1}", "prompt_versions": [{"name": "{u}", "version": "1"}]}), post("3:traces/search", {"locations": [PLACE], "filter": "prompt = '{u}/1'"}).showing(lambda body: [t["trace_id"] for t in body.get("traces", [])]))
case("search sees tags and metadata", start(**full), post("3:traces/search", {"locations": [PLACE]}))

old = post("traces", {"experiment_id": "{exp}", "timestamp_ms": 1704153600000, "request_metadata": [{"key": "a", "value": "1"}], "tags": [{"key": "t", "value": "2"}]}, trace="trace_info.request_id")
case("version 2: start, end, get", old, get("traces/{trace}/info"), patch("traces/{trace}", {"request_id": "{trace}", "timestamp_ms": 1704153600250, "status": "OK", "request_metadata": [{"key": "b", "value": "2"}], "tags": [{"key": "u", "value": "3"}]}), get("traces/{trace}/info"), get("3:traces/{trace}"))
case("version 2: search", old, get("traces", {"experiment_ids": "{exp}", "max_results": "5"}))
case("version 2: tags", old, patch("traces/{trace}/tags", {"request_id": "{trace}", "key": "a", "value": "1"}), get("traces/{trace}/info"), delete("traces/{trace}/tags", {"request_id": "{trace}", "key": "a"}), get("traces/{trace}/info"))
case("version 2: unknown trace", get("traces/" + "0" * 32 + "/info").refused(), patch("traces/" + "0" * 32, {"request_id": "0" * 32, "timestamp_ms": 5, "status": "OK"}).refused())
case("version 2: without an experiment", post("traces", {"timestamp_ms": 5}).refused())
case("deleted experiment", get("experiments/get", {"experiment_id": "{exp}"}), post("experiments/delete", {"experiment_id": "{exp}"}), start().refused())
