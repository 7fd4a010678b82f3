"""No public method of MlflowClient is forgotten by the workflows."""

import inspect
import re
from pathlib import Path

from mlflow import MlflowClient

from checking import checked, run_workflow, same

NOT_SERVED = {
    "mcp_": "the registry of MCP servers is not part of the classic lifecycle",
    "_workspace": "one server is one workspace to MLflow clients",
    "list_workspaces": "one server is one workspace to MLflow clients",
    "list_logged_prompts": "searches a tag that no current client writes",
    "detach_prompt_from_run": "needs a tag that no current client writes",
    "unlink_traces_from_run": "the client has no call for it outside Databricks",
}
"""Parts of names, and why no workflow calls them."""


def everything() -> None:
    here = Path(__file__).resolve().parent
    called = set(re.findall(r"\.(\w+)\(", "".join(path.read_text() for path in here.glob("*.py"))))
    public = [name for name, _ in inspect.getmembers(MlflowClient, inspect.isfunction) if not name.startswith("_")]
    left = [name for name in public if name not in called and not any(part in name for part in NOT_SERVED)]
    same("methods that no workflow calls", left, [])
    checked(f"{sum(name in called for name in public)} of {len(public)} methods are called")


if __name__ == "__main__":
    run_workflow(everything)
