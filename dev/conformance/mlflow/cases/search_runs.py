"""runs/search: every operator on every entity, order, pages and malformed filters."""

from typing import Any

from case import Area, Step, get, post

area = Area("search-runs")
case = area.case
T = 1700000000000


def found(body: Any) -> Any:
    """The names of the runs in their order, and whether there is more."""
    return {"runs": [run["info"]["run_name"] for run in body.get("runs", [])], "more": bool(body.get("next_page_token"))}


def run(name: str, start: int, metrics: Any = None, params: Any = None, tags: Any = None, dataset: Any = None) -> list[Step]:
    steps = [post("runs/create", {"experiment_id": "{exp}", "run_name": name, "start_time": T + start, "user_id": "u" + name[0]}, **{name: "run.info.run_id"})]
    batch = {
        "metrics": [{"key": key, "value": value, "timestamp": T, "step": 0} for key, value in (metrics or {}).items()],
        "params": [{"key": key, "value": value} for key, value in (params or {}).items()],
        "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
    }
    if any(batch.values()):
        steps.append(post("runs/log-batch", {"run_id": f"{{{name}}}"} | batch))
    if dataset:
        given = {"name": dataset[0], "digest": dataset[1], "source_type": "local", "source": "{}"}
        steps.append(post("runs/log-inputs", {"run_id": f"{{{name}}}", "datasets": [{"dataset": given, "tags": [{"key": "mlflow.data.context", "value": dataset[2]}]}]}))
    return steps


SETUP = (
    *run("alpha", 10, {"acc": 0.5, "loss": 2}, {"lr": "0.1", "model": "Tree"}, {"team": "red", "a.b-c d": "x"}, ("iris", "d1", "train")),
    *run("beta", 20, {"acc": 0.7, "loss": 1}, {"lr": "0.01", "model": "tree"}, {"team": "blue"}, ("iris", "d2", "test")),
    *run("gamma", 30, {"acc": 0.9}, {"lr": "1e-3", "model": "forest_x"}, {"team": "Red", "empty": ""}, ("wine", "d1", "train")),
    *run("delta", 40, {"acc": "NaN", "loss": 3}, {"lr": "10", "model": "50%"}, {"note": "it's \"so\""}),
    *run("omega", 50, {"acc": "-Infinity", "val/loss": 4}, {"empty": ""}, {"team": "red"}),
    *run("zeta", 60, None, None, None),
    post("runs/update", {"run_id": "{alpha}", "status": "FINISHED", "end_time": T + 100}),
    post("runs/update", {"run_id": "{beta}", "status": "FAILED", "end_time": T + 50}),
)


def find(text: str | None = None, order: list[str] | None = None, **more: Any) -> Step:
    body: dict[str, Any] = {"experiment_ids": ["{exp}"]} | more
    if text is not None:
        body["filter"] = text
    if order is not None:
        body["order_by"] = order
    return post("runs/search", body).showing(found)


def finds(name: str, *filters: str) -> None:
    case(name, *SETUP, *[find(text) for text in filters])


def refuses(name: str, *filters: str) -> None:
    case(name, *SETUP[:2], *[find(text).refused() for text in filters])


