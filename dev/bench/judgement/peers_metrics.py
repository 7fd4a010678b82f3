"""What scikit-learn and Fairlearn spend on the rows of the measurement `metrics`: one JSON object, CPU milliseconds.

Same numbers as the measurement: a million rows, four slicing columns of 4, 3, 12 and 50 groups, fairness by the first.
Fairlearn is left out where it is not installed.
"""

import json
import time

import numpy as np
from sklearn import metrics

ROWS = 1_000_000
GROUPS = [4, 3, 12, 50]


def spent(work):
    """CPU milliseconds of one call; each takes long enough to be measured alone."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1e3


def all_metrics(y, p):
    """The metrics that everybody reports of a binary classifier."""
    decided = p >= 0.5
    return [
        metrics.accuracy_score(y, decided),
        metrics.balanced_accuracy_score(y, decided),
        metrics.precision_score(y, decided, zero_division=np.nan),
        metrics.recall_score(y, decided, zero_division=np.nan),
        metrics.f1_score(y, decided, zero_division=np.nan),
        metrics.matthews_corrcoef(y, decided),
        metrics.roc_auc_score(y, p),
        metrics.average_precision_score(y, p),
        metrics.log_loss(y, p),
        metrics.brier_score_loss(y, p),
    ]


def main():
    """Measures and prints."""
    random = np.random.default_rng(20)
    p = random.random(ROWS)
    y = random.random(ROWS) < 0.1 + 0.6 * p
    columns = [random.integers(0, groups, ROWS) for groups in GROUPS]
    found = {"scikit_learn_all_metrics_ms": spent(lambda: all_metrics(y, p))}

    def sliced():
        for column, groups in zip(columns, GROUPS):
            for group in range(groups):
                rows = column == group
                all_metrics(y[rows], p[rows])

    found["scikit_learn_with_slices_ms"] = found["scikit_learn_all_metrics_ms"] + spent(sliced)
    try:
        from fairlearn.metrics import (
            MetricFrame,
            demographic_parity_difference,
            equalized_odds_difference,
            false_positive_rate,
            selection_rate,
            true_positive_rate,
        )
    except ImportError:
        print(json.dumps(found))
        return
    decided = p >= 0.5
    rates = {
        "accuracy": metrics.accuracy_score,
        "precision": metrics.precision_score,
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
    }

    def fairness():
        frame = MetricFrame(metrics=rates, y_true=y, y_pred=decided, sensitive_features=columns[0])
        frame.difference()
        frame.ratio()
        demographic_parity_difference(y, decided, sensitive_features=columns[0])
        equalized_odds_difference(y, decided, sensitive_features=columns[0])

    found["fairlearn_ms"] = spent(fairness)
    found["all_metrics_and_fairness_with_slices_ms"] = found["scikit_learn_with_slices_ms"] + found["fairlearn_ms"]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
