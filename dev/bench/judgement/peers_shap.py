"""What SHAP and XGBoost spend on the ensemble of the measurement `shap`: one JSON object, rows per CPU-second.

Same numbers as the measurement: 100 trees of depth 6 over 20 features, a background of 100 rows, one thread.
"""

import json
import os
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import shap
import xgboost

TREES, DEPTH, FEATURES, BACKGROUND = 100, 6, 20, 100


def rate(rows, work):
    """Rows per CPU-second of `work`, after one call to warm up."""
    work()
    begin, calls = time.process_time(), 0
    while True:
        work()
        calls += 1
        spent = time.process_time() - begin
        if spent >= 0.5:
            return rows * calls / spent


def main():
    random = np.random.default_rng(7)
    x = random.random((20_000, FEATURES))
    y = np.sin(6 * x[:, 0]) + x[:, 1] * x[:, 2] + random.normal(0, 0.1, len(x))
    model = xgboost.XGBRegressor(n_estimators=TREES, max_depth=DEPTH, n_jobs=1, tree_method="hist").fit(x, y)
    booster, matrix = model.get_booster(), xgboost.DMatrix(x[:1_000])
    own = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    # With a type that is not XGBoost's, SHAP does not hand the work over to XGBoost.
    own.model.model_type = "internal"
    against = shap.TreeExplainer(model, x[:BACKGROUND], feature_perturbation="interventional")
    kernel = shap.KernelExplainer(model.predict, x[:BACKGROUND])
    print(json.dumps({
        "shap_path_dependent_rows_per_cpu_s": rate(1_000, lambda: own.shap_values(x[:1_000], check_additivity=False)),
        "xgboost_path_dependent_rows_per_cpu_s": rate(1_000, lambda: booster.predict(matrix, pred_contribs=True)),
        "shap_interventional_100_rows_per_cpu_s": rate(200, lambda: against.shap_values(x[:200], check_additivity=False)),
        "shap_interactions_rows_per_cpu_s": rate(20, lambda: own.shap_interaction_values(x[:20])),
        "shap_kernel_rows_per_cpu_s": rate(2, lambda: kernel.shap_values(x[:2], silent=True)),
    }))


if __name__ == "__main__":
    main()
