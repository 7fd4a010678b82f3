"""Evaluation datasets and their records."""

import json
from typing import Any

from case import Area, Step, delete, get, patch, post

area = Area("evaluation-datasets")
case = area.case


def make(name: str = "{u}", kept: str = "data", **more: Any) -> Step:
    return post("3:datasets/create", {"name": name, "experiment_ids": ["{exp}"]} | more, **{kept: "dataset.dataset_id"})


made = make(tags=json.dumps({"team": "red", "mlflow.user": "ada"}))
read = get("3:datasets/{data}")
RECORDS = "3:datasets/{data}/records"


def parsed(body: Any) -> Any:
    """The records inside their text, in an order that does not depend on ids."""
    records = json.loads(body.get("records", "[]"))
    for record in records:
        record["tags"] = record.get("tags")
    return {"records": sorted(records, key=lambda record: json.dumps(record["inputs"], sort_keys=True)), "more": bool(body.get("next_page_token"))}


def put(*records: dict[str, Any]) -> Step:
    return post(RECORDS, {"dataset_id": "{data}", "records": json.dumps(records)})


listed = get(RECORDS).showing(parsed)
case("create and get", made, read)
case("create with a name only", post("3:datasets/create", {"name": "{u}"}, data="dataset.dataset_id"), read)
case("create without a name", post("3:datasets/create", {}).refused())
case("two of one name", made, made)
case("create in an unknown experiment", post("3:datasets/create", {"name": "{u}", "experiment_ids": ["999999999"]}))
case("tags that are no JSON", make(tags="{").refused())
case("get an unknown one", get("3:datasets/d-" + "0" * 32).refused())
case("delete", made, delete("3:datasets/{data}"), read.refused(), delete("3:datasets/{data}"))
case("tags", made, patch("3:datasets/{data}/tags", {"dataset_id": "{data}", "tags": json.dumps({"team": "blue", "new": "1", "none": None})}), read, delete("3:datasets/{data}/tags/new", {"dataset_id": "{data}", "key": "new"}), read, delete("3:datasets/{data}/tags/new", {"dataset_id": "{data}", "key": "new"}))
case("tags of an unknown one", patch("3:datasets/d-" + "0" * 32 + "/tags", {"dataset_id": "d-" + "0" * 32, "tags": "{}"}).refused())
case("records", made, put({"inputs": {"q": "one"}, "expectations": {"a": 1}, "tags": {"t": "x"}}, {"inputs": {"q": "two"}, "outputs": "o"}), listed, read)
case("records merge by their inputs", made, put({"inputs": {"q": "one", "r": 1}, "expectations": {"a": 1}}), put({"inputs": {"r": 1, "q": "one"}, "expectations": {"b": 2}, "tags": {"t": "x"}}, {"inputs": {"q": "new"}}), listed)
case("records that repeat in one call", made, put({"inputs": {"q": 1}}, {"inputs": {"q": 1}}), listed)
case("no records", made, put(), listed)
case("records with a source", made, put({"inputs": {"q": 1}, "source": {"source_type": "HUMAN", "source_data": {"user": "ada"}}}), listed)
case("missing: inputs of a record", made, put({"outputs": 1}))
case("wrong type: records that are no list", made, post(RECORDS, {"dataset_id": "{data}", "records": "{}"}))
case("records that are no JSON", made, post(RECORDS, {"dataset_id": "{data}", "records": "x"}).refused())
case("records of an unknown one", post("3:datasets/d-" + "0" * 32 + "/records", {"dataset_id": "d-" + "0" * 32, "records": "[]"}))
case("records in pages", made, put({"inputs": {"q": 1}}, {"inputs": {"q": 2}}, {"inputs": {"q": 3}}), get(RECORDS, {"max_results": "2"}, token="next_page_token").showing(lambda body: len(json.loads(body["records"]))), get(RECORDS, {"max_results": "2", "page_token": "{token}"}).showing(lambda body: (len(json.loads(body["records"])), "next_page_token" in body)))
case("records are deleted", made, put({"inputs": {"q": 1}}), delete(RECORDS, {"dataset_id": "{data}", "dataset_record_ids": ["dr-" + "0" * 32]}), listed)
case("experiments", made, get("3:datasets/{data}/experiment-ids"), post("experiments/create", {"name": "{u}-b"}, exp2="experiment_id"), post("3:datasets/{data}/add-experiments", {"dataset_id": "{data}", "experiment_ids": ["{exp2}"]}), get("3:datasets/{data}/experiment-ids"), post("3:datasets/{data}/remove-experiments", {"dataset_id": "{data}", "experiment_ids": ["{exp}"]}), get("3:datasets/{data}/experiment-ids"))
case("experiments that are unknown", made, post("3:datasets/{data}/add-experiments", {"dataset_id": "{data}", "experiment_ids": ["999999999"]}).refused())
case("experiments of an unknown one", post("3:datasets/d-" + "0" * 32 + "/add-experiments", {"dataset_id": "d-" + "0" * 32, "experiment_ids": ["0"]}).refused())


def names(body: Any) -> Any:
    """The ends of the names in their order, and whether there is more."""
    return {"names": [d["name"][10:] for d in body.get("datasets", [])], "more": bool(body.get("next_page_token"))}


SETUP = (make("{u}a", tags=json.dumps({"team": "red"})).after(4), make("{u}b", "data2", tags=json.dumps({"team": "Red", "mlflow.user": "ada"})).after(4), make("{u}C", "data3").after(4))


def find(text: str | None = None, **more: Any) -> Step:
    return post("3:datasets/search", {"experiment_ids": ["{exp}"]} | ({} if text is None else {"filter_string": text}) | more).showing(names)


case("search", *SETUP, find(), *[find(text) for text in ("name = '{u}a'", "name != '{u}a'", "name LIKE '%b'", "name ILIKE '%c'", "tags.team = 'red'", "tags.team ILIKE 'RED'", "created_by = 'ada'", "created_time > 5", "last_update_time < 5", "name = '{u}a' AND tags.team = 'red'")])
case("search order", *SETUP, find(order_by=["name"]), find(order_by=["name DESC"]), find(order_by=["created_time"]), find(order_by=["created_time DESC"]), find(order_by=["last_update_time ASC"]))
case("search pages", *SETUP, post("3:datasets/search", {"experiment_ids": ["{exp}"], "max_results": 2}, token="next_page_token").showing(names), post("3:datasets/search", {"experiment_ids": ["{exp}"], "max_results": 2, "page_token": "{token}"}).showing(names))
case("search by a query", *SETUP, get("3:datasets/search", {"experiment_ids": "{exp}", "filter_string": "name LIKE '%a'"}).showing(names))
case("search of wrong filters", *[find(text).refused() for text in ("foo = 'x'", "name = 5", "name = 'a' OR name = 'b'", "created_time = 'x'")])
case("sloppy: name by order", find("name > 'zzzz'"))
case("search of wrong sizes", find(max_results=0).refused(), find(max_results=50001).refused(), find(max_results=-1).refused())
case("search of wrong order", find(order_by=["foo"]).refused(), find(page_token="x").refused())
