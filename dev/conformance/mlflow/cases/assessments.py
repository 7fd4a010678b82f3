"""Feedback and expectations on traces."""

from typing import Any

from case import Area, Step, delete, get, patch, post

area = Area("assessments")
case = area.case
BASE = "3:traces/tr-{hex1}/assessments"
ONE = BASE + "/{assessment}"
trace = post("3:traces", {"trace": {"trace_info": {"trace_id": "tr-{hex1}", "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{exp}"}}, "request_time": "2024-01-02T03:04:05Z", "state": "OK"}}})
SOURCE = {"source_type": "HUMAN", "source_id": "ada"}


def body(name: str = "good", **more: Any) -> dict[str, Any]:
    return {"assessment_name": name, "trace_id": "tr-{hex1}", "source": SOURCE} | more


def make(name: str = "good", kept: str = "assessment", **more: Any) -> Step:
    return post(BASE, {"assessment": body(name, **more)}, **{kept: "assessment.assessment_id"})


read = get(ONE)
yes = make(feedback={"value": True}, rationale="because", metadata={"a": "1"})

case("feedback", trace, yes, read, get("3:traces/tr-{hex1}"))
for title, value in {"a text": "cat", "a number": 5, "a fraction": 0.25, "a flag": False, "a list": [1, "a", None], "an object": {"a": {"b": [1]}}, "nothing": None, "an empty text": ""}.items():
    case(f"feedback of {title}", trace, make(feedback={"value": value}), read)
case("feedback of an error", trace, make(feedback={"value": None, "error": {"error_code": "E", "error_message": "bad", "stack_trace": "line"}}), read)
case("expectation", trace, make("answer", expectation={"value": "yes"}), read)
for title, value in {"a number": 5, "a flag": True, "a fraction": 0.5}.items():
    case(f"expectation of {title}", trace, make("answer", expectation={"value": value}), read)
case("expectation of an object", trace, make("answer", expectation={"serialized_value": {"serialization_format": "JSON_FORMAT", "value": '{"a": [1, 2]}'}}), read)
for source in ("HUMAN", "LLM_JUDGE", "CODE"):
    case(f"source {source}", trace, make(feedback={"value": 1}, source={"source_type": source, "source_id": "x"}), read)
case("on a span", trace, make(feedback={"value": 1}, span_id="{span1}"), read)
case("with its times", trace, make(feedback={"value": 1}, create_time="2024-01-02T03:04:05Z", last_update_time="2024-01-02T03:04:06Z"), read)
case("two of one name", trace, yes, make(feedback={"value": False}), get("3:traces/tr-{hex1}").showing(lambda found: len(found["trace"]["trace_info"]["assessments"])))
case("missing: name", trace, post(BASE, {"assessment": {"trace_id": "tr-{hex1}", "source": SOURCE, "feedback": {"value": 1}}}))
case("missing: source", trace, post(BASE, {"assessment": {"assessment_name": "x", "trace_id": "tr-{hex1}", "feedback": {"value": 1}}}))
case("without a value", trace, post(BASE, {"assessment": body()}).refused())
case("without an assessment", trace, post(BASE, {}).refused("assessment"))
case("on an unknown trace", post(f"3:traces/tr-{'0' * 32}/assessments", {"assessment": body(feedback={"value": 1}) | {"trace_id": "tr-" + "0" * 32}}).refused())
case("get an unknown one", trace, get(BASE + "/a-" + "0" * 32).refused(), get(f"3:traces/tr-{'0' * 32}/assessments/a-{'0' * 32}").refused())

case("override", trace, yes, make(kept="newer", feedback={"value": False}, overrides="{assessment}"), read, get(BASE + "/{newer}"), delete(BASE + "/{newer}"), read)
case("override of an unknown one", trace, make(feedback={"value": False}, overrides="a-" + "0" * 32).refused())
case("delete", trace, yes, delete(ONE), read.refused(), delete(ONE))
case("delete on an unknown trace", delete(f"3:traces/tr-{'0' * 32}/assessments/a-{'0' * 32}"))


def change(mask: str, **fields: Any) -> Step:
    return patch(ONE, {"assessment": {"assessment_id": "{assessment}", "trace_id": "tr-{hex1}"} | fields, "update_mask": mask})


case("change of the name", trace, yes, change("assessmentName", assessment_name="better"), read)
case("change of the value", trace, yes, change("feedback", feedback={"value": "new"}), read)
case("change of the rationale", trace, yes, change("rationale", rationale="other"), read)
case("change of metadata merges", trace, yes, change("metadata", metadata={"b": "2"}), read)
case("change of several", trace, yes, change("assessmentName,feedback,rationale", assessment_name="n", feedback={"value": 2}, rationale="r"), read)
case("change of the expectation", trace, make("answer", expectation={"value": "yes"}), change("expectation", expectation={"value": "no"}), read)
case("change of feedback into an expectation", trace, yes, change("expectation", expectation={"value": "no"}).refused())
case("change by a mask in snake case", trace, yes, change("assessment_name", assessment_name="better"), read)
case("change without a mask", trace, yes, patch(ONE, {"assessment": {"assessment_id": "{assessment}", "trace_id": "tr-{hex1}", "rationale": "x"}}).refused("update_mask"))
case("change of an unknown one", trace, patch(BASE + "/a-" + "0" * 32, {"assessment": {"assessment_id": "a-" + "0" * 32, "trace_id": "tr-{hex1}", "rationale": "x"}, "update_mask": "rationale"}).refused())