SIX = ("=", "!=", "<", "<=", ">", ">=")
finds("metrics, every comparator", *[f"metrics.acc {sign} 0.7" for sign in SIX])
finds("metrics, forms of numbers", "metrics.acc > 7e-1", "metrics.acc >= .7", "metrics.loss = 2.0", "metrics.loss = 2", "metrics.acc > -1", "metrics.acc < -1e300", "metrics.loss != 2")
finds("metrics, words for the entity", "metric.acc > 0.6", "metrics.acc > 0.6", "metrics.`acc` > 0.6", 'metrics."acc" > 0.6', "metrics.`val/loss` = 4", 'metrics."val/loss" > 1')
finds("metrics that nobody has", "metrics.none = 1", "metrics.none != 1", "metrics.ACC > 0")
finds("metrics of NaN and infinity", "metrics.acc != 0.5", "metrics.acc <= 1", "metrics.acc >= -1e308", "metrics.acc = 0", "metrics.acc < 0")
finds("params, every comparator", "params.lr = '0.1'", "params.lr != '0.1'", "params.lr LIKE '0%'", "params.lr ILIKE '1E%'", "params.lr IS NULL", "params.lr IS NOT NULL")
finds("params, letter case", "params.model = 'tree'", "params.model = 'Tree'", "params.model ILIKE 'TREE'", "params.model LIKE 'forest%'", "params.model ILIKE '%REE'")
finds("params, wildcards", "params.model LIKE '%_%'", "params.model LIKE '____'", "params.model LIKE '%est\\_x'", "params.model LIKE '50%'", "params.model LIKE '%'", "params.model LIKE ''")
finds("params, words for the entity", "param.lr = '0.1'", "parameter.lr = '0.1'", "parameters.lr = '0.1'", "params.`lr` = '0.1'", 'params.lr = "0.1"')
finds("params of an empty value", "params.empty = ''", "params.empty != ''", "params.empty IS NULL", "params.empty LIKE '%'", "params.model != ''")
finds("tags, every comparator", "tags.team = 'red'", "tags.team != 'red'", "tags.team LIKE 'r%'", "tags.team ILIKE 'R%'", "tags.team IS NULL", "tags.team IS NOT NULL")
finds("tags, words and quotes", "tag.team = 'red'", "tags.`team` = 'red'", "tags.`a.b-c d` = 'x'", 'tags."a.b-c d" = \'x\'', "tags.`mlflow.runName` = 'beta'", "tags.mlflow.runName = 'beta'")
finds("tags of an empty value", "tags.empty = ''", "tags.empty != 'x'", "tags.empty IS NOT NULL")
finds("tags with quotes in the value", "tags.note = \"it's\"", "tags.note LIKE \"it's%\"", "tags.note LIKE '%\"so\"'")
finds("attributes: status", "attributes.status = 'FINISHED'", "attribute.status != 'FINISHED'", "status = 'RUNNING'", "attr.status LIKE 'F%'", "run.status ILIKE 'fail%'", "status = 'finished'", "status = 'BOGUS'")
finds("attributes: name", "attributes.run_name = 'beta'", "run_name LIKE '%a'", "run_name ILIKE 'BE%'", "attributes.`run name` = 'beta'", "attributes.`Run name` != 'beta'", "attributes.\"Run Name\" = 'beta'", "run_name != 'beta'")
finds("attributes: id", "attributes.run_id = '{beta}'", "run_id != '{beta}'", "run_id IN ('{beta}', '{gamma}')", "run_id NOT IN ('{beta}', '{gamma}')", "attributes.run_id in ('{alpha}')", "run_id not in ('{alpha}')", "run_id LIKE '%'", "run_id IN ('nobody')")
finds("attributes: user", "user_id = 'ub'", "attributes.user_id != 'ub'", "user_id LIKE 'u%'", "user_id ILIKE 'UB'")
finds("attributes: artifact uri", "artifact_uri LIKE 'mlflow-artifacts:%'", "attributes.artifact_uri = 'x'", "artifact_uri != 'x'")
finds("attributes: start", *[f"attributes.start_time {sign} {T + 30}" for sign in SIX], f"start_time >= {T}", f"attributes.created > {T + 30}", f"attributes.Created > {T + 30}")
finds("attributes: end", *[f"attributes.end_time {sign} {T + 50}" for sign in SIX])
finds("datasets", "datasets.name = 'iris'", "dataset.name != 'iris'", "datasets.digest = 'd1'", "datasets.context = 'train'", "datasets.name LIKE 'i%'", "datasets.name ILIKE 'IRIS'", "datasets.name IN ('iris', 'wine')", "datasets.name NOT IN ('iris')", "dataset.context IN ('test')", "datasets.digest LIKE 'd_'")
finds("several datasets clauses", "datasets.name = 'iris' AND datasets.digest = 'd2'", "datasets.name = 'iris' AND datasets.context = 'test'", "datasets.name = 'wine' AND datasets.digest = 'd2'")
finds("conjunctions", "metrics.acc > 0.4 AND params.lr = '0.1'", "metrics.acc > 0.4 and tags.team = 'red'", "metrics.acc > 0.4 AND metrics.loss < 3 AND params.model ILIKE 'tree' AND tags.team != 'x' AND status = 'FAILED'", "metrics.acc > 0.4 AND metrics.acc < 0.8", "params.lr = '0.1' AND params.lr = '0.01'", "tags.team = 'red' And attributes.status = 'RUNNING'")
finds("blanks", "  metrics.acc>0.6  ", "metrics.acc>0.6 AND   params.lr='0.01'", "\nmetrics.acc\n>\n0.6\n", "metrics.acc\t>\t0.6", "")
refuses("only blanks", "   ")
finds("words in lower case", "params.model like 'tree'", "params.model ilike 'tree'", "params.lr is null", "params.lr is not null", "tags.team iS nOt nUlL")
finds("literals that look like syntax", "tags.team = 'red AND blue'", "tags.team != 'a = b'", "tags.team != '(x)'", "tags.team != 'a;b'", "tags.team != '--'", "tags.team != '/* */'", "tags.team != 'a`b'")
finds("keys that are words of the language", "params.`select` IS NULL", "tags.`and` IS NULL", "metrics.`like` = 1")

