"""Metrics: one at a time, the latest rule, repeats, history and its bulk forms."""

from typing import Any

from case import Area, Step, get, post

area = Area("metrics")
case = area.case

read = get("runs/get", {"run_id": "{run}"}).showing(lambda body: {"data": {"metrics": body["run"]["data"].get("metrics")}})
T = 1700000000000


def log(key: str = "m", value: Any = 1.5, timestamp: Any = T, **more: Any) -> Step:
    return post("runs/log-metric", {"run_id": "{run}", "key": key, "value": value, "timestamp": timestamp} | more)


def history(key: str = "m", **more: Any) -> Step:
    return get("metrics/get-history", {"run_id": "{run}", "metric_key": key} | more)


case("one point", log(), read, history())
case("step is kept", log(step=7), read, history())
case("step as text", log(step="7"), history())
case("step as an integral fraction", log(step=7.0), history())
case("wrong type: step as a fraction", log(step=7.5))
case("negative step", log(step=-3), read, history())
case("step of 64 bits", log(step=9223372036854775807), history())
case("wrong type: step over 64 bits", log(step=9223372036854775808))
case("step that is no number", log(step="x").refused())
case("timestamp as text", log(timestamp=str(T)), history())
case("timestamp zero", log(timestamp=0), history())
case("negative timestamp", log(timestamp=-1).refused())
case("wrong type: timestamp as a fraction", log(timestamp=1.5))
case("without a timestamp", post("runs/log-metric", {"run_id": "{run}", "key": "m", "value": 1}).refused("timestamp"))
case("without a value", post("runs/log-metric", {"run_id": "{run}", "key": "m", "timestamp": T}).refused("value"))
case("without a key", post("runs/log-metric", {"run_id": "{run}", "value": 1, "timestamp": T}).refused("key"))
case("without a run", post("runs/log-metric", {"key": "m", "value": 1, "timestamp": T}).refused("run_id"))
case("by the old name of the id", post("runs/log-metric", {"run_uuid": "{run}", "key": "m", "value": 1, "timestamp": T}), history())
case("value zero", log(value=0), history())
case("value as text", log(value="2.5"), history())
case("value as text with an exponent", log(value="1e-3"), history())
case("value that is no number", log(value="high").refused())
case("value null", log(value=None).refused())
case("wrong type: value true", log(value=True))
case("value as a list", log(value=[1]).refused())
case("NaN", log(value="NaN"), read, history())
case("infinity", log(value="Infinity"), read, history())
case("negative infinity", log(value="-Infinity"), read, history())
case("value at the edge of doubles", log(value=1.7976931348623157e308), log(value=-1.7976931348623157e308, step=1), log(value=5e-324, step=2), history())
case("values keep all digits", log(value=0.1), log(value=1 / 3, step=1), log(value=123456789.123456789, step=2), log(value=1e22, step=3), log(value=1e-7, step=4), log(value=100, step=5), log(value=-0.0, step=6), history())
case("key of 250 characters", log("m" * 250))
case("key of 251 characters", log("m" * 251).refused())
case("key is empty", log("").refused())
for title, key in {"slashes": "val/loss", "blanks": "val loss", "colons": "a:b", "dots": "a.b", "other letters": "größe漢"}.items():
    case(f"key with {title}", log(key), history(key))
for title, key in {"a double slash": "a//b", "a climb": "../a", "a star": "a*", "a hash": "a#", "a quote": "a'"}.items():
    case(f"key with {title}", log(key).refused())
case("of a deleted run", post("runs/delete", {"run_id": "{run}"}), log().refused("must be in the 'active' state"))
case("of an unknown run", post("runs/log-metric", {"run_id": "0" * 32, "key": "m", "value": 1, "timestamp": T}).refused())

case("latest is by step", log(value=1, step=5), log(value=2, step=3), read)
case("latest is by timestamp at a step", log(value=1, timestamp=T + 5), log(value=2, timestamp=T), read)
case("latest is by value at a step and timestamp", log(value=3), log(value=2), read)
case("latest is by step before timestamp", log(value=1, step=1, timestamp=T), log(value=2, step=0, timestamp=T + 9), read)
case("latest of values with NaN before", log(value="NaN"), log(value=2), read)
case("latest of values with NaN after", log(value=2), log(value="NaN"), read)
case("latest of negative values with NaN", log(value=-2), log(value="NaN"), read)
case("latest with a negative step", log(value=1, step=-1), log(value=2, step=0), log(value=3, step=-2), read)
case("repeat is kept once", log(), log(), history())
case("repeat of NaN is kept once", log(value="NaN"), log(value="NaN"), history())
case("repeat of infinity is kept once", log(value="Infinity"), log(value="Infinity"), history())
case("same step, other value", log(value=1), log(value=2), history())
case("NaN and zero are two points", log(value="NaN"), log(value=0), history())
case("several keys", log("a"), log("b", 2), log("c", 3), read, history("b"))

case("history is ordered by timestamp, step, value", log(value=3, timestamp=T + 2, step=0), log(value=2, timestamp=T + 1, step=9), log(value=1, timestamp=T + 1, step=2), log(value=0, timestamp=T + 1, step=2), history())
case("history with NaN", log(value=1), log(value="NaN"), log(value=-1), log(value=0), history())
case("history of an unknown key", log(), history("other"))
case("history of an unknown run", get("metrics/get-history", {"run_id": "0" * 32, "metric_key": "m"}))
case("history without a key", get("metrics/get-history", {"run_id": "{run}"}).refused("metric_key"))
case("history without a run", get("metrics/get-history", {"metric_key": "m"}).refused("run_id"))
case("history by the old name of the id", log(), get("metrics/get-history", {"run_uuid": "{run}", "metric_key": "m"}))
case("history of a deleted run", log(), post("runs/delete", {"run_id": "{run}"}), history())

