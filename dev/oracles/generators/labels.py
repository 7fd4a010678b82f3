"""Expected values for labels: python labels.py > ../fixtures/labels.json

Needs numpy, scipy, scikit-learn, statsmodels, krippendorff, crowd-kit, cleanlab, seqeval, pycocotools and snorkel.
"""

import importlib.metadata
import json
import sys
import warnings

import cleanlab.count
import cleanlab.filter
import cleanlab.rank
import krippendorff
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene, MajorityVote
from pycocotools import mask
from scipy.stats import entropy
from seqeval.metrics import f1_score
from sklearn.metrics import cohen_kappa_score
from snorkel.labeling import LFAnalysis
from snorkel.labeling.model import LabelModel
from statsmodels.stats.inter_rater import fleiss_kappa

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)
TOOLS = ["scikit-learn", "statsmodels", "krippendorff", "crowd-kit", "cleanlab", "seqeval", "pycocotools", "snorkel"]


def two_raters():
    cases = []
    for rows, classes, flip in [(60, 2, 0.2), (200, 4, 0.3), (50, 5, 0.9), (30, 3, 0.0)]:
        one = rng.integers(0, classes, rows)
        other = np.where(rng.random(rows) < flip, rng.integers(0, classes, rows), one)
        kappa = lambda weights: cohen_kappa_score(one, other, weights=weights, labels=range(classes))
        cases.append({
            "name": f"{rows} rows of {classes} classes", "classes": classes, "one": one.tolist(), "other": other.tolist(),
            "percent_agreement": float((one == other).mean()), "cohen_kappa": kappa(None),
            "cohen_kappa_linear": kappa("linear"), "cohen_kappa_quadratic": kappa("quadratic"),
        })
    return cases


def many_raters():
    cases = []
    for rows, raters, classes, missing in [(40, 3, 3, 0.0), (120, 5, 4, 0.3), (25, 8, 6, 0.6), (60, 4, 2, 0.0)]:
        truth = rng.integers(1, classes + 1, rows)
        wrong = rng.random((rows, raters)) < 0.3
        ratings = np.where(wrong, rng.integers(1, classes + 1, (rows, raters)), truth[:, None]).astype(float)
        ratings[rng.random((rows, raters)) < missing] = np.nan
        alpha = {
            level: krippendorff.alpha(reliability_data=ratings.T, level_of_measurement=level)
            for level in ["nominal", "ordinal", "interval", "ratio"]
        }
        case = {
            "name": f"{rows} items, {raters} raters, {missing:.0%} missing",
            "ratings": [[None if np.isnan(v) else v for v in row] for row in ratings.tolist()],
            "krippendorff_alpha": alpha,
        }
        if missing == 0:
            counts = np.stack([(ratings == value).sum(axis=1) for value in range(1, classes + 1)], axis=1)
            case["counts"], case["fleiss_kappa"] = counts.tolist(), float(fleiss_kappa(counts))
        cases.append(case)
    numbers = np.round(rng.normal(10, 3, 50)[:, None] + rng.normal(0, 1, (50, 3)), 3)
    cases.append({
        "name": "measurements", "ratings": numbers.tolist(),
        "krippendorff_alpha": {level: krippendorff.alpha(reliability_data=numbers.T, level_of_measurement=level)
                               for level in ["ordinal", "interval", "ratio"]},
    })
    return cases


def spans():
    cases = []
    for _ in range(4):
        tags = []
        for _ in range(2):
            words, at = ["O"] * 40, 0
            while at < 36:
                at += int(rng.integers(0, 5))
                length, kind = int(rng.integers(1, 4)), str(rng.choice(["PER", "LOC"]))
                for place in range(at, min(at + length, 40)):
                    words[place] = ("B-" if place == at else "I-") + kind
                at += length + 1
            tags.append(words)
        # The second annotator takes over half of what the first one said.
        tags[1][:20] = tags[0][:20]
        if tags[1][20].startswith("I-"):
            tags[1][20] = "B-" + tags[1][20][2:]
        spans = [spans_of(words) for words in tags]
        cases.append({"one": spans[0], "other": spans[1], "f1": f1_score([tags[0]], [tags[1]])})
    return cases


def spans_of(tags):
    found, classes = [], {"PER": 0, "LOC": 1}
    for at, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append([at, at + 1, classes[tag[2:]]])
        elif tag.startswith("I-"):
            found[-1][1] = at + 1
    return found


def boxes():
    one = np.round(rng.random((12, 4)) * [60, 60, 40, 40], 3)
    other = np.round(one + rng.normal(0, 6, one.shape), 3).clip(0.5)
    overlaps = mask.iou(one, other, [0] * len(other))
    return [{"one": one.tolist(), "other": other.tolist(), "iou": overlaps.tolist()}]


