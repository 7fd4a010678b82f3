"""log-batch: limits, repeats, the order of effects, and what a failure leaves."""

from typing import Any

from case import Area, Step, get, post

area = Area("batches")
case = area.case
T = 1700000000000
read = get("runs/get", {"run_id": "{run}"}).showing(lambda body: {"data": body["run"]["data"]})
count = get("runs/get", {"run_id": "{run}"}).showing(
    lambda body: {key: len(items) for key, items in body["run"]["data"].items()}
)


def batch(metrics: Any = None, params: Any = None, tags: Any = None, **more: Any) -> Step:
    given = {"metrics": metrics, "params": params, "tags": tags}
    return post(
        "runs/log-batch", {"run_id": "{run}"} | {key: items for key, items in given.items() if items is not None} | more
    )


def point(key: str = "m", value: Any = 1, timestamp: Any = T, **more: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": timestamp} | more


def pair(key: str, value: Any = "v") -> dict[str, Any]:
    return {"key": key, "value": value}


def several(number: int) -> list[dict[str, Any]]:
    return [pair(f"k{i}") for i in range(number)]


def points(number: int) -> list[dict[str, Any]]:
    return [point("m", i, T + i, step=i) for i in range(number)]


case("everything at once", batch([point()], [pair("p")], [pair("t")]), read)
case("nothing", batch(), read)
case("empty lists", batch([], [], []), read)
case(
    "lists of null",
    post("runs/log-batch", {"run_id": "{run}", "metrics": None, "params": None, "tags": None}).refused(),
    read,
)
case("1000 metrics", batch(points(1000)), count)
case("1001 metrics", batch(points(1001)).refused("at most 1000"), count)
case("100 params", batch(params=several(100)), count)
case("101 params", batch(params=several(101)).refused("at most 100"), count)
case("100 tags", batch(tags=several(100)), count)
case("101 tags", batch(tags=several(101)).refused("at most 100"), count)
case("1000 in total", batch(points(800), several(100), several(100)), count)
case("1001 in total", batch(points(801), several(100), several(100)).refused("at most 1000"), count)
case("repeated metric", batch([point(), point()]), get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"}))
case(
    "repeated batch",
    batch(points(5)),
    batch(points(5)),
    get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"}),
)
case(
    "metric of several values at a step",
    batch([point(value=2), point(value=1), point(value=3)]),
    read,
    get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"}),
)
case("latest of a mixed batch", batch([point(value=1, step=3), point(value=2, step=9), point(value=3, step=5)]), read)
case("latest of two batches", batch([point(value=1, step=9)]), batch([point(value=2, step=5), point("n", 4)]), read)
case("NaN and infinities", batch([point("a", "NaN"), point("b", "Infinity"), point("c", "-Infinity")]), read)
case("repeated param of one value", batch(params=[pair("p"), pair("p")]).refused("Duplicate parameter keys"), read)
case(
    "repeated param of two values",
    batch(params=[pair("p", "1"), pair("p", "2")]).refused("Duplicate parameter keys"),
    read,
)
case("repeated tag: the last one holds", batch(tags=[pair("t", "1"), pair("t", "2")]), read)
case("param of its value again", batch(params=[pair("p", "1")]), batch(params=[pair("p", "1"), pair("q", "2")]), read)
case(
    "param of another value stops everything",
    batch(params=[pair("p", "1")]),
    batch([point()], [pair("p", "2"), pair("q", "3")], [pair("t")]).refused("Changing param values is not allowed"),
    read,
)
case("bad metric stops everything", batch([point("a*")], [pair("p")], [pair("t")]).refused("metrics[0]"), read)
case("bad param stops everything", batch([point()], [pair("p*")], [pair("t")]).refused("params[0]"), read)
case("bad tag stops everything", batch([point()], [pair("p")], [pair("t*")]).refused("tags[0]"), read)
case("metric without a key", batch([{"value": 1, "timestamp": T}]).refused("metrics[0].key"))
case("metric without a value", batch([{"key": "m", "timestamp": T}]).refused("metrics[0].value"))
case("metric without a timestamp", batch([point("a"), {"key": "m", "value": 1}]).refused("metrics[1].timestamp"))
case("wrong type: metric of a bad timestamp", batch([point(timestamp="x")]))
case("metric of a negative timestamp", batch([point(timestamp=-1)]).refused())
case("wrong type: metric of a bad value", batch([point(value="x")]))
case("wrong type: metric of a bad step", batch([point(step="x")]))
case("metric that is no object", batch([5]).refused())
case("metrics that are no list", batch("x").refused("metrics"))
case("metrics that are an object", batch({"key": "m"}).refused("metrics"))
case("param without a key", batch(params=[{"value": "v"}]).refused("params[0].key"))
case("param without a value", batch(params=[{"key": "p"}]), read)
case("param of a null value", batch(params=[pair("p", None)]), read)
case("wrong type: param of a number", batch(params=[pair("p", 5)]))
case("tag without a key", batch(tags=[{"value": "v"}]).refused("tags[0].key"))
case("tag without a value", batch(tags=[{"key": "t"}]), read)
case("tag of a null value", batch(tags=[pair("t", None)]), read)
case("param of an empty value", batch(params=[pair("p", "")]), read)
case("tag of an empty value", batch(tags=[pair("t", "")]), read)
case(
    "long param value is cut",
    batch(params=[pair("p", "v" * 6001)]),
    get("runs/get", {"run_id": "{run}"}).showing(lambda body: len(body["run"]["data"]["params"][0]["value"])),
)
case(
    "long tag value is cut",
    batch(tags=[pair("t", "v" * 8001)]),
    get("runs/get", {"run_id": "{run}"}).showing(
        lambda body: sorted(len(tag["value"]) for tag in body["run"]["data"]["tags"])
    ),
)
case("param key of 251 characters", batch(params=[pair("p" * 251)]).refused("exceeds the maximum length"))
case("tag key of 251 characters", batch(tags=[pair("t"), pair("t" * 251)]).refused())
case("metric key of 251 characters", batch([point("m" * 251)]).refused("exceeds the maximum length"))
case("tag of the run's name", batch(tags=[pair("mlflow.runName", "batched")]), get("runs/get", {"run_id": "{run}"}))
case("without a run", post("runs/log-batch", {"metrics": []}).refused("run_id"))
case("of an unknown run", post("runs/log-batch", {"run_id": "0" * 32, "params": [pair("p")]}).refused())
case("of an unknown run with nothing", post("runs/log-batch", {"run_id": "0" * 32}).refused())
case("of a run id with odd characters", post("runs/log-batch", {"run_id": "a b", "params": [pair("p")]}).refused())
case(
    "of a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    batch(params=[pair("p")]).refused("must be in the 'active' state"),
)
case(
    "by the old name of the id", post("runs/log-batch", {"run_uuid": "{run}", "params": [pair("p")]}).refused("run_id")
)
case(
    "steps of every kind",
    batch([point(step=0), point(step=-5), point(step="6"), point(step=7.0), point("n")]),
    get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"}),
    read,
)
case(
    "with a logged model",
    batch([point(model_id="{logged}", dataset_name="d", dataset_digest="x")]),
    get("logged-models/{logged}"),
    read,
)
case(
    "keys of another letter case",
    batch([point("a"), point("A", 2)], [pair("a", "1"), pair("A", "2")], [pair("a", "1"), pair("A", "2")]),
    read,
)
case("unknown field", batch([point(extra=1)], colour="red"), read)
