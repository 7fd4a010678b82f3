"""logged-models/search: filters, order by metrics on datasets, pages."""

from typing import Any

from case import Area, Step, patch, post

area = Area("search-logged-models")
case = area.case
T = 1700000000000


def found(body: Any) -> Any:
    """The names in their order, and whether there is more."""
    return {"names": [m["info"]["name"] for m in body.get("models", [])], "more": bool(body.get("next_page_token"))}


def make(name: str, kind: str, params: dict[str, str], tags: dict[str, str], metrics: list[tuple[str, Any, int, str]]) -> list[Step]:
    pairs = {"params": [{"key": k, "value": v} for k, v in params.items()], "tags": [{"key": k, "value": v} for k, v in tags.items()]}
    steps = [post("logged-models", {"experiment_id": "{exp}", "name": name, "model_type": kind, "source_run_id": "{run}"} | pairs, **{name: "model.info.model_id"}).after(4)]
    points = [{"key": key, "value": value, "timestamp": T + step, "step": step, "model_id": f"{{{name}}}", "dataset_name": data, "dataset_digest": "d"} for key, value, step, data in metrics]
    return steps + ([post("runs/log-batch", {"run_id": "{run}", "metrics": points})] if points else [])


SETUP = (
    *make("one", "agent", {"lr": "0.1"}, {"team": "red"}, [("acc", 0.5, 0, "iris"), ("acc", 0.9, 1, "wine")]),
    *make("two", "tree", {"lr": "0.2"}, {"team": "Red"}, [("acc", 0.7, 0, "iris")]),
    *make("three", "Tree", {}, {"team": "blue", "a.b": "x"}, [("acc", 0.6, 2, "wine"), ("loss", 3, 0, "iris")]),
    *make("four", "", {"lr": "0.1", "empty": ""}, {}, []),
    patch("logged-models/{two}", {"model_id": "{two}", "status": "LOGGED_MODEL_READY"}).after(4),
)


def find(text: str | None = None, **more: Any) -> Step:
    body = {"experiment_ids": ["{exp}"]} | ({} if text is None else {"filter": text}) | more
    return post("logged-models/search", body).showing(found)


def finds(name: str, *filters: str) -> None:
    case(name, *SETUP, *[find(text) for text in filters])


def refuses(name: str, *filters: str) -> None:
    case(name, *[find(text).refused() for text in filters])


def key(field: str, **more: Any) -> dict[str, Any]:
    return {"field_name": field} | more


finds("names and ids", "name = 'one'", "attributes.name != 'one'", "name LIKE 't%'", "name ILIKE 'T%'", "name IN ('one', 'two')", "name NOT IN ('one', 'two')", "model_id = '{two}'", "attributes.model_id IN ('{one}', '{two}')", "model_id != '{two}'")
finds("types and runs", "model_type = 'tree'", "attributes.model_type ILIKE 'tree'", "model_type != 'agent'", "source_run_id = '{run}'", "source_run_id != '{run}'", "model_type LIKE 'T%'")
finds("statuses", "status = 'READY'", "status != 'READY'", "attributes.status = 'LOGGED_MODEL_READY'", "status = 'PENDING'")
finds("times", "creation_timestamp > 0", "creation_timestamp < 5", "creation_time > 0", "last_updated_timestamp >= 1")
finds("metrics", *[f"metrics.acc {sign} 0.7" for sign in ("=", "!=", "<", "<=", ">", ">=")], "metrics.none > 0", "metrics.acc > 0.4 AND metrics.loss > 1", "metrics.`acc` > 0.8")
finds("params and tags", "params.lr = '0.1'", "params.lr != '0.1'", "params.lr LIKE '0%'", "tags.team = 'red'", "tags.team ILIKE 'RED'", "tags.`a.b` = 'x'", "params.empty = ''", "tags.none != 'x'", "params.lr IN ('0.1', '0.2')", "tags.team NOT IN ('red')")
finds("conjunctions", "name = 'one' AND params.lr = '0.1'", "metrics.acc > 0.5 AND tags.team != 'x' AND model_type = 'tree'", "name = 'one' and name = 'two'")
refuses("singular words", "metric.acc > 0.7", "param.lr = '0.1'", "tag.team = 'red'", "attribute.name = 'one'")
refuses("unknown keys", "foo = 'x'", "foo.bar = 'x'", "attributes.x = 'y'", "datasets.name = 'x'")
refuses("wrong literals", "metrics.acc > 'x'", "creation_timestamp > 'x'", "name IN (1)")
case("sloppy: numbers for texts", find("name = 5"), find("params.lr = 5"))
case("sloppy: empty list", find("name IN ()"))
case("sloppy: ends with AND", find("name = 'a' AND"))
case("times with the word for the entity", find("attributes.creation_timestamp > 0").refused(), find("attributes.creation_time > 0").refused())
refuses("wrong comparators", "name > 'a'", "metrics.acc LIKE '1'", "params.lr > '1'", "creation_timestamp LIKE '1'", "metrics.acc IN ('1')")
refuses("malformed text", "name", "name = 'a' OR name = 'b'", "(name = 'a')", "name = 'a")

