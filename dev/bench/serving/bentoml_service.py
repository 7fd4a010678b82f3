"""A model as a service of BentoML, in the library that it was made with.

The variable MODEL names the file: a pickle of scikit-learn, or JSON of XGBoost.
"""

import os

import bentoml
import numpy as np


@bentoml.service(workers=1, traffic={"timeout": 300})
class Classifier:
    def __init__(self) -> None:
        path = os.environ["MODEL"]
        if path.endswith(".json"):
            from xgboost import XGBClassifier

            self.model = XGBClassifier(n_jobs=1)
            self.model.load_model(path)
        else:
            import joblib

            self.model = joblib.load(path)

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[list[float]]:
        return self.model.predict_proba(np.array(rows, np.float32)).tolist()
