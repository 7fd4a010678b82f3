"""experiments/search: filters, order, pages, views, and its GET form."""

from typing import Any

from case import Area, Step, get, post

area = Area("search-experiments")
case = area.case


def found(body: Any) -> Any:
    """The ends of the names in their order, and whether there is more."""
    return {"names": [e["name"][10:] for e in body.get("experiments", [])], "more": bool(body.get("next_page_token"))}


def make(name: str, **tags: str) -> Step:
    body = {"name": "{u}" + name, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
    return post("experiments/create", body, **{f"exp{name}": "experiment_id"}).after(4)


SETUP = (make("a", team="red", own="{u}"), make("b", team="Red", own="{u}"), make("c", team="blue", own="{u}", empty=""), make("D", own="{u}"))
OWN = "name LIKE '{u}%'"


def find(text: str = OWN, **more: Any) -> Step:
    return post("experiments/search", {"max_results": 100, "filter": text} | more).showing(found)


def finds(name: str, *filters: str) -> None:
    case(name, *SETUP, *[find(f"{OWN} AND {text}") for text in filters])


def refuses(name: str, *filters: str) -> None:
    case(name, *[find(text).refused() for text in filters])


finds("names", "name = '{u}a'", "name != '{u}a'", "name LIKE '%a'", "name ILIKE '%d'", "attribute.name = '{u}b'", "name = \"{u}b\"")
finds("tags", "tags.team = 'red'", "tag.team != 'red'", "tags.team LIKE 'r%'", "tags.team ILIKE 'R%'", "tags.`team` = 'blue'", "tags.team IS NULL", "tags.team IS NOT NULL", "tags.empty = ''", "tags.nobody != 'x'")
finds("ids", "experiment_id = '{expa}'", "experiment_id != '{expa}'", "experiment_id IN ('{expa}', '{expb}')", "experiment_id NOT IN ('{expa}', '{expb}')", "attribute.experiment_id IN ('{expa}')")
finds("times", "creation_time > 0", "creation_time >= 5", "last_update_time != 1", "creation_time < 1", "creation_time = 3", "last_update_time <= 99999999999999", "attribute.creation_time > 1")
finds("conjunctions", "tags.team = 'red' AND name LIKE '%a'", "tags.team = 'red' and tags.own = '{u}'", "tags.team = 'red' AND tags.team = 'blue'")
refuses("unknown keys", "foo = 'x'", "lifecycle_stage = 'active'", "metrics.a > 1", "params.a = '1'", "foo.bar = 'x'")
refuses("wrong comparators", "name > 'a'", "name IN ('a')", "creation_time LIKE '5'", "creation_time = '5'", "name IS NULL", "tags.a > 'x'", "experiment_id LIKE '1'", "experiment_id > '1'")
refuses("wrong literals", "name = 5", "name = x", "tags.a = 5", "creation_time = x", "experiment_id IN (1)", "experiment_id IN ()")
refuses("malformed text", "name", "name = 'a' OR name = 'b'", "(name = 'a')", "NOT name = 'a'", "name = 'a'; name = 'b'", "name = 'a")
refuses("other words for the entity", "attributes.name = 'b'", "attr.name = 'b'", "attributes.experiment_id = '1'", "experiment.name = 'b'")
case("sloppy: ends with AND", find("name = 'a' AND"))
case("comparators in lower case", find("name like 'x'").refused(), find("name ilike 'x'").refused())

case("order by default is newest first", *SETUP, find())
case("order by names", *SETUP, find(order_by=["name"]), find(order_by=["name DESC"]), find(order_by=["attribute.name asc"]), find(order_by=["attributes.name desc"]).refused())
case("order by ids and times", *SETUP, find(order_by=["experiment_id"]), find(order_by=["experiment_id DESC"]), find(order_by=["creation_time"]), find(order_by=["creation_time DESC"]), find(order_by=["last_update_time ASC"]))
case("order by the last change", *SETUP, post("experiments/set-experiment-tag", {"experiment_id": "{expb}", "key": "x", "value": "y"}).after(4), find(order_by=["last_update_time DESC"]), post("experiments/update", {"experiment_id": "{expa}", "new_name": "{u}z"}).after(4), find(order_by=["last_update_time DESC"]))
case("order of wrong keys", find(order_by=["foo"]).refused(), find(order_by=["tags.team"]).refused(), find(order_by=["name UP"]).refused(), find(order_by=[""]).refused(), find(order_by=["metrics.a"]).refused())
case("pages", *SETUP, post("experiments/search", {"max_results": 3, "filter": OWN}, token="next_page_token").showing(found), post("experiments/search", {"max_results": 3, "filter": OWN, "page_token": "{token}"}).showing(found))
case("pages that end evenly", *SETUP, post("experiments/search", {"max_results": 2, "filter": OWN}, token="next_page_token").showing(found), post("experiments/search", {"max_results": 2, "filter": OWN, "page_token": "{token}"}).showing(found))
case("page sizes", find(max_results=0).refused(), find(max_results=-1).refused(), find(max_results=50001).refused(), find(max_results=50000))
case("no page size", post("experiments/search", {}).refused("max_results"))
case("tokens that are none", find(page_token="x").refused(), find(page_token="e30=").refused())
case("views", *SETUP, post("experiments/delete", {"experiment_id": "{expb}"}), find(), find(view_type="ACTIVE_ONLY"), find(view_type="DELETED_ONLY"), find(view_type="ALL"), find(view_type=2))
case("by a query", *SETUP, get("experiments/search", {"max_results": "2", "filter": OWN, "order_by": ["name"]}, token="next_page_token").showing(found), get("experiments/search", {"max_results": "2", "filter": OWN, "order_by": ["name"], "page_token": "{token}"}).showing(found))
case("by a query with two keys of order", *SETUP, get("experiments/search", {"max_results": "9", "filter": OWN, "order_by": ["creation_time DESC", "name"]}).showing(found))
case("by a query with a view", *SETUP, post("experiments/delete", {"experiment_id": "{expb}"}), get("experiments/search", {"max_results": "9", "filter": OWN, "view_type": "DELETED_ONLY"}).showing(found), get("experiments/search", {"max_results": "9", "filter": OWN, "view_type": "3"}).showing(found))
case("by a query without a page size", get("experiments/search").refused("max_results"))
case("answer for nothing", post("experiments/search", {"max_results": 5, "filter": "name = '{u}-none'"}))
case("whole answer", *SETUP, post("experiments/search", {"max_results": 5, "filter": OWN}))
