"""Spans over OTLP/HTTP in its JSON form, and reading them back."""

import gzip
import json
from typing import Any

from case import Area, Step, get, post, raw

area = Area("otlp")
case = area.case
PATH = "/v1/traces"
KIND = {"Content-Type": "application/json", "x-mlflow-experiment-id": "{exp}"}
START = 1704153600000000000


def any_value(value: Any) -> dict[str, Any]:
    """A value in the form of OTLP."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [attribute(key, item) for key, item in value.items()]}}
    return {} if value is None else {"stringValue": value}


def attribute(key: str, value: Any) -> dict[str, Any]:
    """An attribute as the client writes it."""
    return {"key": key, "value": any_value(value)}


def in_text(key: str, value: Any) -> dict[str, Any]:
    """An attribute as a text of JSON, as other writers have it."""
    return {"key": key, "value": {"stringValue": json.dumps(value)}}


def span(
    number: int = 1,
    parent: int | None = None,
    trace: int = 1,
    attributes: list[dict[str, Any]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    base = {
        "traceId": f"{{hex{trace}}}",
        "spanId": f"{{span{number}}}",
        "name": f"step{number}",
        "startTimeUnixNano": str(START + number * 1_000_000),
        "endTimeUnixNano": str(START + 100_000_000 - number * 1_000_000),
        "attributes": [attribute("mlflow.traceRequestId", f"tr-{{hex{trace}}}"), *(attributes or [])],
        "status": {"code": 1},
    }
    return base | ({} if parent is None else {"parentSpanId": f"{{span{parent}}}"}) | more


def export(*spans: Any, headers: dict[str, str] | None = None, resource: list[dict[str, Any]] | None = None) -> Step:
    body = {"resourceSpans": [{"resource": {"attributes": resource or []}, "scopeSpans": [{"spans": list(spans)}]}]}
    return raw("POST", PATH, json.dumps(body), KIND if headers is None else headers)


def information(body: Any) -> Any:
    """The trace's description, without its spans."""
    return body["trace"]["trace_info"]


read = get("3:traces/get", {"trace_id": "tr-{hex1}", "allow_partial": "true"})
about = get("3:traces/tr-{hex1}")
IO = [
    attribute("mlflow.spanInputs", {"question": "why"}),
    attribute("mlflow.spanOutputs", "because"),
    attribute("mlflow.spanType", "CHAIN"),
]

case("root span", export(span(attributes=IO)), read, about)
case("answer is empty protobuf", export(span()).headers("Content-Type"))
case(
    "root and child",
    export(span(1, attributes=IO), span(2, parent=1, attributes=[attribute("mlflow.spanType", "LLM")])),
    read,
)
case("child before its root", export(span(2, parent=1)), about, export(span(1, attributes=IO)), about, read)
case("child only is in progress", export(span(2, parent=1)), about)
case("failed root", export(span(status={"code": 2, "message": "no"})), read)
case("unset status", export(span(status={})), read)
case("spans again replace", export(span()), export(span(name="again")), read)
case(
    "events, links, kinds",
    export(
        span(
            kind=3,
            events=[
                {
                    "timeUnixNano": str(START + 5),
                    "name": "exception",
                    "attributes": [{"key": "exception.message", "value": {"stringValue": "bad"}}],
                }
            ],
            traceState="a=b",
        )
    ),
    read,
)
case(
    "values of every kind",
    export(
        span(
            attributes=[
                {"key": "s", "value": {"stringValue": '"x"'}},
                {"key": "plain", "value": {"stringValue": "x"}},
                {"key": "i", "value": {"intValue": "7"}},
                {"key": "d", "value": {"doubleValue": 0.5}},
                {"key": "b", "value": {"boolValue": True}},
                {"key": "l", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}]}}},
                {"key": "o", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}}},
                attribute("json", {"a": [1, 2.5, None, True]}),
            ]
        )
    ),
    read,
)
case(
    "values as texts of JSON",
    export(
        span(
            attributes=[
                in_text("mlflow.spanInputs", {"question": "why"}),
                in_text("mlflow.spanOutputs", "because"),
                in_text("mlflow.spanType", "CHAIN"),
                in_text("mlflow.chat.tokenUsage", {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
            ]
        )
    ),
    read,
)
case("two traces in one call", export(span(1, attributes=IO), span(2, trace=2)), about, get("3:traces/tr-{hex2}"))
case(
    "token usage is summed",
    export(
        span(1),
        span(
            2,
            parent=1,
            attributes=[
                attribute("mlflow.chat.tokenUsage", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})
            ],
        ),
        span(
            3,
            parent=1,
            attributes=[
                attribute("mlflow.chat.tokenUsage", {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
            ],
        ),
    ),
    about,
)
case(
    "token usage of a parent covers its children",
    export(
        span(
            1,
            attributes=[
                attribute("mlflow.chat.tokenUsage", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})
            ],
        ),
        span(
            2,
            parent=1,
            attributes=[
                attribute("mlflow.chat.tokenUsage", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})
            ],
        ),
    ),
    about,
)
case(
    "session and user",
    export(
        span(
            attributes=[
                {"key": "session.id", "value": {"stringValue": "s1"}},
                {"key": "user.id", "value": {"stringValue": "ada"}},
            ]
        )
    ),
    about,
)
case("tags of the root", export(span(attributes=[attribute("mlflow.traceTag.team", "red")])), about)
case(
    "resource attributes",
    export(
        span(),
        resource=[
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "telemetry.sdk.name", "value": {"stringValue": "otel"}},
        ],
    ),
    about,
)
case(
    "long inputs are cut in the preview",
    export(span(attributes=[attribute("mlflow.spanInputs", "x" * 1500)])),
    about.showing(lambda body: len(information(body)["request_preview"])),
)
case("run in the header", export(span(attributes=IO), headers=KIND | {"x-mlflow-run-id": "{run}"}), about)

