"""traces/search: filters, order, pages."""

from typing import Any

from case import Area, Step, post

area = Area("search-traces")
case = area.case
PLACE = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{exp}"}}
DAY = 1704067200000


def found(body: Any) -> Any:
    """The ids in their order, and whether there is more."""
    return {"traces": [t["trace_id"] for t in body.get("traces", [])], "more": bool(body.get("next_page_token"))}


def start(number: int, name: str, state: str, duration: str, tags: dict[str, str], metadata: dict[str, str], **more: Any) -> Step:
    info = {"trace_id": f"tr-{{hex{number}}}", "trace_location": PLACE, "request_time": f"2024-01-0{number}T00:00:00Z", "execution_duration": duration, "state": state, "tags": tags | {"mlflow.traceName": name}, "trace_metadata": metadata}
    return post("3:traces", {"trace": {"trace_info": info | more}})


def rate(number: int, name: str, value: Any, kind: str = "feedback") -> Step:
    body = {"assessment_name": name, "trace_id": f"tr-{{hex{number}}}", "source": {"source_type": "HUMAN", "source_id": "ada"}, kind: {"value": value}}
    return post(f"3:traces/tr-{{hex{number}}}/assessments", {"assessment": body})


SETUP = (
    start(1, "predict", "OK", "1.5s", {"team": "red"}, {"user": "ada", "mlflow.sourceRun": "{run}"}, client_request_id="req-1"),
    start(2, "Predict", "ERROR", "0.250s", {"team": "Red", "a.b": "x"}, {"user": "bob"}, client_request_id="req-2"),
    start(3, "train", "OK", "10s", {"empty": ""}, {}),
    start(4, "train", "IN_PROGRESS", "0.010s", {}, {"user": "Ada"}),
)


def find(text: str | None = None, **more: Any) -> Step:
    return post("3:traces/search", {"locations": [PLACE]} | ({} if text is None else {"filter": text}) | more).showing(found)


def finds(name: str, *filters: str) -> None:
    case(name, *SETUP, *[find(text) for text in filters])


def refuses(name: str, *filters: str) -> None:
    case(name, *[find(text).refused() for text in filters])


SIX = ("=", "!=", "<", "<=", ">", ">=")
finds("states", "status = 'OK'", "attributes.status != 'OK'", "trace.status = 'ERROR'", "attribute.status IN ('OK', 'ERROR')", "status NOT IN ('OK')", "status LIKE 'O%'", "status ILIKE 'ok'", "status = 'IN_PROGRESS'")
finds("names", "name = 'predict'", "name != 'predict'", "attributes.name LIKE 'P%'", "name ILIKE 'p%'", "trace.name = 'train'", "name RLIKE '^p.*t$'", "tags.`mlflow.traceName` = 'train'")
finds("ids", "request_id = 'tr-{hex2}'", "request_id != 'tr-{hex2}'", "request_id IN ('tr-{hex1}', 'tr-{hex3}')", "client_request_id = 'req-1'", "client_request_id LIKE 'req%'", "client_request_id != 'req-1'")
finds("times", *[f"timestamp_ms {sign} {DAY + 86400000}" for sign in SIX], f"attributes.timestamp > {DAY}", f"trace.timestamp_ms > {DAY + 1}")
finds("durations", *[f"execution_time_ms {sign} 250" for sign in SIX], "execution_time > 1000", "attributes.execution_time_ms < 100")
finds("ends", f"end_time > {DAY + 86400000}", f"end_time_ms <= {DAY + 1500}")
finds("tags", "tags.team = 'red'", "tag.team = 'red'", "tags.team != 'red'", "tags.team LIKE 'r%'", "tags.team ILIKE 'R%'", "tags.`a.b` = 'x'", "tags.team RLIKE '^[rR]ed$'", "tags.team IS NULL", "tags.team IS NOT NULL", "tags.empty = ''")
finds("metadata", "metadata.user = 'ada'", "request_metadata.user = 'ada'", "metadata.user != 'ada'", "metadata.user ILIKE 'ADA'", "metadata.user IS NULL", "metadata.user LIKE 'A%'", "request_metadata.`user` IS NOT NULL")
finds("runs", "attributes.run_id = '{run}'", "run_id = '{run}'", "run_id = 'none'")
finds("conjunctions", "status = 'OK' AND tags.team = 'red'", "status = 'OK' and execution_time_ms > 5000", "tags.team = 'red' AND metadata.user = 'bob'")
refuses("unknown keys", "foo = 'x'", "foo.bar = 'x'", "attributes.x = 'y'", "metrics.a > 1", "params.a = '1'", "state = 'OK'")
refuses("wrong comparators", "status > 'OK'", "timestamp_ms LIKE '1'", "tags.a > 'x'", "tags.a IN ('x')", "prompt != 'a/1'", "timestamp_ms IN (1)")
refuses("wrong literals", "status = 5", "tags.a = 5", "execution_time = x")
refuses("names in a list", "name IN ('train', 'x')")
case("sloppy: time as a text", find("timestamp_ms = 'x'"))
refuses("malformed text", "status", "status = 'OK' OR status = 'ERROR'", "(status = 'OK')", "status = 'OK", "NOT status = 'OK'")

