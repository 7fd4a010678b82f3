"""Webhooks: create, list, change, delete. Delivery has tests of its own."""

from typing import Any

from case import Area, Step, delete, get, patch, post

area = Area("webhooks")
case = area.case
# An address of the documentation range: no name has to be resolved.
URL = "https://203.0.113.7/hook"
EVENTS = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
ID = "webhook.webhook_id"
read = get("webhooks/{hook}")


def make(**more: Any) -> Step:
    return post("webhooks", {"name": "{u}", "url": URL, "events": EVENTS} | more, hook=ID)


made = make()
case("create and get", make(description="what", secret="hidden"), read)
case("create disabled", make(status="DISABLED"), read)
case("create with every event", make(events=[{"entity": entity, "action": action} for entity, actions in {"REGISTERED_MODEL": ["CREATED"], "MODEL_VERSION": ["CREATED"], "MODEL_VERSION_TAG": ["SET", "DELETED"], "MODEL_VERSION_ALIAS": ["CREATED", "DELETED"], "PROMPT": ["CREATED"], "PROMPT_VERSION": ["CREATED"], "PROMPT_TAG": ["SET", "DELETED"], "PROMPT_VERSION_TAG": ["SET", "DELETED"], "PROMPT_ALIAS": ["CREATED", "DELETED"], "BUDGET_POLICY": ["EXCEEDED"]}.items() for action in actions]).showing(lambda body: {"events": sorted(str(sorted(event.items())) for event in body["webhook"]["events"])}))
case("create by numbers of the enums", make(events=[{"entity": 2, "action": 1}], status=2), read)
for entity, action in (("MODEL_VERSION", "DELETED"), ("REGISTERED_MODEL", "SET"), ("MODEL_VERSION_TAG", "CREATED"), ("PROMPT", "DELETED"), ("MODEL_VERSION_ALIAS", "SET"), ("MODEL_VERSION", "UPDATED")):
    case(f"event {entity} {action}", make(events=[{"entity": entity, "action": action}]).refused())
case("event of an unknown entity", make(events=[{"entity": "RUN", "action": "CREATED"}]).refused())
case("event without an action", make(events=[{"entity": "MODEL_VERSION"}]).refused())
case("repeated event", make(events=EVENTS + EVENTS).refused())
case("no events", make(events=[]).refused())
case("without events", post("webhooks", {"name": "{u}", "url": URL}).refused("events"))
case("without a name", post("webhooks", {"url": URL, "events": EVENTS}).refused("name"))
case("without a url", post("webhooks", {"name": "{u}", "events": EVENTS}).refused("url"))
for title, name in {"a blank": "a b", "a slash": "a/b", "a dot at the end": "a.", "a dash at the start": "-a", "64 characters": "a" * 64, "other letters": "größe", "blanks only": "  "}.items():
    case(f"name with {title}", make(name=name).refused())
for title, name in {"dots and dashes": "a.b-c_d", "63 characters": "a" * 63, "one character": "a", "a digit": "1a"}.items():
    case(f"name with {title}", make(name=name))
case("two of one name", made, made)
for title, url in {"http": "http://203.0.113.7/hook", "no scheme": "203.0.113.7/hook", "ftp": "ftp://203.0.113.7/hook", "a file": "file:///etc/passwd", "nothing": " ", "no host": "https:///hook", "script": "javascript:alert(1)"}.items():
    case(f"url of {title}", make(url=url).refused())

case("get an unknown one", get("webhooks/00000000-0000-0000-0000-000000000000").refused("not found"))
case("change each field", made, *[patch("webhooks/{hook}", {"webhook_id": "{hook}"} | change) for change in ({"name": "{u}-b"}, {"description": "new"}, {"url": "https://203.0.113.8/x"}, {"status": "DISABLED"}, {"secret": "s"}, {"events": [{"entity": "PROMPT", "action": "CREATED"}]})], read)
case("change nothing", made, patch("webhooks/{hook}", {"webhook_id": "{hook}"}), read)
case("change without the id in the body", made, patch("webhooks/{hook}", {"description": "new"}), read)
case("change to a bad name", made, patch("webhooks/{hook}", {"webhook_id": "{hook}", "name": "a b"}).refused())
case("change to a bad url", made, patch("webhooks/{hook}", {"webhook_id": "{hook}", "url": "http://203.0.113.8/x"}).refused())
case("change to a bad event", made, patch("webhooks/{hook}", {"webhook_id": "{hook}", "events": [{"entity": "PROMPT", "action": "SET"}]}).refused())
case("change to no events", made, patch("webhooks/{hook}", {"webhook_id": "{hook}", "events": []}), read)
case("change an unknown one", patch("webhooks/00000000-0000-0000-0000-000000000000", {"webhook_id": "00000000-0000-0000-0000-000000000000", "name": "x"}).refused())
case("delete", made, delete("webhooks/{hook}", {"webhook_id": "{hook}"}), read.refused(), delete("webhooks/{hook}", {"webhook_id": "{hook}"}).refused())


def own(body: Any) -> Any:
    """The newest two names."""
    return {"names": [hook["name"] for hook in body["webhooks"][:2]], "more": bool(body.get("next_page_token"))}


case("list is newest first", made, make(name="{u}-b").after(4), get("webhooks", {"max_results": "2"}).showing(own))
case("list in pages", made, make(name="{u}-b").after(4), get("webhooks", {"max_results": "1"}, token="next_page_token").showing(own), get("webhooks", {"max_results": "1", "page_token": "{token}"}).showing(own))
case("sloppy: list of size zero", get("webhooks", {"max_results": "0"}).showing(lambda body: "webhooks" in body))
case("list of wrong sizes", get("webhooks", {"max_results": "1001"}).refused(), get("webhooks", {"max_results": "-1"}).refused())
case("list by no token", get("webhooks", {"page_token": "x"}).refused())
case("test of an unknown one", post("webhooks/00000000-0000-0000-0000-000000000000/test", {}).refused())
