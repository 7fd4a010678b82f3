"""Saves the models of the tests, and what MLflow itself predicts with them."""

import json
import pathlib
import sys

import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import ColSpec, Schema, TensorSpec
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

folder = pathlib.Path(sys.argv[1])
mlflow.set_tracking_uri("sqlite:///" + str(folder / "unused.db"))
NEEDS = ["mlflow"]


def keep(name, model, data):
    result = mlflow.pyfunc.load_model(str(folder / name)).predict(data)
    (folder / f"{name}.json").write_text(json.dumps(np.asarray(result, dtype=float).tolist()))


class Double(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 2


class Same(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Sums(PythonModel):
    def predict(self, context, model_input, params=None):
        return {"sum": model_input["a"] + model_input["b"], "texts": model_input["t"]}


class Kinds(PythonModel):
    """Tells what it was given."""

    def predict(self, context, model_input, params=None):
        if isinstance(model_input, pd.DataFrame):
            told = {str(name): str(dtype) for name, dtype in model_input.dtypes.items()}
            return [json.dumps(told), json.dumps([str(value) for value in model_input.iloc[0]])]
        return [type(model_input).__name__, str(getattr(model_input, "shape", ""))]


class Answers(PythonModel):
    """Answers in the way that it is told to."""

    def predict(self, context, model_input, params=None):
        import scipy.sparse

        return {
            "list": lambda: [1, 2.5, 3],
            "texts": lambda: ["a", None, {"b": [1, np.float32(2)]}, "ü"],
            "scalar": lambda: np.float32(1.5),
            "word": lambda: "word",
            "matrix": lambda: np.arange(6, dtype=np.int16).reshape(2, 3),
            "series": lambda: pd.Series([True, False]),
            "nullable": lambda: pd.Series([1, None], dtype="Int64"),
            "sparse": lambda: scipy.sparse.csr_matrix(np.eye(2, dtype=np.float32)),
            "times": lambda: pd.Series(pd.to_datetime(["2020-01-02T03:04:05", None])),
            "category": lambda: pd.Series(["x", "y", "x"], dtype="category"),
            "ragged": lambda: [[1, 2], [3]],
            "lists": lambda: [[1, 2], [3, 4]],
            "nothing": lambda: None,
            "empty": lambda: pd.DataFrame({"a": np.array([], dtype=np.float64)}),
            "big": lambda: np.ones((1000, 1000)),
            "table": lambda: pd.DataFrame({"n": [1, 2], "f": [0.5, np.nan], "s": ["x", None]}),
            "bytes": lambda: [b"a\0", b"\xff\0"],
            "reverse": lambda: np.arange(3, dtype=">f4"),
            "fail": lambda: {}["missing key"],
        }[model_input["do"].iloc[0]]()


class Trouble(PythonModel):
    """Does what models should not do."""

    def predict(self, context, model_input, params=None):
        import ctypes
        import os
        import socket
        import subprocess
        import time

        def tell(work):
            try:
                return [str(work())]
            except Exception as error:
                return [f"{type(error).__name__}: {error}"]

        action, _, argument = model_input["do"].iloc[0].partition(" ")
        if action == "hang":
            time.sleep(3600)
        if action == "spin":
            ctypes.CDLL(None).sleep(3600)
        if action == "exit":
            os._exit(3)
        if action == "leave":
            sys.exit(4)
        if action == "segfault":
            ctypes.string_at(8)
        if action == "memory":
            return [str(len(bytearray(int(argument))))]
        if action == "fork":
            os.fork()
        if action == "daemon":
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp("sleep", ["sleep", argument])
                os._exit(0)
            os.wait()
        if action == "print":
            print("x" * int(argument))
            print("y" * int(argument), file=sys.stderr)
        if action == "env":
            return [json.dumps(dict(os.environ))]
        if action == "read":
            return tell(lambda: len(open(argument, "rb").read()))
        if action == "write":
            return tell(lambda: open(argument, "w").write("x"))
        if action == "input":
            return [sys.stdin.read()]
        if action == "network":
            host, port = argument.split(":")
            return tell(lambda: socket.create_connection((host, int(port)), 3))
        if action == "local":
            server = socket.create_server(("127.0.0.1", 0))
            return tell(lambda: bool(socket.create_connection(server.getsockname(), 3)))
        if action == "kill":
            return tell(lambda: os.kill(int(argument), 9))
        if action == "run":
            return tell(lambda: subprocess.run(argument.split(), capture_output=True, text=True, check=True).stdout)
        if action == "status":
            return [open("/proc/self/status").read()]
        if action == "scratch":
            open("here", "w").write("x")
            return [os.getcwd()]
        return ["done"]


class Broken(PythonModel):
    def load_context(self, context):
        import package_that_is_not_there

    def predict(self, context, model_input, params=None):
        return []


class Slow(PythonModel):
    def load_context(self, context):
        import time

        print("still at it")
        time.sleep(60)

    def predict(self, context, model_input, params=None):
        return []


class Hinted(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]


def custom(name, model, signature=None):
    mlflow.pyfunc.save_model(str(folder / name), python_model=model, signature=signature, pip_requirements=NEEDS)


random = np.random.default_rng(7)
numbers = pd.DataFrame(random.normal(size=(40, 3)), columns=["a", "b", "c"])
labels = (numbers["a"] + numbers["b"] > 0).astype(int)

model = LogisticRegression().fit(numbers, labels)
mlflow.sklearn.save_model(
    model, str(folder / "logistic"), signature=infer_signature(numbers, model.predict(numbers)), pip_requirements=NEEDS
)
keep("logistic", model, numbers)

model = xgboost.XGBRegressor(n_estimators=8, max_depth=3).fit(numbers, numbers["a"] * numbers["b"])
mlflow.xgboost.save_model(
    model, str(folder / "boosted"), signature=infer_signature(numbers, model.predict(numbers)), pip_requirements=NEEDS
)
keep("boosted", model, numbers)

mixed = pd.DataFrame({"n": np.arange(6), "x": np.linspace(-1, 1, 6), "s": list("abcabc")})
model = make_pipeline(make_column_transformer((OneHotEncoder(), ["s"]), remainder="passthrough"), LinearRegression())
model.fit(mixed, [1.0, 4, 2, 8, 5, 7])
mlflow.sklearn.save_model(
    model,
    str(folder / "mixed"),
    serialization_format="cloudpickle",
    signature=infer_signature(mixed, model.predict(mixed)),
    pip_requirements=NEEDS,
)
keep("mixed", model, mixed)

columns = ["boolean", "integer", "long", "float", "double", "string", "binary", "datetime"]
every = Schema([ColSpec(kind, kind) for kind in columns] + [ColSpec("double", "extra", required=False)])
custom("kinds", Kinds(), ModelSignature(every, Schema([ColSpec("string")])))
custom("whole", Kinds(), ModelSignature(Schema([ColSpec("long", "n"), ColSpec("double", "x")])))
custom("open", Kinds())
word = ModelSignature(Schema([ColSpec("string", "do")]))
custom("answers", Answers(), word)
custom("trouble", Trouble(), word)
custom("broken", Broken(), word)
custom("slow", Slow(), word)
custom("hinted", Hinted())
table = Schema([ColSpec("double", "a"), ColSpec("double", "b"), ColSpec("double", "c")])
custom("table", Same(), ModelSignature(table, table))
matrix = TensorSpec(np.dtype("float32"), (-1, 4))
custom("double", Double(), ModelSignature(Schema([matrix]), Schema([matrix])))
floats = [TensorSpec(np.dtype("float64"), (-1,), name) for name in "ab"]
texts = TensorSpec(np.dtype("str"), (-1,), "t")
custom("sums", Sums(), ModelSignature(Schema([*floats, texts])))