rated = (*SETUP, rate(1, "good", True), rate(2, "good", False), rate(1, "score", 0.9), rate(2, "score", 3), rate(3, "label", "cat"), rate(1, "answer", "yes", "expectation"))
case("feedback", *rated, *[find(text) for text in ("feedback.good = 'true'", "feedback.good != 'true'", "feedback.good = 'false'", "feedback.score > 0.5", "feedback.score >= 3", "feedback.label = 'cat'", "feedback.label LIKE 'c%'", "feedback.label ILIKE 'CAT'", "feedback.good IS NOT NULL", "feedback.good IS NULL", "expectation.answer = 'yes'", "expectation.answer != 'yes'", "feedback.none = 'x'")])
case("prompts of a wrong form", find("prompt = 'x'").refused(), find("prompt = 'none/1'"))

case("order by default is newest first", *SETUP, find())
case("order by attributes", *SETUP, find(order_by=["timestamp_ms"]), find(order_by=["timestamp_ms ASC"]), find(order_by=["execution_time_ms DESC"]), find(order_by=["attributes.execution_time"]), find(order_by=["status", "timestamp_ms"]), find(order_by=["request_id DESC"]), find(order_by=["name", "timestamp_ms"]), find(order_by=["end_time DESC"]).refused())
case("order by tags and metadata", *SETUP, find(order_by=["tags.team"]), find(order_by=["tag.team DESC"]), find(order_by=["metadata.user", "timestamp_ms"]), find(order_by=["request_metadata.user DESC"]))
case("order of wrong keys", find(order_by=["foo"]).refused(), find(order_by=["timestamp_ms UP"]).refused(), find(order_by=["metrics.a"]).refused())


def page(size: Any, token: bool = False) -> Step:
    return post("3:traces/search", {"locations": [PLACE], "max_results": size} | ({"page_token": "{token}"} if token else {}), token="next_page_token").showing(found)


case("pages", *SETUP, page(3), page(3, True))
case("pages that end evenly", *SETUP, page(2), page(2, True), page(2, True))
case("page sizes", page(500), page(501).refused(), page(0).refused(), page(-1).refused())
case("tokens that are none", find(page_token="x").refused())
case("no locations", post("3:traces/search", {}).refused("locations"), post("3:traces/search", {"locations": []}))
case("unknown experiment", post("3:traces/search", {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "999999999"}}]}))
case("nothing found", *SETUP[:1], find("status = 'ERROR'"), post("3:traces/search", {"locations": [PLACE], "filter": "name = 'none'"}))