refuses("an OR", "metrics.a > 1 OR metrics.b > 1", "metrics.a > 1 or tags.x = 'y'")
refuses("parentheses", "(metrics.a > 1)", "(metrics.a > 1) AND metrics.b > 1")
refuses("a NOT", "NOT metrics.a > 1", "params.x NOT LIKE 'a'")
refuses("unknown entities", "foo.bar = 'x'", "metricss.a = 1", "attributes.x = 'y'", "unknown = 'x'", "datasets.size = 'x'", "runs.status = 'x'")
refuses("metrics of wrong literals", "metrics.a = '1'", "metrics.a = \"1\"", "metrics.a = x", "metrics.a = NaN", "metrics.a = 1.2.3", "metrics.a =")
refuses("metrics of wrong comparators", "metrics.a LIKE '1'", "metrics.a == 1", "metrics.a IS NULL", "metrics.a IN ('1')", "metrics.a ~ 1")
refuses("params of wrong literals", "params.a = 1", "params.a = x", "params.a = '1", "params.a = 'a' 'b'", "params.a = ", "params.a = `b`")
refuses("params of wrong comparators", "params.a > '1'", "params.a < '1'", "params.a IN ('1')", "params.a == '1'", "params.a NOT NULL", "params.a IS 'x'")
refuses("tags of wrong comparators", "tags.a > '1'", "tags.a IN ('x')", "tags.a = 1")
refuses("attributes of wrong comparators", "status > 'A'", "status IN ('FINISHED')", "start_time LIKE '1'", "start_time = '5'", "run_name IS NULL", "status IS NOT NULL", "start_time IS NULL")
refuses("lists of wrong form", "run_id IN ()", "run_id IN ('a'", "run_id IN 'a'", "run_id IN (1, 2)", "run_id IN ('a', 1)", "run_id = ('a')", "run_id IN (a)")
refuses("malformed text", "metrics.a", "= 1", ".a > 1", "metrics.a > 1, metrics.b > 1", "1 > metrics.a", "'a' = 'a'", ";", "metrics.a > 1; metrics.b > 1")
refuses("bare key with a dash", "tags.a.b-c = 'x'")
refuses("comments and statements", "metrics.a > 1 -- x", "metrics.a > 1; DROP TABLE runs", "SELECT 1", "metrics.a > 1 UNION SELECT 1")


def orders(name: str, *orders_by: list[str]) -> None:
    case(name, *SETUP, *[find(order=order) for order in orders_by])


