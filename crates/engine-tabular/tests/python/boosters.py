"""Boosters of XGBoost and LightGBM with what their own libraries answer.

boosters.py OUT   writes OUT/NAME/{model, rows.json, scores.json, contributions.json, signature.json}

Rows are JSON: {column: [value or null, …]}. Scores are one list of numbers per row, contributions one list with the
expected value at the end. The last two files are there for some boosters only.
"""
import json
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import xgboost

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
random = np.random.default_rng(0)

ROWS, ASKED = 1500, 300
x = random.normal(size=(ROWS, 6)).astype(np.float32)
x[:, 4] = random.integers(0, 5, ROWS)
x[random.random(x.shape) < 0.1] = np.nan
filled = np.nan_to_num(x)
number = 50 + 20 * filled[:, 0] * filled[:, 1] + 5 * filled[:, 4] + random.normal(size=ROWS)
binary = (filled[:, 0] + filled[:, 1] * filled[:, 2] > 0).astype(int)
several = binary + (filled[:, 3] > 0.7)
positive = random.poisson(np.exp(0.5 * filled[:, 0])).astype(float)
groups = [100] * (ROWS // 100)
asked = x[:ASKED].copy()
asked[:20] *= 1e6
asked[20] = np.nan
asked[21] = 0


def columns(values, names=None):
    frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame(values)
    names = names or [str(c) if isinstance(c, str) else f"f{c}" for c in frame.columns]
    plain = lambda v: None if pd.isna(v) else (v.item() if hasattr(v, "item") else v)
    return {name: [plain(v) for v in frame[column]] for name, column in zip(names, frame.columns)}


def keep(name, save, rows, scores, contributions=None, signature=None):
    place = folder / name
    place.mkdir(parents=True)
    suffix = {"xgb": "ubj", "lgb": "txt"}[name[:3]] if not name.endswith("json") else "json"
    save(str(place / f"model.{suffix}"))
    (place / f"model.{suffix}").rename(place / "model")
    scores = np.asarray(scores, dtype=float)
    written = {"rows": rows, "scores": scores.reshape(len(scores), -1).tolist()}
    if contributions is not None:
        written["contributions"] = np.asarray(contributions, dtype=float).tolist()
    if signature is not None:
        written["signature"] = signature
    for what, value in written.items():
        (place / f"{what}.json").write_text(json.dumps(value))


def pairs(probability):
    probability = np.asarray(probability, dtype=float)
    return np.column_stack([1 - probability, probability])


def xgb(name, label, data=None, rounds=30, explain=False, **parameters):
    """A booster as XGBoost's own interface trains it, in both forms."""
    parameters = {"max_depth": 4, "seed": 1, **parameters}
    data = data or xgboost.DMatrix(x, label)
    booster = xgboost.train(parameters, data, rounds)
    matrix = xgboost.DMatrix(asked)
    scores = booster.predict(matrix)
    if parameters.get("objective") == "multi:softmax":
        scores = np.exp(booster.predict(matrix, output_margin=True))
        scores /= scores.sum(axis=1, keepdims=True)
    scores = pairs(scores) if parameters.get("objective") == "binary:logistic" else scores
    contributions = booster.predict(matrix, pred_contribs=True) if explain else None
    for form in ["ubj", "json"]:
        keep(f"xgb_{name}_{form}", booster.save_model, columns(asked), scores, contributions)


def xgboosters():
    xgb("binary", binary, objective="binary:logistic", explain=True)
    xgb("binary_base", binary, objective="binary:logistic", base_score=0.2)
    xgb("number", number, rounds=300, explain=True)
    xgb("number_base", number, base_score=7.5)
    xgb("absolute", number, objective="reg:absoluteerror")
    xgb("huber", number, objective="reg:pseudohubererror")
    xgb("squared_log", positive, objective="reg:squaredlogerror")
    xgb("quantile", number, objective="reg:quantileerror", quantile_alpha=0.8)
    xgb("share", binary * 0.9, objective="reg:logistic")
    xgb("poisson", positive, objective="count:poisson")
    xgb("poisson_base", positive, objective="count:poisson", base_score=0.7)
    xgb("gamma", positive + 1, objective="reg:gamma")
    xgb("tweedie", positive, objective="reg:tweedie", tweedie_variance_power=1.4)
    xgb("cox", positive + 1, objective="survival:cox")
    aft = xgboost.DMatrix(x, label_lower_bound=positive + 1, label_upper_bound=positive + 1)
    xgb("aft", None, objective="survival:aft", data=aft)
    xgb("classes", several, objective="multi:softprob", num_class=3)
    xgb("softmax", several, objective="multi:softmax", num_class=3, base_score=0.3)
    xgb("dart", number, booster="dart", rate_drop=0.3, one_drop=1)
    xgb("dart_classes", several, booster="dart", rate_drop=0.3, objective="multi:softprob", num_class=3)
    xgb("forest", binary, objective="binary:logistic", num_parallel_tree=5, subsample=0.6, rounds=4)
    xgb("exact", number, tree_method="exact", gamma=50)
    xgb("leafwise", number, grow_policy="lossguide", max_leaves=40, max_depth=0)
    xgb("stump", number, max_depth=1, rounds=1)
    xgb("none", number, rounds=0)
    ranked = xgboost.DMatrix(x, several)
    ranked.set_group(groups)
    for objective in ["rank:ndcg", "rank:pairwise"]:
        xgb(objective.replace(":", "_"), several, objective=objective, data=ranked)

    split = ROWS * 2 // 3
    names = [f"column {i}" for i in range(6)]
    frame = pd.DataFrame(x, columns=names)
    for label, wrapper, form in [(binary, xgboost.XGBClassifier, "ubj"), (several, xgboost.XGBClassifier, "json"),
                                 (number, xgboost.XGBRegressor, "json")]:
        model = wrapper(n_estimators=400, learning_rate=0.5, early_stopping_rounds=3, num_parallel_tree=2, subsample=0.8)
        model.fit(frame[:split], label[:split], eval_set=[(frame[split:], label[split:])], verbose=0)
        assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
        rows = pd.DataFrame(asked, columns=names)
        scores = model.predict(rows) if wrapper is xgboost.XGBRegressor else model.predict_proba(rows)
        keep(f"xgb_wrapper_{scores.size // ASKED}_{form}", model.save_model, columns(rows), scores)
    # A booster of its own answers with all its trees.
    watched = xgboost.DMatrix(x[split:], number[split:])
    booster = xgboost.train({"learning_rate": 0.7}, xgboost.DMatrix(x[:split], number[:split]), 100,
                            evals=[(watched, "watched")], early_stopping_rounds=3, verbose_eval=False)
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    inputs = json.dumps([{"type": "double", "name": f"named {i}", "required": True} for i in range(6)])
    keep("xgb_stopped", booster.save_model, columns(asked, [f"named {i}" for i in range(6)]),
         booster.predict(xgboost.DMatrix(asked)), signature={"inputs": inputs, "outputs": None})


def categories(letters):
    frame = pd.DataFrame({"a": filled[:, 0].astype(float)})
    frame["letter"] = pd.Categorical(random.choice(letters, ROWS), categories=letters)
    frame["digit"] = pd.Categorical(random.choice([3, 17, 9, 250, 1], ROWS))
    frame["constant"] = 1.0
    frame.loc[5:30, "letter"] = np.nan
    frame.loc[25:40, "digit"] = np.nan
    effect = frame["letter"].map(dict(zip(letters, [3, -2, 5, 0, -4, 1, 2, -1]))).astype(float).fillna(0)
    return frame, effect + frame["a"] * frame["digit"].astype(float).fillna(2) / 20


def xgboost_categories():
    frame, label = categories(list("zyxwvuab"))
    for most, name in [(1, "sets"), (100, "one_hot")]:
        model = xgboost.XGBRegressor(n_estimators=30, enable_categorical=True, max_cat_to_onehot=most)
        model.fit(frame, label)
        keep(f"xgb_categories_{name}_ubj", model.save_model, columns(frame[:ASKED]), model.predict(frame[:ASKED]))
        keep(f"xgb_categories_{name}_json", model.save_model, columns(frame[:ASKED]), model.predict(frame[:ASKED]))
    # Codes instead of categories: those that training never saw, fractions, gaps.
    codes = np.column_stack([filled[:, 0], random.integers(0, 90, ROWS)]).astype(np.float32)
    types = ["q", "c"]
    label = codes[:, 0] + codes[:, 1] % 7
    data = xgboost.DMatrix(codes, label, feature_types=types, enable_categorical=True)
    booster = xgboost.train({"max_cat_to_onehot": 1, "max_depth": 5}, data, 30)
    codes = codes[:ASKED].copy()
    codes[:5, 1] = [np.nan, 2.7, 89, 100, 4000]
    scores = booster.predict(xgboost.DMatrix(codes, feature_types=types, enable_categorical=True))
    keep("xgb_codes", booster.save_model, columns(codes), scores)


def lgb(name, label, data=None, rows=None, rounds=30, explain=False, group=None, **parameters):
    """A booster as LightGBM's own interface trains it."""
    parameters = {"verbose": -1, "seed": 1, "num_leaves": 15, "min_data_in_leaf": 5, **parameters}
    train = lightgbm.Dataset(x if data is None else data, label, group=group, free_raw_data=False)
    booster = lightgbm.train(parameters, train, rounds)
    rows = asked if rows is None else rows
    scores = booster.predict(rows)
    scores = pairs(scores) if parameters.get("objective") == "binary" else scores
    contributions = booster.predict(rows, pred_contrib=True) if explain else None
    if explain and parameters.get("boosting") == "rf":
        contributions /= rounds  # LightGBM adds up what the forest averages
    names = None if isinstance(rows, pd.DataFrame) else [f"Column_{i}" for i in range(rows.shape[1])]
    keep(f"lgb_{name}", booster.save_model, columns(rows, names), scores, contributions)


def lightgbms():
    lgb("binary", binary, objective="binary", explain=True)
    lgb("binary_sigmoid", binary, objective="binary", sigmoid=1.7)
    lgb("number", number, rounds=500, explain=True)
    for objective in ["regression_l1", "huber", "fair", "quantile", "mape"]:
        lgb(objective, number, objective=objective)
    lgb("root", number, reg_sqrt=True)
    for objective in ["poisson", "tweedie"]:
        lgb(objective, positive, objective=objective)
    lgb("gamma", positive + 1, objective="gamma")
    lgb("share", binary * 0.9, objective="cross_entropy")
    lgb("share_lambda", binary * 0.9, objective="cross_entropy_lambda")
    lgb("classes", several, objective="multiclass", num_class=3)
    lgb("classes_each", several, objective="multiclassova", num_class=3)
    lgb("dart", number, boosting="dart", drop_rate=0.5)
    lgb("goss", number, boosting="goss")
    bagged = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    lgb("forest", number, explain=True, **bagged)
    lgb("forest_binary", binary, objective="binary", **bagged)
    lgb("forest_classes", several, objective="multiclass", num_class=3, **bagged)
    for objective in ["lambdarank", "rank_xendcg"]:
        lgb(objective, several, objective=objective, group=groups)
    lgb("zero_missing", number, data=filled, zero_as_missing=True)
    lgb("no_missing", number, use_missing=False)
    lgb("complete", number, data=filled)
    lgb("stump", number, num_leaves=2, rounds=1)
    lgb("constant", np.full(ROWS, 4.5))
    # Times in seconds differ where 32-bit floats do not.
    times = np.column_stack([1.7e9 + np.sort(random.integers(0, 4000, ROWS)), random.random(ROWS) / 3])
    lgb("times", np.sin(times[:, 0] / 50) + times[:, 1], data=times, rows=times[:ASKED] + [0, 1e-9], num_leaves=63)
    tiny = random.choice([0, 1e-36, -1e-36, 1e-30, -1e-30, 1e-3], size=(ROWS, 2))
    lgb("tiny", np.sign(tiny[:, 0]) + (np.abs(tiny[:, 1]) > 1e-31), data=tiny, rows=tiny[:ASKED])

    frame, label = categories(["z", "y", "x x", "w", "ß", "u", "7", "a,b"])
    lgb("categories", label, data=frame, rows=frame[:ASKED], min_data_per_group=5, cat_smooth=1)
    lgb("categories_one_hot", label, data=frame, rows=frame[:ASKED], max_cat_to_onehot=20)
    codes = np.column_stack([filled[:, 0].astype(float), random.integers(0, 90, ROWS)])
    booster = lightgbm.train({"verbose": -1, "min_data_per_group": 5},
                             lightgbm.Dataset(codes, codes[:, 0] + codes[:, 1] % 7, categorical_feature=[1]), 30)
    codes = codes[:ASKED].copy()
    codes[:9, 1] = [np.nan, 2.7, 89, 100, 4000, -1, -0.5, 1e12, 3e9]
    keep("lgb_codes", booster.save_model, columns(codes, ["Column_0", "Column_1"]), booster.predict(codes))

    split = ROWS * 2 // 3
    model = lightgbm.LGBMClassifier(n_estimators=300, learning_rate=0.5, verbose=-1)
    model.fit(x[:split], binary[:split], eval_set=[(x[split:], binary[split:])],
              callbacks=[lightgbm.early_stopping(3, verbose=False)])
    assert model.best_iteration_ < 300
    inputs = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 6]}}]
    keep("lgb_wrapper", model.booster_.save_model, columns(asked, [f"Column_{i}" for i in range(6)]),
         model.predict_proba(asked), signature={"inputs": json.dumps(inputs)})


xgboosters()
xgboost_categories()
lightgbms()
