"""Compare models with ONNX Runtime.

conformance.py convert OUT   writes scikit-learn pipelines as OUT/NAME.onnx with their inputs as OUT/NAME.json
conformance.py evaluate DIR  checks every DIR/NAME.onnx, runs it on DIR/NAME.json and writes DIR/NAME.scores

Inputs are JSON: {column: [value or null, …]}. Scores are JSON: one list of numbers per row.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

warnings.filterwarnings("ignore")


def scores(path, columns):
    """The scores (not the labels) that ONNX Runtime gives for the columns."""
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    numbers = lambda values: np.array([np.nan if v is None else v for v in values], dtype=np.float32)
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].shape[1] != 1:
        feeds = {inputs[0].name: np.column_stack([numbers(v) for v in columns.values()])}
    else:
        feeds = {
            i.name: np.array([v or "" for v in columns[i.name]], dtype=object).reshape(-1, 1)
            if i.type == "tensor(string)"
            else numbers(columns[i.name]).reshape(-1, 1)
            for i in inputs
        }
    result = session.run(None, feeds)[-1]
    if isinstance(result, list):  # ZipMap
        return [list(map(float, row.values())) for row in result]
    return np.asarray(result, dtype=float).reshape(len(result), -1).tolist()


def evaluate(folder):
    for path in sorted(folder.glob("*.onnx")):
        columns = json.loads(path.with_suffix(".json").read_text())
        path.with_suffix(".scores").write_text(json.dumps(scores(path, columns)))


def convert(folder):
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier,
                                  RandomForestRegressor)
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    folder.mkdir(parents=True, exist_ok=True)
    r = np.random.default_rng(0)
    x = r.normal(size=(600, 5)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
    several = y + (x[:, 3] > 0.7)
    wide = [("X", FloatTensorType([None, 5]))]
    columns = {f"f{i}": x[:, i].astype(float).tolist() for i in range(5)}

    def save(name, model, types, data, **options):
        if hasattr(model, "classes_"):
            options = {"options": {"zipmap": name.endswith("zipmap")}}
        (folder / f"{name}.onnx").write_bytes(to_onnx(model, initial_types=types, **options).SerializeToString())
        (folder / f"{name}.json").write_text(json.dumps(data))

    names = [str(c) for c in np.array(["early", "late"])[y]]
    save("logistic_zipmap", make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y), wide, columns)
    save("logistic_texts", LogisticRegression().fit(x, names), wide, columns)
    save("logistic_several", make_pipeline(MinMaxScaler(), LogisticRegression()).fit(x, several), wide, columns)
    save("forest", RandomForestClassifier(30, random_state=0).fit(x, y), wide, columns)
    save("forest_several_zipmap", RandomForestClassifier(30, random_state=0).fit(x, several), wide, columns)
    save("tree", DecisionTreeClassifier(max_depth=4).fit(x, y), wide, columns)
    save("boosting", GradientBoostingClassifier(random_state=0).fit(x, y), wide, columns)
    save("boosting_several", GradientBoostingClassifier(random_state=0).fit(x, several), wide, columns)
    save("forest_regressor", RandomForestRegressor(30, random_state=0).fit(x, x[:, 0] * x[:, 1]), wide, columns)
    save("boosting_regressor", GradientBoostingRegressor(random_state=0).fit(x, x[:, 0] * x[:, 1]), wide, columns)
    save("ridge", make_pipeline(StandardScaler(), Ridge()).fit(x, x @ np.arange(5)), wide, columns)
    save("normalizer", make_pipeline(Normalizer(), LogisticRegression()).fit(x, y), wide, columns)
    save("network", make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=50)).fit(x, y), wide, columns)

    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": r.choice(["x", "y", "z"], 600), "d": r.choice(["p", "q"], 600)})
    narrow = [(n, (FloatTensorType if n in "ab" else StringTensorType)([None, 1])) for n in "abcd"]
    asked = {n: frame[n].tolist() for n in "abcd"}
    asked["a"][:5] = [None] * 5
    asked["c"][5:9] = ["unseen"] * 4
    numbers = ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"])
    one_hot = ("texts", OneHotEncoder(handle_unknown="ignore"), ["c", "d"])
    ordinal = ("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c", "d"])
    for name, texts, model in [
        ("mixed_logistic", one_hot, LogisticRegression()),
        ("mixed_boosting_zipmap", one_hot, GradientBoostingClassifier(random_state=0)),
        ("mixed_ordinal", ordinal, RandomForestClassifier(20, random_state=0)),
    ]:
        save(name, make_pipeline(ColumnTransformer([numbers, texts]), model).fit(frame, y), narrow, asked)


{"convert": convert, "evaluate": evaluate}[sys.argv[1]](Path(sys.argv[2]))
