"""registered-models/search and model-versions/search."""

from typing import Any

from case import Area, Step, delete, get, post

area = Area("search-registry")
case = area.case


def models(body: Any) -> Any:
    """The ends of the names in their order, and whether there is more."""
    return {"names": [m["name"][10:] for m in body.get("registered_models", [])], "more": bool(body.get("next_page_token"))}


def versions(body: Any) -> Any:
    """The ends of the names with the versions in their order, and whether there is more."""
    found = [m["name"][10:] + "/" + m["version"] for m in body.get("model_versions", [])]
    return {"versions": found, "more": bool(body.get("next_page_token"))}


def make(name: str, **tags: str) -> Step:
    return post("registered-models/create", {"name": "{u}" + name, "tags": [{"key": k, "value": v} for k, v in tags.items()]}).after(4)


def version(name: str, source: str, **more: Any) -> Step:
    return post("model-versions/create", {"name": "{u}" + name, "source": source} | more).after(4)


SETUP = (
    make("a", team="red", own="x"),
    make("b", team="Red"),
    make("C", team="blue", empty=""),
    version("a", "s3://one/x", tags=[{"key": "kind", "value": "Tree"}]),
    version("a", "s3://two/x", tags=[{"key": "kind", "value": "net"}]),
    version("b", "runs:/{run}/m", run_id="{run}"),
    version("C", "s3://one/y", tags=[{"key": "kind", "value": "tree"}, {"key": "a.b", "value": ""}]),
)
OWN = "name LIKE '{u}%'"


def find(text: str = OWN, **more: Any) -> Step:
    return get("registered-models/search", {"filter": text} | more).showing(models)


def find_versions(text: str = OWN, **more: Any) -> Step:
    return get("model-versions/search", {"filter": text} | more).showing(versions)


def finds(name: str, *filters: str) -> None:
    case(f"models: {name}", *SETUP, *[find(f"{OWN} AND {text}") for text in filters])


def finds_versions(name: str, *filters: str) -> None:
    case(f"versions: {name}", *SETUP, *[find_versions(f"{OWN} AND {text}") for text in filters])


finds("names", "name = '{u}a'", "name != '{u}a'", "name LIKE '%a'", "name ILIKE '%c'", "name IN ('{u}a', '{u}b')", "name NOT IN ('{u}a')", "attribute.name = '{u}a'", "name = \"{u}a\"")
finds("tags", "tags.team = 'red'", "tag.team = 'red'", "tags.team != 'red'", "tags.team LIKE 'r%'", "tags.team ILIKE 'R%'", "tags.`team` = 'blue'", "tags.empty = ''", "tags.none != 'x'", "tags.team = 'red' AND tags.own = 'x'", "tags.team = 'red' AND tags.own = 'y'", "tags.team like 'b%'")
case("models: names alone", *SETUP, find("name = '{u}a'"), find("name='{u}a'"), find("name ILIKE '{u}c'"), find("name = '{u}'"))
case("models: unknown keys", *[find(text).refused() for text in ("foo = 'x'", "foo.bar = 'x'", "version_number > 1", "run_id = 'x'", "metrics.a > 1", "last_updated_timestamp > 1")])
case("models: wrong comparators", *[find(text).refused() for text in ("name > 'a'", "tags.a > 'x'", "name IS NULL", "tags.a IN ('x')", "name == 'a'")])
case("models: wrong literals", *[find(text).refused() for text in ("name = 5", "name = x", "tags.a = 5", "name IN ()", "name IN (5)")])
case("models: malformed", *[find(text).refused() for text in ("name", "name = 'a' OR name = 'b'", "(name = 'a')", "name = 'a", "NOT name = 'a'", "name = 'a'; name = 'b'", "name LIKE")])
case("models: order", *SETUP, find(), find(order_by=["name"]), find(order_by=["name DESC"]), find(order_by=["last_updated_timestamp"]), find(order_by=["last_updated_timestamp DESC", "name"]), find(order_by=["timestamp DESC"]), find(order_by=["name asc"]))
case("models: order by the last change", *SETUP, post("registered-models/set-tag", {"name": "{u}a", "key": "z", "value": "1"}).after(4), find(order_by=["last_updated_timestamp DESC"]), version("b", "s3://one/z"), find(order_by=["last_updated_timestamp DESC"]))
case("models: order of wrong keys", *[find(order_by=[key]).refused() for key in ("foo", "tags.team", "creation_timestamp", "name UP", "version_number")])
case("models: pages", *SETUP, get("registered-models/search", {"filter": OWN, "max_results": "2"}, token="next_page_token").showing(models), get("registered-models/search", {"filter": OWN, "max_results": "2", "page_token": "{token}"}).showing(models))
case("models: pages that end evenly", *SETUP, get("registered-models/search", {"filter": OWN, "max_results": "3"}).showing(models))
case("models: page sizes", find(max_results="1000"), find(max_results="1001").refused(), find(max_results="0"))
case("sloppy: negative page size", find(max_results="-1"))
case("models: tokens that are none", find(page_token="x").refused())
case("models: whole answer", *SETUP, get("registered-models/search", {"filter": OWN}))
case("models: nothing", get("registered-models/search", {"filter": "name = '{u}'"}))