POINTS = [{"key": "m", "value": step / 2, "timestamp": T + step, "step": step} for step in range(10)]
many = post("runs/log-batch", {"run_id": "{run}", "metrics": POINTS})
paged = get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "4"}, token="next_page_token")
onward = get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "4", "page_token": "{token}"}, token="next_page_token")
case("history in pages", many, paged, onward, onward)
case("history in pages that end evenly", many, get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "5"}, token="next_page_token"), get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "5", "page_token": "{token}"}))
case("history of one page", many, history(max_results=10))
case("history of no results", many, history(max_results=0).refused())
case("history of negative results", many, history(max_results=-1).refused())
case("history of many results", many, history(max_results=1000000))
case("wrong type: history of results that are no number", many, history(max_results="x"))
case("history by a token that is no token", many, history(max_results=4, page_token="???").refused())
case("history by a token without a size", many, paged, get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "page_token": "{token}"}))

BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
two = (
    post("runs/create", {"experiment_id": "{exp}", "start_time": 5}, run="run.info.run_id"),
    post("runs/create", {"experiment_id": "{exp}", "start_time": 6}, other="run.info.run_id"),
    post("runs/log-batch", {"run_id": "{run}", "metrics": POINTS[:3]}),
    post("runs/log-batch", {"run_id": "{other}", "metrics": POINTS[2:4]}),
)


def by_run(body: Any) -> Any:
    """The runs' ids are random, so is their order."""
    return {"metrics": sorted(body.get("metrics", []), key=lambda point: (point["step"], point["run_id"] is None))}


case("bulk of one run", many, get(BULK, {"run_id": "{run}", "metric_key": "m"}))
case("bulk of two runs", *two, get(BULK, {"run_id": ["{run}", "{other}"], "metric_key": "m"}).showing(lambda body: len(body["metrics"])))
case("bulk is grouped by run", *two, get(BULK, {"run_id": ["{run}", "{other}"], "metric_key": "m"}).showing(lambda body: [p["run_id"] for p in body["metrics"]] == sorted(p["run_id"] for p in body["metrics"])))
case("bulk with a limit", many, get(BULK, {"run_id": "{run}", "metric_key": "m", "max_results": "3"}))
case("bulk without a run", get(BULK, {"metric_key": "m"}).refused("at least one run_id"))
case("bulk without a key", get(BULK, {"run_id": "{run}"}).refused("metric_key"))
case("bulk of an unknown run", get(BULK, {"run_id": "0" * 32, "metric_key": "m"}))
case("bulk of 101 runs", get(BULK, {"run_id": [f"{i:032x}" for i in range(101)], "metric_key": "m"}).refused("100"))
case("bulk of 100 runs", get(BULK, {"run_id": [f"{i:032x}" for i in range(100)], "metric_key": "m"}))

SPAN = "metrics/get-history-bulk-interval"
case("interval of everything", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m"}))
case("interval samples evenly", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "4"}))
case("interval of one sample", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "1"}))
case("interval of two samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "2"}))
case("interval of three samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "3"}))
case("interval of seven samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "7"}))
case("interval of nine samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "9"}))
case("interval between steps", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "start_step": "2", "end_step": "5"}))
case("interval between steps with a limit", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "start_step": "2", "end_step": "8", "max_results": "3"}))
case("interval of one step", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "start_step": "5", "end_step": "5"}))
case("interval with a start only", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "start_step": "2"}).refused("both must be specified"))
case("interval with an end only", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "end_step": "2"}).refused("both must be specified"))
case("interval of an end before the start", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "start_step": "5", "end_step": "2"}).refused("end_step must be greater than start_step"))
case("interval of no samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "0"}).refused("max_results must be between 1 and 2500"))
case("interval of too many samples", many, get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "2501"}).refused("max_results must be between 1 and 2500"))
case("interval without runs", get(SPAN, {"metric_key": "m"}).refused("run_ids"))
case("interval without a key", get(SPAN, {"run_ids": "{run}"}).refused("metric_key"))
case("interval of 101 runs", get(SPAN, {"run_ids": [f"{i:032x}" for i in range(101)], "metric_key": "m"}).refused("at most 100 run_ids"))
case("interval of an unknown run", get(SPAN, {"run_ids": "0" * 32, "metric_key": "m"}))
case("interval of several points at a step", post("runs/log-batch", {"run_id": "{run}", "metrics": [{"key": "m", "value": value, "timestamp": T + value, "step": value // 3} for value in range(12)]}), get(SPAN, {"run_ids": "{run}", "metric_key": "m", "max_results": "5"}))
case("interval of the page's form", many, get("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", {"run_ids": "{run}", "metric_key": "m", "max_results": "5"}))
case("interval of NaN and infinity", log(value="NaN"), log(value="Infinity", step=1), get(SPAN, {"run_ids": "{run}", "metric_key": "m"}))

made = post("logged-models", {"experiment_id": "{exp}", "name": "net"}, logged="model.info.model_id")
case("of a logged model", made, log(model_id="{logged}", dataset_name="d", dataset_digest="x"), history(), get("logged-models/{logged}"))
case("of an unknown logged model", log(model_id="m-" + "0" * 32).refused(), history())
case("with a dataset only", log(dataset_name="d", dataset_digest="x"), history(), read)
