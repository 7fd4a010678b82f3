"""The runs that searches of runs go over, and what is compared of an answer."""

from typing import Any

from case import Step, post

T = 1700000000000


def found(body: Any) -> Any:
    """The names of the runs in their order, and whether there is more."""
    return {
        "runs": [run["info"]["run_name"] for run in body.get("runs", [])],
        "more": bool(body.get("next_page_token")),
    }


def run(
    name: str, start: int, metrics: Any = None, params: Any = None, tags: Any = None, dataset: Any = None
) -> list[Step]:
    steps = [
        post(
            "runs/create",
            {"experiment_id": "{exp}", "run_name": name, "start_time": T + start, "user_id": "u" + name[0]},
            **{name: "run.info.run_id"},
        )
    ]
    batch = {
        "metrics": [{"key": key, "value": value, "timestamp": T, "step": 0} for key, value in (metrics or {}).items()],
        "params": [{"key": key, "value": value} for key, value in (params or {}).items()],
        "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
    }
    if any(batch.values()):
        steps.append(post("runs/log-batch", {"run_id": f"{{{name}}}"} | batch))
    if dataset:
        given = {"name": dataset[0], "digest": dataset[1], "source_type": "local", "source": "{}"}
        steps.append(
            post(
                "runs/log-inputs",
                {
                    "run_id": f"{{{name}}}",
                    "datasets": [{"dataset": given, "tags": [{"key": "mlflow.data.context", "value": dataset[2]}]}],
                },
            )
        )
    return steps


SETUP = (
    *run(
        "alpha",
        10,
        {"acc": 0.5, "loss": 2},
        {"lr": "0.1", "model": "Tree"},
        {"team": "red", "a.b-c d": "x"},
        ("iris", "d1", "train"),
    ),
    *run(
        "beta", 20, {"acc": 0.7, "loss": 1}, {"lr": "0.01", "model": "tree"}, {"team": "blue"}, ("iris", "d2", "test")
    ),
    *run(
        "gamma",
        30,
        {"acc": 0.9},
        {"lr": "1e-3", "model": "forest_x"},
        {"team": "Red", "empty": ""},
        ("wine", "d1", "train"),
    ),
    *run("delta", 40, {"acc": "NaN", "loss": 3}, {"lr": "10", "model": "50%"}, {"note": 'it\'s "so"'}),
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
