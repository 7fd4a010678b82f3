"""A model of a Flyball loop for MLflow's pyfunc: an ONNX graph, asked with data frames."""

import json

import numpy as np
import onnxruntime
import pandas as pd

SIGNATURE = "flyball.signature"
ELEMENTS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


class Model:
    """Answers each row with a prediction and, for classes, with their probabilities."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        written = self.session.get_modelmeta().custom_metadata_map.get(SIGNATURE)
        self.signature = json.loads(written) if written else {}

    def predict(self, data, params=None):
        rows = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        inputs = self.session.get_inputs()
        feeds = dict(self._feed(one, self._columns(one, rows, len(inputs)), rows) for one in inputs)
        answers = self.session.run(None, feeds)
        if len(answers) == 1:
            return pd.DataFrame({"prediction": np.asarray(answers[0]).reshape(-1)}, index=rows.index)
        classes, scores = self._scores(answers[1])
        frame = {"prediction": np.asarray(answers[0]).reshape(-1)}
        frame.update({f"probability_{name}": scores[:, place] for place, name in enumerate(classes)})
        return pd.DataFrame(frame, index=rows.index)

    def _columns(self, wanted, rows, inputs):
        """The columns of one input: the one of its name, or for a graph with a single matrix all features in order."""
        features = [feature["name"] for feature in self.signature.get("features", [])]
        if inputs == 1 and features:
            names = features
        elif inputs == 1 and wanted.name not in rows.columns:
            names = list(rows.columns)
        else:
            names = [wanted.name]
        missing = [name for name in names if name not in rows.columns]
        if missing:
            raise ValueError(f"the data has no column {', '.join(map(repr, missing))}")
        return names

    def _feed(self, wanted, names, rows):
        part = rows[names]
        if wanted.type == "tensor(string)":
            # A missing text is the empty one, as in training.
            values = part.astype(object).where(part.notna(), "").astype(str).to_numpy(dtype=object)
        else:
            if wanted.type not in ELEMENTS:
                raise ValueError(f"the model's input {wanted.name!r} is a {wanted.type}, which is not supported here")
            element = ELEMENTS[wanted.type]
            if not issubclass(element, np.floating) and part.isna().to_numpy().any():
                raise ValueError(f"the model's input {wanted.name!r} takes no missing values")
            values = part.to_numpy(dtype=element)
        return wanted.name, values.reshape(-1) if len(wanted.shape) == 1 else values

    def _scores(self, answer):
        if isinstance(answer, list):  # one dictionary a row, as some converters write it
            classes = list(answer[0]) if answer else []
            return classes, np.array([[row[name] for name in classes] for row in answer])
        scores = np.asarray(answer)
        return self.signature.get("classes") or range(scores.shape[1]), scores


def _load_pyfunc(path):
    return Model(path)
