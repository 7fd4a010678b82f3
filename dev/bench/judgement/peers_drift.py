"""What Evidently and alibi-detect spend on a drift report of 100,000 x 100,000 rows x 20 columns, one thread, and how often
Evidently calls tables without drift drifted. Prints one JSON object; imports are not counted."""

import json
import os
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
import pandas as pd

ROWS = 100_000
LEVELS = [2, 3, 5, 8, 10, 20, 30, 50, 100, 200]
NUMERIC = [f"number_{column}" for column in range(10)]
CATEGORICAL = [f"level_{levels}" for levels in LEVELS]


def table(random, rows):
    """Ten numeric columns, normal and lognormal, and ten categorical ones of Zipf's law."""
    columns = {}
    for position, name in enumerate(NUMERIC):
        values = random.standard_normal(rows)
        columns[name] = np.exp(values) if position % 2 else values
    for levels, name in zip(LEVELS, CATEGORICAL, strict=True):
        shares = 1 / np.arange(1, levels + 1)
        columns[name] = random.choice(levels, rows, p=shares / shares.sum()).astype(str)
    return pd.DataFrame(columns)


def spent(work):
    """CPU seconds of one call."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def evidently(reference, current, figures):
    """The default preset, run only."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=NUMERIC, categorical_columns=CATEGORICAL)

    def report(reference, current):
        sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
        return Report([DataDriftPreset()]).run(*sides)

    seconds, _ = spent(lambda: report(reference, current))
    figures["evidently_milliseconds"] = seconds * 1e3

    def drifted(result):
        [count] = [metric["value"]["count"] for metric in result.dict()["metrics"] if "DriftedColumnsCount" in str(metric)]
        return count > 0

    random = np.random.default_rng(3)
    for before, now, tables in [(1000, 200, 20), (1000, 1000, 20), (5000, 500, 20)]:
        alarms = [drifted(report(table(random, before), table(random, now))) for _ in range(tables)]
        figures[f"evidently_false_alarms_{before}_{now}"] = sum(alarms) / tables


def alibi(reference, current, figures):
    """TabularDrift on levels that are encoded already."""
    from alibi_detect.cd import TabularDrift

    def encoded(frame):
        codes = [pd.Categorical(frame[name], sorted(reference[name].unique())).codes for name in CATEGORICAL]
        return np.column_stack([frame[NUMERIC].to_numpy(), *codes])

    sides = encoded(reference), encoded(current)
    categories = {len(NUMERIC) + position: None for position in range(len(CATEGORICAL))}

    def report():
        return TabularDrift(sides[0], p_val=0.05, categories_per_feature=categories).predict(sides[1])

    seconds, _ = spent(report)
    figures["alibi_detect_milliseconds"] = seconds * 1e3


def main():
    """Measures each tool; one that fails is told of and left out."""
    random = np.random.default_rng(1)
    reference, current = table(random, ROWS), table(random, ROWS)
    figures = {}
    for tool in (evidently, alibi):
        try:
            tool(reference, current, figures)
        except Exception as error:  # noqa: BLE001 - the other tools are measured all the same
            print(f"error: {tool.__name__}: {error}", file=sys.stderr)
    print(json.dumps(figures, indent=2))


main()