def crowd():
    cases = []
    for tasks, workers, classes, answers in [(80, 5, 2, 3), (150, 8, 4, 4), (60, 4, 3, 4)]:
        truth = rng.integers(0, classes, tasks)
        skill = rng.uniform(0.35, 0.95, workers)
        rows = []
        for task in range(tasks):
            for worker in rng.choice(workers, answers, replace=False):
                right = rng.random() < skill[worker]
                rows.append((task, int(worker), int(truth[task] if right else rng.integers(0, classes))))
        data = pd.DataFrame(rows, columns=["task", "worker", "label"])
        model, majority = DawidSkene(n_iter=100).fit(data), MajorityVote().fit(data)
        order = sorted(data.task.unique())
        cases.append({
            "name": f"{tasks} tasks of {classes} classes by {workers} workers", "classes": classes, "votes": rows,
            "majority_vote": majority.probas_.loc[order, range(classes)].to_numpy().tolist(),
            "dawid_skene": model.probas_.loc[order, range(classes)].to_numpy().tolist(),
            "priors": model.priors_.loc[range(classes)].tolist(), "rounds": len(model.loss_history_),
        })
    return cases


def samples():
    rows = rng.dirichlet([1, 1, 1, 1], 30).round(6)
    rows = rows / rows.sum(axis=1, keepdims=True)
    top = np.sort(rows, axis=1)[:, ::-1]
    return [{"probabilities": rows.tolist(), "least_confidence": (1 - top[:, 0]).tolist(),
             "margin": (1 - (top[:, 0] - top[:, 1])).tolist(), "entropy": entropy(rows, axis=1).tolist()}]


def functions():
    cases = []
    shapes = [("rules of one class each", 1500, 2, [0, 0, 1, 1, 0, 1]), ("rules of any class", 1500, 3, [None] * 6),
              ("few rules", 800, 2, [0, 1, None])]
    for name, rows, classes, only in shapes:
        truth = rng.integers(0, classes, rows)
        votes = np.full((rows, len(only)), -1)
        for at, its_class in enumerate(only):
            accuracy, coverage = rng.uniform(0.6, 0.95), rng.uniform(0.3, 0.8)
            if its_class is None:
                vote = np.where(rng.random(rows) < accuracy, truth, (truth + rng.integers(1, classes, rows)) % classes)
                votes[:, at] = np.where(rng.random(rows) < coverage, vote, -1)
            else:
                fires = np.where(truth == its_class, coverage, coverage * (1 - accuracy) / accuracy)
                votes[:, at] = np.where(rng.random(rows) < fires, its_class, -1)
        analysis = LFAnalysis(votes)
        model = LabelModel(cardinality=classes, verbose=False)
        model.fit(votes, n_epochs=500, seed=1, progress_bar=False)
        voted = (votes >= 0).any(axis=1)
        right = (model.predict_proba(votes).argmax(axis=1) == truth)[voted].mean()
        cases.append({
            "name": name, "classes": classes, "votes": votes.tolist(), "truth": truth.tolist(),
            "coverage": analysis.lf_coverages().tolist(), "overlap": analysis.lf_overlaps().tolist(),
            "conflict": analysis.lf_conflicts().tolist(), "accuracy_of_snorkel": float(right),
        })
    return cases


def issues():
    cases = []
    for rows, classes, noise, sharpness in [(300, 3, 0.15, 3.0), (200, 2, 0.25, 1.5), (400, 6, 0.1, 4.0), (40, 4, 0.3, 1.0)]:
        truth = rng.integers(0, classes, rows)
        labels = np.where(rng.random(rows) < noise, rng.integers(0, classes, rows), truth)
        scores = rng.normal(0, 1, (rows, classes))
        scores[np.arange(rows), truth] += sharpness
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        # Full precision: ties would be broken by the order of a sort.
        joint = cleanlab.count.compute_confident_joint(labels, probabilities)
        find = lambda by: cleanlab.filter.find_label_issues(labels, probabilities, filter_by=by, n_jobs=1)
        quality = lambda by: cleanlab.rank.get_label_quality_scores(labels, probabilities, method=by)
        ranked = cleanlab.filter.find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
        filters = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
        scores = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
        cases.append({
            "name": f"{rows} rows of {classes} classes", "labels": labels.tolist(), "probabilities": probabilities.tolist(),
            "confident_joint": joint.tolist(),
            "find_label_issues": {by: np.flatnonzero(find(by)).tolist() for by in filters},
            "ranked_by_self_confidence": ranked.tolist(),
            "get_label_quality_scores": {by: quality(by).tolist() for by in scores},
        })
    return cases


json.dump({
    "schema": 1, "versions": {tool: importlib.metadata.version(tool) for tool in TOOLS},
    "two_raters": two_raters(), "many_raters": many_raters(), "spans": spans(), "boxes": boxes(), "crowd": crowd(),
    "uncertainty": samples(), "labelling_functions": functions(), "label_issues": issues(),
}, sys.stdout)
