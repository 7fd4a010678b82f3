"""Tracing: decorated functions, spans, feedback, search, links, deletion."""

import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, SpanType

from checking import checked, experiment, refused, run_workflow, same, unique

client = MlflowClient()


@mlflow.trace(span_type=SpanType.TOOL, attributes={"kind": "adder"})
def add(a: int, b: int) -> int:
    return a + b


@mlflow.trace(span_type=SpanType.CHAIN)
def answer(question: str) -> str:
    mlflow.update_current_trace(tags={"team": "red"}, metadata={"mlflow.trace.session": "s1"})
    with mlflow.start_span("think") as span:
        span.set_inputs({"q": question})
        span.set_attribute("model", "none")
        span.set_outputs(add(1, 2))
    return "because"


@mlflow.trace
def fails() -> None:
    raise ValueError("no")


def flushed() -> str:
    """The id of the last trace, once it is on the server."""
    mlflow.flush_trace_async_logging()
    return str(mlflow.get_last_active_trace_id())


def record() -> None:
    found = experiment("traces")
    answer("why")
    trace = client.get_trace(flushed())
    spans = {span.name: span for span in trace.data.spans}
    same("spans", set(spans), {"answer", "think", "add"})
    same(
        "tree",
        (spans["answer"].parent_id, spans["think"].parent_id, spans["add"].parent_id),
        (None, spans["answer"].span_id, spans["think"].span_id),
    )
    same(
        "inputs and outputs",
        (spans["answer"].inputs, spans["answer"].outputs, spans["add"].outputs),
        ({"question": "why"}, "because", 3),
    )
    same("types and attributes", (spans["add"].span_type, spans["add"].get_attribute("kind")), ("TOOL", "adder"))
    same(
        "info",
        (
            str(trace.info.state),
            trace.info.tags["team"],
            trace.info.tags["mlflow.traceName"],
            trace.info.trace_metadata["mlflow.trace.session"],
        ),
        ("OK", "red", "answer", "s1"),
    )
    same("previews", (trace.info.request_preview, trace.info.response_preview), ('{"question": "why"}', '"because"'))
    try:
        fails()
    except ValueError:
        broken = client.get_trace(flushed())
    same("failed trace", str(broken.info.state), "ERROR")
    checked("exception is kept", any(event.name == "exception" for event in broken.data.spans[0].events))
    same("search", [t.info.trace_id for t in client.search_traces([found], "tags.team = 'red'")], [trace.info.trace_id])
    same(
        "search by state",
        [t.info.trace_id for t in client.search_traces([found], "status = 'ERROR'")],
        [broken.info.trace_id],
    )
    same(
        "search by span",
        [t.info.trace_id for t in client.search_traces([found], "span.name = 'think'")],
        [trace.info.trace_id],
    )
    same("table of traces", len(mlflow.search_traces(locations=[found])), 2)
    client.set_trace_tag(trace.info.trace_id, "extra", "1")
    client.delete_trace_tag(trace.info.trace_id, "team")
    got = client.get_trace(trace.info.trace_id)
    same("tags", ("team" in got.info.tags, got.info.tags["extra"]), (False, "1"))


def manual() -> None:
    found = experiment("traces-manual")
    root = client.start_trace("manual", inputs={"a": 1}, tags={"k": "v"})
    child = client.start_span("child", root.trace_id, root.span_id, inputs={"b": 2})
    client.end_span(root.trace_id, child.span_id, outputs=3)
    client.end_trace(root.trace_id, outputs={"c": 4}, status="OK")
    mlflow.flush_trace_async_logging()
    trace = client.get_trace(root.trace_id)
    same("manual trace", ([s.name for s in trace.data.spans], trace.info.tags["k"]), (["manual", "child"], "v"))
    with mlflow.start_run() as run:
        add(2, 3)
    inside = flushed()
    same(
        "trace inside a run",
        [t.info.trace_id for t in mlflow.search_traces(locations=[found], run_id=run.info.run_id, return_type="list")],
        [inside],
    )
    client.link_traces_to_run([root.trace_id], run.info.run_id)
    same("linked trace", len(mlflow.search_traces(locations=[found], run_id=run.info.run_id, return_type="list")), 2)


def prompts() -> None:
    found = experiment("traces-prompts")
    prompt = client.register_prompt(unique("traced"), "Hi")
    add(1, 1)
    trace = flushed()
    client.link_prompt_versions_to_trace([prompt], trace)
    text = f"prompt = '{prompt.name}/1'"
    same("search by prompt", [t.info.trace_id for t in client.search_traces([found], text)], [trace])


def feedback() -> None:
    found = experiment("traces-feedback")
    answer("how")
    trace = flushed()
    source = AssessmentSource("HUMAN", "ada")
    good = mlflow.log_feedback(trace_id=trace, name="good", value=True, rationale="yes", source=source)
    score = mlflow.log_feedback(trace_id=trace, name="score", value=0.75, source=source)
    mlflow.log_expectation(trace_id=trace, name="answer", value={"text": "so"}, source=source)
    found_all = {a.name: a for a in client.get_trace(trace).info.assessments}
    same(
        "assessments",
        (found_all["good"].value, found_all["score"].value, found_all["answer"].value),
        (True, 0.75, {"text": "so"}),
    )
    mlflow.update_assessment(trace, score.assessment_id, mlflow.entities.Feedback(name="score", value=0.5))
    same("changed", mlflow.get_assessment(trace, score.assessment_id).value, 0.5)
    newer = mlflow.override_feedback(trace_id=trace, assessment_id=good.assessment_id, value=False, source=source)
    same(
        "overridden",
        (mlflow.get_assessment(trace, good.assessment_id).valid, newer.overrides),
        (False, good.assessment_id),
    )
    same("search by feedback", len(client.search_traces([found], "feedback.good = 'false'")), 1)
    mlflow.delete_assessment(trace, score.assessment_id)
    with refused("deleted assessment", "RESOURCE_DOES_NOT_EXIST"):
        mlflow.get_assessment(trace, score.assessment_id)


def deletion() -> None:
    found = experiment("traces-delete")
    for i in range(3):
        add(i, i)
    mlflow.flush_trace_async_logging()
    ids = [t.info.trace_id for t in client.search_traces([found])]
    same("three traces", len(ids), 3)
    same("deleted by id", client.delete_traces(found, trace_ids=ids[:1]), 1)
    same("deleted by time", client.delete_traces(found, max_timestamp_millis=int(time.time() * 1000) + 1000), 2)
    same("none are left", client.search_traces([found]).to_list(), [])


if __name__ == "__main__":
    run_workflow(record, manual, prompts, feedback, deletion)