orders("order by default", [])
orders("order by attributes", ["start_time"], ["attributes.start_time DESC"], ["attributes.start_time asc"], ["attribute.run_name DESC"], ["attributes.`run_name`"], ["run.user_id", "start_time"], ["created DESC"])
orders("order by the end: missing ones come last", ["attributes.end_time"], ["attributes.end_time DESC"], ["end_time", "start_time"])
orders("order by the status", ["status"], ["status DESC", "start_time ASC"])
orders("order by a metric: NaN, then missing ones, come last", ["metrics.acc"], ["metrics.acc DESC"], ["metric.loss"], ["metrics.loss desc"], ["metrics.`val/loss`", "start_time"])
orders("order by a param", ["params.lr"], ["params.lr DESC"], ["param.model", "start_time DESC"], ["params.empty"])
orders("order by a tag", ["tags.team"], ["tags.team DESC"], ["tag.`a.b-c d`"], ["tags.team", "metrics.acc DESC"])
orders("order by a key that nobody has", ["metrics.none"], ["params.none DESC"], ["tags.none", "start_time"])
orders("order by several", ["tags.team ASC", "start_time DESC"], ["metrics.loss DESC", "params.lr ASC", "attributes.start_time"])
orders("order with blanks", ["metrics.acc   DESC"], ["metrics.acc\tdesc"])
case("order of wrong direction", *SETUP[:2], find(order=["metrics.acc UP"]).refused(), find(order=["metrics.acc ASC DESC"]).refused(), find(order=["metrics.acc DESC NULLS LAST"]).refused())
case("order of wrong keys", *SETUP[:2], find(order=["foo.acc"]).refused(), find(order=["attributes.x"]).refused(), find(order=["datasets.name"]).refused(), find(order=["metrics"]).refused())
case("order of empty items", *SETUP[:2], find(order=[""]).refused(), find(order=[" "]).refused(), find(order=["DESC"]).refused())
case("order by one key twice", *SETUP[:2], find(order=["metrics.acc", "metrics.acc DESC"]).refused())
case("order as one text", *SETUP, find(order_by="metrics.acc").refused("order_by"))
case("order with a comma in one item", *SETUP[:2], find(order=["metrics.acc, params.lr"]).refused())
case("order of equal starts is by id", *[post("runs/create", {"experiment_id": "{exp}", "start_time": T}) for _ in range(5)], post("runs/search", {"experiment_ids": ["{exp}"]}).showing(lambda body: [r["info"]["run_id"] for r in body["runs"]] == sorted(r["info"]["run_id"] for r in body["runs"])))
case("filter and order together", *SETUP, find("metrics.acc <= 1", ["metrics.acc DESC"]), find("params.lr LIKE '%'", ["tags.team", "start_time"]), find("tags.team = 'red'", ["metrics.loss"], max_results=1))


def page(size: Any, token: bool = False, **more: Any) -> Step:
    body = {"experiment_ids": ["{exp}"], "max_results": size} | more | ({"page_token": "{token}"} if token else {})
    return post("runs/search", body, token="next_page_token").showing(found)