case("order by default is newest first", *SETUP, find())
case("order by attributes", *SETUP, find(order_by=[key("name")]), find(order_by=[key("name", ascending=False)]), find(order_by=[key("attributes.name")]).refused(), find(order_by=[key("creation_timestamp")]), find(order_by=[key("creation_timestamp", ascending=False)]), find(order_by=[key("last_updated_timestamp", ascending=False)]), find(order_by=[key("creation_time")]))
case("order by a metric", *SETUP, find(order_by=[key("metrics.acc")]), find(order_by=[key("metrics.acc", ascending=False)]), find(order_by=[key("metrics.loss")]), find(order_by=[key("metrics.none")]))
case("order by a metric on a dataset", *SETUP, find(order_by=[key("metrics.acc", dataset_name="iris", ascending=False)]), find(order_by=[key("metrics.acc", dataset_name="iris", dataset_digest="d")]), find(order_by=[key("metrics.acc", dataset_name="wine", dataset_digest="other")]))
case("order by several", *SETUP, find(order_by=[key("model_type"), key("name")]), find(order_by=[key("status"), key("name", ascending=False)]))
case("order without a field", find(order_by=[{"ascending": True}]).refused(), find(order_by=[key("")]).refused())
case("order by unknown fields", find(order_by=[key("foo")]).refused(), find(order_by=[key("foo.bar")]).refused(), find(order_by=[key("params.lr")]).refused())
case("order by an attribute of a dataset", find(order_by=[key("name", dataset_name="x")]))
case("order by a digest without a name", find(order_by=[key("metrics.acc", dataset_digest="d")]))
case("datasets", *SETUP, find(datasets=[{"dataset_name": "iris", "dataset_digest": "d"}]), find(datasets=[{"dataset_name": "wine", "dataset_digest": "d"}]), find(datasets=[{"dataset_name": "none", "dataset_digest": "d"}]))
case("datasets without a digest", *SETUP, find(datasets=[{"dataset_name": "iris"}]))
case("datasets without a name", find(datasets=[{"dataset_digest": "d"}]).refused("dataset_name"))
case("metric on datasets", *SETUP, find("metrics.acc > 0.55", datasets=[{"dataset_name": "iris", "dataset_digest": "d"}]), find("metrics.acc > 0.55", datasets=[{"dataset_name": "iris", "dataset_digest": "d"}, {"dataset_name": "wine", "dataset_digest": "d"}]))


def page(size: Any, token: bool = False, **more: Any) -> Step:
    body = {"experiment_ids": ["{exp}"], "max_results": size, "order_by": [key("name")]} | more
    return post("logged-models/search", body | ({"page_token": "{token}"} if token else {}), token="next_page_token").showing(found)


case("pages", *SETUP, page(3), page(3, True))
case("pages that end evenly", *SETUP, page(2), page(2, True))
case("page by a token of other experiments", *SETUP, page(3), page(3, True, experiment_ids=["0"]).refused())
case("page by a token of another filter", *SETUP, page(3), page(3, True, filter="name = 'one'").refused())
case("page by a token of another order", *SETUP, page(3), page(3, True, order_by=[key("name", ascending=False)]).refused())
case("page by no token", page(3, page_token="x").refused())
case("page sizes", page(0), page(-1))
case("no experiments", post("logged-models/search", {}).refused("experiment_ids"), post("logged-models/search", {"experiment_ids": []}))
case("unknown experiment", post("logged-models/search", {"experiment_ids": ["999999999"]}))
case("whole answer", *SETUP, post("logged-models/search", {"experiment_ids": ["{exp}"], "order_by": [key("name")]}))