finds_versions("names", "name = '{u}a'", "name != '{u}a'", "name ILIKE '%c'", "name IN ('{u}a', '{u}b')", "name NOT IN ('{u}a')")
finds_versions("runs", "run_id = '{run}'", "run_id != '{run}'", "run_id IN ('{run}', 'x')", "run_id NOT IN ('{run}')", "run_id LIKE '%'", "attribute.run_id = '{run}'")
finds_versions("sources", "source_path = 's3://one/x'", "source_path != 's3://one/x'", "source_path LIKE 's3://one/%'", "source_path ILIKE 'S3://ONE/%'")
finds_versions("numbers", *[f"version_number {sign} 2" for sign in ("=", "!=", "<", "<=", ">", ">=")])
finds_versions("tags", "tags.kind = 'tree'", "tags.kind ILIKE 'TREE'", "tags.kind != 'net'", "tags.kind LIKE 'T%'", "tags.`a.b` = ''", "tag.kind = 'net'", "tags.kind = 'tree' AND tags.`a.b` = ''")
case("versions: unknown keys", *[find_versions(text).refused() for text in ("foo = 'x'", "foo.bar = 'x'", "source = 'x'", "version = 1", "current_stage = 'None'", "status = 'READY'")])
case("versions: wrong comparators", *[find_versions(text).refused() for text in ("name > 'a'", "version_number LIKE '1'", "run_id IS NULL", "source_path IN ('x')", "version_number IN ('1')")])
case("versions: wrong literals", *[find_versions(text).refused() for text in ("name = 5", "version_number = 'x'", "run_id IN ()", "run_id IN (1)", "tags.a = 1")])
case("sloppy: number as a text", *SETUP, find_versions(OWN + " AND version_number = '1'"))
case("versions: malformed", *[find_versions(text).refused() for text in ("name", "name = 'a' OR name = 'b'", "(name = 'a')", "name = 'a")])
case("versions: order", *SETUP, find_versions(), find_versions(order_by=["name"]), find_versions(order_by=["name DESC", "version_number ASC"]), find_versions(order_by=["version_number"]), find_versions(order_by=["version_number DESC"]), find_versions(order_by=["creation_timestamp"]), find_versions(order_by=["last_updated_timestamp DESC"]), find_versions(order_by=["creation_timestamp DESC", "name"]))
case("versions: order of wrong keys", *[find_versions(order_by=[key]).refused() for key in ("foo", "tags.kind", "timestamp", "name UP", "run_id")])
case("versions: pages", *SETUP, get("model-versions/search", {"filter": OWN, "order_by": "name", "max_results": "3"}, token="next_page_token").showing(versions), get("model-versions/search", {"filter": OWN, "order_by": "name", "max_results": "3", "page_token": "{token}"}).showing(versions))
case("versions: page sizes", find_versions(max_results="200000"), find_versions(max_results="200001").refused(), find_versions(max_results="-1").refused())
case("versions: deleted ones are hidden", *SETUP, delete("model-versions/delete", {"name": "{u}a", "version": "2"}), find_versions())
case("versions: whole answer", *SETUP, post("registered-models/alias", {"name": "{u}a", "alias": "best", "version": "1"}), get("model-versions/search", {"filter": OWN, "order_by": "name"}))
case("versions: nothing", get("model-versions/search", {"filter": "name = '{u}'"}))

PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
prompt = (*SETUP[:1], post("registered-models/create", {"name": "{u}p", "tags": [PROMPT]}), post("model-versions/create", {"name": "{u}p", "source": "dummy-source", "tags": [PROMPT, {"key": "mlflow.prompt.text", "value": "Hi {{name}}"}]}))
case("prompts are hidden unless asked for", *prompt, find(), find(OWN + " AND tags.`mlflow.prompt.is_prompt` = 'true'"), find(OWN + " AND tags.`mlflow.prompt.is_prompt` != 'false'"), find(OWN + " AND tags.`mlflow.prompt.is_prompt` = 'false'"), find(OWN + " AND tags.`mlflow.prompt.is_prompt` != 'true'"), find_versions(), find_versions(OWN + " AND tags.`mlflow.prompt.is_prompt` = 'true'"))