WHOLE = {
    "trace": {
        "trace_info": {
            "trace_id": "tr-{hex1}",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{exp}"}},
            "request_time": "2024-01-02T03:04:05.678Z",
            "execution_duration": "1.500s",
            "state": "OK",
            "tags": {"a": "1"},
            "trace_metadata": {"m": "2"},
        }
    }
}
case("info after spans", export(span(attributes=IO)), post("3:traces", WHOLE), about, read)
case("info before spans", post("3:traces", WHOLE), export(span(attributes=IO)), about, read)
case("info is not widened by later spans", post("3:traces", WHOLE), export(span(1), span(2, parent=1)), about)
case(
    "search finds spans",
    export(
        span(attributes=IO),
        span(2, parent=1, attributes=[attribute("mlflow.spanType", "LLM"), attribute("model", "gpt")]),
    ),
    *[
        post(
            "3:traces/search", {"locations": [WHOLE["trace"]["trace_info"]["trace_location"]], "filter": text}
        ).showing(lambda body: [t["trace_id"] for t in body.get("traces", [])])
        for text in (
            "span.name = 'step2'",
            "span.name LIKE 'step%'",
            "span.type = 'LLM'",
            "span.type = 'LLM' AND span.name = 'step1'",
            "span.type != 'LLM'",
            "span.status = 'OK'",
            "span.status = 'ERROR'",
            "span.attributes.model LIKE '%gpt%'",
            "span.content LIKE '%because%'",
            "trace.text LIKE '%why%'",
            "span.name IN ('step1', 'x')",
            "span.name RLIKE '^step[0-9]$'",
            "span.name ILIKE 'STEP1'",
        )
    ],
)
case(
    "several with spans",
    export(span(attributes=IO), span(2, trace=2)),
    get("3:traces/batchGet", {"trace_ids": ["tr-{hex2}", "tr-{hex1}", "tr-" + "0" * 32]}),
)
case(
    "delete takes the spans along",
    export(span()),
    post("traces/delete-traces", {"experiment_id": "{exp}", "request_ids": ["tr-{hex1}"]}),
    read.refused(),
)

case("no experiment header", export(span(), headers={"Content-Type": "application/json"}).refused())
case("unknown experiment", export(span(), headers=KIND | {"x-mlflow-experiment-id": "999999999"}).refused())
case("content type of neither kind", export(span(), headers=KIND | {"Content-Type": "text/plain"}).refused())
case("no content type", export(span(), headers={"x-mlflow-experiment-id": "{exp}"}).refused())
case("body is no JSON", raw("POST", PATH, "{", KIND).refused())
case(
    "body is no protobuf",
    raw("POST", PATH, b"\xff\xff\xff", KIND | {"Content-Type": "application/x-protobuf"}).refused(),
)
case("no spans", export())
case(
    "empty protobuf",
    raw("POST", PATH, b"", KIND | {"Content-Type": "application/x-protobuf"}).refused("no spans found"),
)
case("empty object", raw("POST", PATH, "{}", KIND).refused("no spans found"))
case("gzip that is none", export(span(), headers=KIND | {"Content-Encoding": "gzip"}).refused())
case("encoding that is unknown", export(span(), headers=KIND | {"Content-Encoding": "br"}).refused())
# A body in bytes cannot hold variables, so its ids are fixed; nothing is read back.
FIXED = json.dumps(
    {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                                "name": "zip",
                                "startTimeUnixNano": str(START),
                                "endTimeUnixNano": str(START + 9),
                                "attributes": [],
                                "status": {},
                            }
                        ]
                    }
                ]
            }
        ]
    }
)
case("gzip", raw("POST", PATH, gzip.compress(FIXED.encode(), mtime=0), KIND | {"Content-Encoding": "gzip"}))
