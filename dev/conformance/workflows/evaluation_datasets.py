"""Evaluation datasets of mlflow.genai."""

from mlflow import MlflowClient

from checking import checked, experiment, refused, run_workflow, same, unique

client = MlflowClient()


def lifecycle() -> None:
    found, other = experiment("eval-a"), experiment("eval-b")
    name = unique("questions")
    data = client.create_dataset(name, experiment_id=[found], tags={"team": "red"})
    data.merge_records([{"inputs": {"q": "one"}, "expectations": {"a": "1"}}, {"inputs": {"q": "two"}}])
    data.merge_records([{"inputs": {"q": "one"}, "expectations": {"b": "2"}}])
    got = client.get_dataset(data.dataset_id)
    table = got.to_df().sort_values("inputs", key=lambda column: column.map(str))
    same("records merge", list(table["expectations"])[0], {"a": "1", "b": "2"})
    same("number of records", len(table), 2)
    client.set_dataset_tags(data.dataset_id, {"stage": "final"})
    client.delete_dataset_tag(data.dataset_id, "team")
    same("tags", client.get_dataset(data.dataset_id).tags.get("stage"), "final")
    client.add_dataset_to_experiments(data.dataset_id, [other])
    same("experiments", sorted(client.get_dataset(data.dataset_id).experiment_ids), sorted([found, other]))
    client.remove_dataset_from_experiments(data.dataset_id, [found])
    same("search", [d.name for d in client.search_datasets([other], f"name = '{name}'")], [name])
    checked("not in the first one", not list(client.search_datasets([found])))
    client.delete_dataset(data.dataset_id)
    with refused("deleted dataset", "RESOURCE_DOES_NOT_EXIST"):
        client.get_dataset(data.dataset_id)


if __name__ == "__main__":
    run_workflow(lifecycle)
