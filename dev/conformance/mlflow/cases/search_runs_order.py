"""runs/search: order, pages, views, and what it answers."""

from typing import Any

from case import Area, Step, post
from searching import SETUP, T, find, found

area = Area("search-runs-order")
case = area.case


def orders(name: str, *orders_by: list[str]) -> None:
    case(name, *SETUP, *[find(order=order) for order in orders_by])


orders("order by default", [])
orders(
    "order by attributes",
    ["start_time"],
    ["attributes.start_time DESC"],
    ["attributes.start_time asc"],
    ["attribute.run_name DESC"],
    ["attributes.`run_name`"],
    ["run.user_id", "start_time"],
    ["created DESC"],
)
orders(
    "order by the end: missing ones come last",
    ["attributes.end_time"],
    ["attributes.end_time DESC"],
    ["end_time", "start_time"],
)
orders("order by the status", ["status"], ["status DESC", "start_time ASC"])
orders(
    "order by a metric: NaN, then missing ones, come last",
    ["metrics.acc"],
    ["metrics.acc DESC"],
    ["metric.loss"],
    ["metrics.loss desc"],
    ["metrics.`val/loss`", "start_time"],
)
orders("order by a param", ["params.lr"], ["params.lr DESC"], ["param.model", "start_time DESC"], ["params.empty"])
orders("order by a tag", ["tags.team"], ["tags.team DESC"], ["tag.`a.b-c d`"], ["tags.team", "metrics.acc DESC"])
orders("order by a key that nobody has", ["metrics.none"], ["params.none DESC"], ["tags.none", "start_time"])
orders(
    "order by several",
    ["tags.team ASC", "start_time DESC"],
    ["metrics.loss DESC", "params.lr ASC", "attributes.start_time"],
)
orders("order with blanks", ["metrics.acc   DESC"], ["metrics.acc\tdesc"])
case(
    "order of wrong direction",
    *SETUP[:2],
    find(order=["metrics.acc UP"]).refused(),
    find(order=["metrics.acc ASC DESC"]).refused(),
    find(order=["metrics.acc DESC NULLS LAST"]).refused(),
)
case(
    "order of wrong keys",
    *SETUP[:2],
    find(order=["foo.acc"]).refused(),
    find(order=["attributes.x"]).refused(),
    find(order=["datasets.name"]).refused(),
    find(order=["metrics"]).refused(),
)
case(
    "order of empty items",
    *SETUP[:2],
    find(order=[""]).refused(),
    find(order=[" "]).refused(),
    find(order=["DESC"]).refused(),
)
case("order by one key twice", *SETUP[:2], find(order=["metrics.acc", "metrics.acc DESC"]).refused())
case("order as one text", *SETUP, find(order_by="metrics.acc").refused("order_by"))
case("order with a comma in one item", *SETUP[:2], find(order=["metrics.acc, params.lr"]).refused())
case(
    "order of equal starts is by id",
    *[post("runs/create", {"experiment_id": "{exp}", "start_time": T}) for _ in range(5)],
    post("runs/search", {"experiment_ids": ["{exp}"]}).showing(
        lambda body: [r["info"]["run_id"] for r in body["runs"]] == sorted(r["info"]["run_id"] for r in body["runs"])
    ),
)
case(
    "filter and order together",
    *SETUP,
    find("metrics.acc <= 1", ["metrics.acc DESC"]),
    find("params.lr LIKE '%'", ["tags.team", "start_time"]),
    find("tags.team = 'red'", ["metrics.loss"], max_results=1),
)


def page(size: Any, token: bool = False, **more: Any) -> Step:
    body = {"experiment_ids": ["{exp}"], "max_results": size} | more | ({"page_token": "{token}"} if token else {})
    return post("runs/search", body, token="next_page_token").showing(found)


