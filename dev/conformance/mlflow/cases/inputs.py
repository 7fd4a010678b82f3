"""Datasets, model inputs and outputs of runs."""

from typing import Any

from case import Area, Step, get, post

area = Area("inputs")
case = area.case
read = get("runs/get", {"run_id": "{run}"}).showing(
    lambda body: {key: body["run"].get(key) for key in ("inputs", "outputs")}
)


def dataset(name: str = "d", digest: str = "x1", tags: Any = None, **more: Any) -> dict[str, Any]:
    base = {"name": name, "digest": digest, "source_type": "local", "source": "{}"} | more
    return {"dataset": base} | ({} if tags is None else {"tags": tags})


def log(*datasets: Any, **more: Any) -> Step:
    return post("runs/log-inputs", {"run_id": "{run}", "datasets": list(datasets)} | more)


context = [{"key": "mlflow.data.context", "value": "train"}]
case("dataset", log(dataset(tags=context, schema="s", profile="p")), read)
case("dataset without tags", log(dataset()), read)
case("two datasets", log(dataset("a"), dataset("b", tags=context)), read)
case("same dataset twice", log(dataset(tags=context)), log(dataset(tags=[{"key": "other", "value": "1"}])), read)
case("same dataset twice in one call", log(dataset(tags=context), dataset()), read)
case("same name of another digest", log(dataset(digest="x1")), log(dataset(digest="x2")), read)
case("schema of the first call holds", log(dataset(schema="one")), log(dataset(schema="two")), read)
case(
    "dataset in two runs",
    log(dataset(schema="one")),
    post("runs/create", {"experiment_id": "{exp}", "start_time": 6, "run_name": "b"}, run="run.info.run_id"),
    log(dataset(schema="two", tags=context)),
    read,
)
case("no datasets", log(), read)
case("without a run", post("runs/log-inputs", {"datasets": []}).refused("run_id"))
case("of an unknown run", post("runs/log-inputs", {"run_id": "0" * 32, "datasets": [dataset()]}).refused())
case(
    "of a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    log(dataset()).refused("must be in the 'active' state"),
)
case("missing: dataset without a name", log({"dataset": {"digest": "x", "source_type": "local", "source": "{}"}}))
case("missing: dataset without a digest", log({"dataset": {"name": "d", "source_type": "local", "source": "{}"}}))
case("missing: dataset without a source type", log({"dataset": {"name": "d", "digest": "x", "source": "{}"}}))
case("missing: dataset without a source", log({"dataset": {"name": "d", "digest": "x", "source_type": "local"}}))
case("missing: input without a dataset", log({"tags": context}))
case("missing: dataset of an empty name", log(dataset("")))
case("missing: tag without a key", log(dataset(tags=[{"value": "v"}])))
case("missing: tag without a value", log(dataset(tags=[{"key": "v"}])))
case("name of 500 characters", log(dataset("d" * 500)))
case("name of 501 characters", log(dataset("d" * 501)).refused())
case("digest of 36 characters", log(dataset(digest="d" * 36)))
case("digest of 37 characters", log(dataset(digest="d" * 37)).refused())
case("source of 65536 characters", log(dataset(source="s" * 65536)).refused())
case("schema that is too long", log(dataset(schema="s" * 1048576)).refused())
case("tag key of 256 characters", log(dataset(tags=[{"key": "k" * 256, "value": "v"}])).refused())
case("tag value of 501 characters", log(dataset(tags=[{"key": "k", "value": "v" * 501}])).refused())
case("datasets that are no list", post("runs/log-inputs", {"run_id": "{run}", "datasets": "x"}).refused("datasets"))
case("model input", post("runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": "{logged}"}]}), read)
case(
    "model input twice",
    post("runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": "{logged}"}]}),
    post("runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": "{logged}"}]}),
    read,
)
case(
    "unknown model as an input",
    post("runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": "m-" + "0" * 32}]}),
    read,
)
case("model output", post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{logged}", "step": 3}]}), read)
case(
    "model output twice",
    post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{logged}", "step": 3}]}),
    post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{logged}", "step": 4}]}).refused(),
    read,
)
case(
    "model output without a step", post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{logged}"}]}), read
)
case("outputs without models", post("runs/outputs", {"run_id": "{run}"}).refused("models"))
case("outputs without a run", post("runs/outputs", {"models": [{"model_id": "x", "step": 0}]}).refused("run_id"))
case(
    "outputs of an unknown run",
    post("runs/outputs", {"run_id": "0" * 32, "models": [{"model_id": "x", "step": 0}]}).refused(),
)
case(
    "outputs of a deleted run",
    post("runs/delete", {"run_id": "{run}"}),
    post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "x", "step": 0}]}).refused(),
)
case(
    "inputs show in search but models do not",
    log(dataset(tags=context)),
    post("runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": "{logged}"}]}),
    post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{logged}", "step": 3}]}),
    post("runs/search", {"experiment_ids": ["{exp}"]}),
)

SUMMARIES = "/ajax-api/2.0/mlflow/experiments/search-datasets"
case("summaries", log(dataset("a", tags=context), dataset("b")), post(SUMMARIES, {"experiment_ids": ["{exp}"]}))
case("summaries of nothing", post(SUMMARIES, {"experiment_ids": ["{exp}"]}))
case("summaries of no experiment", post(SUMMARIES, {"experiment_ids": []}).refused())
case(
    "summaries of 21 experiments",
    post(SUMMARIES, {"experiment_ids": [str(i) for i in range(900000, 900021)]}).refused(),
)