case("pages", *SETUP, page(4), page(4, True))
case("pages that end evenly", *SETUP, page(3), page(3, True))
case("pages of one", *SETUP, page(1), page(1, True), page(1, True), page(1, True), page(1, True), page(1, True))
case("pages with filter and order", *SETUP, page(2, order_by=["metrics.acc DESC"], filter="metrics.acc <= 1"), page(2, True, order_by=["metrics.acc DESC"], filter="metrics.acc <= 1"))
case("pages with NaN and missing ones", *SETUP, page(2, order_by=["metrics.acc"]), page(2, True, order_by=["metrics.acc"]), page(2, True, order_by=["metrics.acc"]))
case("page of everything", *SETUP, page(6), page(7))
case("page of 50000", *SETUP[:2], page(50000))
case("page of 50001", *SETUP[:2], page(50001).refused())
case("page of none", *SETUP[:2], page(0).refused())
case("page of a negative size", *SETUP[:2], page(-1).refused())
case("page of a word", *SETUP[:2], page("x").refused("max_results"))
case("order with blanks around", *SETUP[:2], find(order=["  metrics.acc DESC  "]).refused())
case("order by a name with capitals", *SETUP[:2], find(order=["attributes.`Run Name`"]).refused(), find(order=["attributes.`Run name`"]).refused())
case("sloppy: comma at the end of a list", find("run_id IN ('a',)"))
case("sloppy: AND at either end", find("metrics.a > 1 AND"), find("AND metrics.a > 1"))
case("sloppy: no AND, or two", find("metrics.a > 1 metrics.b > 1"), find("metrics.a > 1 AND AND metrics.b > 1"))
case("sloppy: no key", find("metrics. > 1"))
case("page of a number as text", *SETUP, page("2"))
case("tokens that are none", *SETUP[:2], page(4, page_token="x").refused(), page(4, page_token="e30=").refused(), page(4, page_token="bnVsbA==").refused())
case("empty token", *SETUP[:2], page(4, page_token=""))
case("runs of a later page after changes", *SETUP, page(4), post("runs/create", {"experiment_id": "{exp}", "start_time": 1, "run_name": "late"}), page(4, True))

case("view types", *SETUP, post("runs/delete", {"run_id": "{beta}"}), find(), find(run_view_type="ACTIVE_ONLY"), find(run_view_type="DELETED_ONLY"), find(run_view_type="ALL"), find(run_view_type=2), find(run_view_type=3, order=["start_time"]))
case("wrong type: view type", *SETUP[:2], find(run_view_type="SOME"))
case("no experiments", *SETUP[:2], post("runs/search", {"experiment_ids": []}), post("runs/search", {}), post("runs/search", {"filter": "metrics.a > 1"}))
case("unknown experiments", post("runs/search", {"experiment_ids": ["999999999"]}))
case("experiment that is no number", post("runs/search", {"experiment_ids": ["abc"]}).refused())
case("two experiments", *SETUP[:2], post("experiments/create", {"name": "{u}-b"}, exp2="experiment_id"), post("runs/create", {"experiment_id": "{exp2}", "run_name": "elsewhere", "start_time": T + 5}), post("runs/search", {"experiment_ids": ["{exp}", "{exp2}"]}).showing(found), post("runs/search", {"experiment_ids": ["{exp2}", "{exp2}"]}).showing(found))
case("runs of a deleted experiment", *SETUP[:2], post("experiments/delete", {"experiment_id": "{exp}"}), find(), find(run_view_type="ALL"))
case("whole answer", *SETUP, post("runs/search", {"experiment_ids": ["{exp}"], "order_by": ["start_time"]}))
case("answer for nothing", *SETUP[:2], find("metrics.acc > 100"), post("runs/search", {"experiment_ids": ["{exp}"], "filter": "metrics.acc > 100"}))
case("filter in camel case", *SETUP, post("runs/search", {"experimentIds": ["{exp}"], "maxResults": 2, "orderBy": ["metrics.acc DESC"]}).showing(found))
case("metric is the latest, not the best", *SETUP[:1], post("runs/log-batch", {"run_id": "{alpha}", "metrics": [{"key": "m", "value": 9, "timestamp": T, "step": 1}, {"key": "m", "value": 1, "timestamp": T, "step": 2}]}), find("metrics.m > 5"), find("metrics.m < 5"))
case("changed tag is found by its new value", *SETUP[:2], post("runs/set-tag", {"run_id": "{alpha}", "key": "team", "value": "green"}), find("tags.team = 'red'"), find("tags.team = 'green'"))
case("renamed run is found by its new name", *SETUP[:2], post("runs/update", {"run_id": "{alpha}", "run_name": "fresh"}), find("run_name = 'fresh'"), find("run_name = 'alpha'"), find("tags.mlflow.runName = 'fresh'"))