case("pages", *SETUP, page(4), page(4, True))
case("pages that end evenly", *SETUP, page(3), page(3, True))
case("pages of one", *SETUP, page(1), page(1, True), page(1, True), page(1, True), page(1, True), page(1, True))
case(
    "pages with filter and order",
    *SETUP,
    page(2, order_by=["metrics.acc DESC"], filter="metrics.acc <= 1"),
    page(2, True, order_by=["metrics.acc DESC"], filter="metrics.acc <= 1"),
)
case(
    "pages with NaN and missing ones",
    *SETUP,
    page(2, order_by=["metrics.acc"]),
    page(2, True, order_by=["metrics.acc"]),
    page(2, True, order_by=["metrics.acc"]),
)
case("page of everything", *SETUP, page(6), page(7))
case("page of 50000", *SETUP[:2], page(50000))
case("page of 50001", *SETUP[:2], page(50001).refused())
case("page of none", *SETUP[:2], page(0).refused())
case("page of a negative size", *SETUP[:2], page(-1).refused())
case("page of a word", *SETUP[:2], page("x").refused("max_results"))
case("order with blanks around", *SETUP[:2], find(order=["  metrics.acc DESC  "]).refused())
case(
    "order by a name with capitals",
    *SETUP[:2],
    find(order=["attributes.`Run Name`"]).refused(),
    find(order=["attributes.`Run name`"]).refused(),
)
case("sloppy: comma at the end of a list", find("run_id IN ('a',)"))
case("sloppy: AND at either end", find("metrics.a > 1 AND"), find("AND metrics.a > 1"))
case("sloppy: no AND, or two", find("metrics.a > 1 metrics.b > 1"), find("metrics.a > 1 AND AND metrics.b > 1"))
case("sloppy: no key", find("metrics. > 1"))
case("page of a number as text", *SETUP, page("2"))
case(
    "tokens that are none",
    *SETUP[:2],
    page(4, page_token="x").refused(),
    page(4, page_token="e30=").refused(),
    page(4, page_token="bnVsbA==").refused(),
)
case("empty token", *SETUP[:2], page(4, page_token=""))
case(
    "runs of a later page after changes",
    *SETUP,
    page(4),
    post("runs/create", {"experiment_id": "{exp}", "start_time": 1, "run_name": "late"}),
    page(4, True),
)

case(
    "view types",
    *SETUP,
    post("runs/delete", {"run_id": "{beta}"}),
    find(),
    find(run_view_type="ACTIVE_ONLY"),
    find(run_view_type="DELETED_ONLY"),
    find(run_view_type="ALL"),
    find(run_view_type=2),
    find(run_view_type=3, order=["start_time"]),
)
case("wrong type: view type", *SETUP[:2], find(run_view_type="SOME"))
case(
    "no experiments",
    *SETUP[:2],
    post("runs/search", {"experiment_ids": []}),
    post("runs/search", {}),
    post("runs/search", {"filter": "metrics.a > 1"}),
)
case("unknown experiments", post("runs/search", {"experiment_ids": ["999999999"]}))
case("experiment that is no number", post("runs/search", {"experiment_ids": ["abc"]}).refused())
case(
    "two experiments",
    *SETUP[:2],
    post("experiments/create", {"name": "{u}-b"}, exp2="experiment_id"),
    post("runs/create", {"experiment_id": "{exp2}", "run_name": "elsewhere", "start_time": T + 5}),
    post("runs/search", {"experiment_ids": ["{exp}", "{exp2}"]}).showing(found),
    post("runs/search", {"experiment_ids": ["{exp2}", "{exp2}"]}).showing(found),
)
case(
    "runs of a deleted experiment",
    *SETUP[:2],
    post("experiments/delete", {"experiment_id": "{exp}"}),
    find(),
    find(run_view_type="ALL"),
)
case("whole answer", *SETUP, post("runs/search", {"experiment_ids": ["{exp}"], "order_by": ["start_time"]}))
case(
    "answer for nothing",
    *SETUP[:2],
    find("metrics.acc > 100"),
    post("runs/search", {"experiment_ids": ["{exp}"], "filter": "metrics.acc > 100"}),
)
case(
    "filter in camel case",
    *SETUP,
    post("runs/search", {"experimentIds": ["{exp}"], "maxResults": 2, "orderBy": ["metrics.acc DESC"]}).showing(found),
)
case(
    "metric is the latest, not the best",
    *SETUP[:1],
    post(
        "runs/log-batch",
        {
            "run_id": "{alpha}",
            "metrics": [
                {"key": "m", "value": 9, "timestamp": T, "step": 1},
                {"key": "m", "value": 1, "timestamp": T, "step": 2},
            ],
        },
    ),
    find("metrics.m > 5"),
    find("metrics.m < 5"),
)
case(
    "changed tag is found by its new value",
    *SETUP[:2],
    post("runs/set-tag", {"run_id": "{alpha}", "key": "team", "value": "green"}),
    find("tags.team = 'red'"),
    find("tags.team = 'green'"),
)
case(
    "renamed run is found by its new name",
    *SETUP[:2],
    post("runs/update", {"run_id": "{alpha}", "run_name": "fresh"}),
    find("run_name = 'fresh'"),
    find("run_name = 'alpha'"),
    find("tags.mlflow.runName = 'fresh'"),
)
