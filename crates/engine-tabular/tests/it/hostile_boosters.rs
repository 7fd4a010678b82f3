//! Boosters that are broken on purpose, or do what the engine does not: an error that says so.

use std::sync::Arc;

use flyball_core::model::Model;
use flyball_core::rng::Rng;
use flyball_core::{Error, ErrorCode, Format, Result, Value};
use serde_json::{Value as Json, json};

use crate::common::try_booster;
use crate::hostile::attempt;

/// A booster of XGBoost with a split by order and one by categories.
fn xgboost() -> Json {
    let tree = json!({
        "left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1],
        "split_conditions": [0.5, 0.0, 3.0, 1.0, 2.0], "split_indices": [0, 1, 0, 0, 0],
        "default_left": [1, 0, 0, 0, 0], "split_type": [0, 1, 0, 0, 0], "sum_hessian": [9.0, 5.0, 4.0, 2.0, 3.0],
        "categories": [2, 33], "categories_nodes": [1], "categories_segments": [0], "categories_sizes": [2],
        "tree_param": {"size_leaf_vector": "1"},
    });
    let model = json!({"trees": [tree, tree], "tree_info": [0, 0], "gbtree_model_param": {"num_parallel_tree": "1"}});
    json!({"learner": {
        "attributes": {}, "feature_names": ["a", "b"],
        "gradient_booster": {"name": "gbtree", "model": model},
        "learner_model_param": {"base_score": "[5E-1]", "num_class": "0", "num_feature": "2", "num_target": "1"},
        "objective": {"name": "reg:squarederror"},
    }, "version": [3, 2, 0]})
}

/// A booster of LightGBM with a split by order and one by categories.
const LIGHTGBM: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\n\
    objective=regression\nfeature_names=a b\nfeature_infos=[0:1] 2:33\ntree_sizes=1\n\n\
    Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\ndecision_type=2 1\nleft_child=1 -1\n\
    right_child=-3 -2\nleaf_value=1 2 3\nleaf_count=2 3 4\ninternal_count=9 5\ncat_boundaries=0 2\n\
    cat_threshold=4 2\nis_linear=0\nshrinkage=1\n\n\nend of trees\n\nparameters:\n\npandas_categorical:null\n";

/// The same value as UBJSON, lists of numbers typed as XGBoost writes them.
fn ubjson(value: &Json) -> Vec<u8> {
    let length = |length: usize| [&b"L"[..], &(length as i64).to_be_bytes()].concat();
    let text = |text: &str| [length(text.len()), text.as_bytes().to_vec()].concat();
    match value {
        Json::String(value) => [b"S".to_vec(), text(value)].concat(),
        Json::Number(number) if number.is_f64() => {
            [&b"d"[..], &(number.as_f64().unwrap() as f32).to_be_bytes()].concat()
        }
        Json::Number(number) => [&b"l"[..], &(number.as_i64().unwrap() as i32).to_be_bytes()].concat(),
        Json::Array(items) if !items.is_empty() && items.iter().all(Json::is_f64) => {
            let items = items.iter().flat_map(|item| ubjson(item).split_off(1));
            [b"[$d#".to_vec(), length(value.as_array().unwrap().len()), items.collect()].concat()
        }
        Json::Array(items) => [b"[#".to_vec(), length(items.len()), items.iter().flat_map(ubjson).collect()].concat(),
        Json::Object(entries) => {
            let entries = entries.iter().flat_map(|(key, value)| [text(key), ubjson(value)].concat());
            [b"{".to_vec(), entries.collect(), b"}".to_vec()].concat()
        }
        other => panic!("{other}"),
    }
}

fn load(value: &Json) -> Result<Arc<dyn Model>> {
    try_booster(Format::Xgboost, value.to_string().as_bytes(), None)
}

fn load_text(text: &str) -> Result<Arc<dyn Model>> {
    try_booster(Format::Lightgbm, text.as_bytes(), None)
}

fn files() -> Vec<(Format, Vec<u8>)> {
    let value = xgboost();
    vec![
        (Format::Xgboost, value.to_string().into_bytes()),
        (Format::Xgboost, ubjson(&value)),
        (Format::Lightgbm, LIGHTGBM.as_bytes().to_vec()),
    ]
}

fn score(model: &dyn Model, row: [f64; 2]) -> f64 {
    let mut scores = Vec::new();
    model.predict_row(&row.map(|x| if x.is_nan() { Value::Missing } else { Value::Float(x) }), &mut scores).unwrap();
    scores[0]
}

#[test]
fn the_sound_files_branch_as_their_libraries_say() {
    const GAP: f64 = f64::NAN;
    let rows = [[0.6, 2.0], [0.5, 2.0], [0.4, 33.9], [GAP, 2.0], [0.4, GAP], [0.4, -1.0], [0.4, 1e12], [0.4, 3.0]];
    for (format, bytes) in files() {
        let model = try_booster(format, &bytes, None).unwrap();
        assert_eq!(model.signature().features[1].name, "b");
        let expected = match format {
            // Two trees and the base of a half; what equals the threshold, and the categories of the set, go right.
            Format::Xgboost => [6.5, 6.5, 4.5, 4.5, 4.5, 2.5, 2.5, 2.5],
            _ => [3.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0],
        };
        for (row, expected) in rows.into_iter().zip(expected) {
            assert_eq!(score(model.as_ref(), row), expected, "{format:?} {row:?}");
        }
    }
}

#[test]
fn a_booster_cut_at_any_length_is_refused() {
    for (format, bytes) in files() {
        let end = if format == Format::Lightgbm { LIGHTGBM.find("end of trees").unwrap() } else { bytes.len() };
        for length in 0..end {
            assert!(try_booster(format, &bytes[..length], None).is_err(), "{format:?} {length}");
        }
    }
}

#[test]
fn a_booster_with_any_byte_changed_is_refused_or_answers() {
    let mut rng = Rng::seeded(12);
    for (format, bytes) in files() {
        for _ in 0..8000 {
            let mut bytes = bytes.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len());
                bytes[at] = if rng.below(2) == 0 { rng.next_u64() as u8 } else { b"0123456789-,[ "[rng.below(14)] };
            }
            attempt(try_booster(format, &bytes, None));
        }
    }
}

/// The sound booster with one thing changed.
fn changed(path: &str, to: Json) -> Json {
    let mut value = xgboost();
    let path = path.replace("TREE", "/learner/gradient_booster/model/trees/0");
    let (parent, key) = path.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap()[key] = to;
    value
}

fn refusal(loaded: Result<Arc<dyn Model>>, what: &str) -> Error {
    loaded.err().unwrap_or_else(|| panic!("{what} was loaded"))
}

#[test]
fn boosters_of_xgboost_that_contradict_themselves_are_refused() {
    let huge = json!(i64::MAX);
    let cases = [
        ("TREE/left_children", json!([0, 3, -1, -1, -1])),
        ("TREE/left_children", json!([1, 0, -1, -1, -1])),
        ("TREE/left_children", json!([1, 9, -1, -1, -1])),
        ("TREE/left_children", json!([1, -7, -1, -1, -1])),
        ("TREE/left_children", json!([1, huge, -1, -1, -1])),
        ("TREE/left_children", json!([])),
        ("TREE/right_children", json!([2, 4, -1, -1])),
        ("TREE/split_indices", json!([2, 1, 0, 0, 0])),
        ("TREE/split_indices", json!([huge, 1, 0, 0, 0])),
        ("TREE/split_conditions", json!([0.5, 0.0, 1e300, 1.0, 2.0])),
        ("TREE/categories", json!([2, -1])),
        ("TREE/categories", json!([2, 1 << 24])),
        ("TREE/categories", json!([2, huge])),
        ("TREE/categories_nodes", json!([0])),
        ("TREE/categories_sizes", json!([huge])),
        ("TREE/categories_sizes", json!([3])),
        ("TREE/categories_segments", json!([huge])),
        ("/learner/gradient_booster/model/tree_info", json!([0])),
        ("/learner/gradient_booster/model/tree_info", json!([0, 1])),
        ("/learner/learner_model_param/num_feature", json!("9999999999")),
        ("/learner/learner_model_param/num_feature", json!("-1")),
        ("/learner/learner_model_param/num_class", json!("99999999")),
        ("/learner/learner_model_param/base_score", json!("[1,2]")),
        ("/learner/learner_model_param/base_score", json!("nan")),
        ("/learner/learner_model_param/base_score", json!("inf")),
        ("/learner/gradient_booster/name", json!("dart")),
        ("/learner/objective", json!({})),
    ];
    for (path, to) in cases {
        let what = format!("{path} = {to}");
        let code = refusal(load(&changed(path, to)), &what).code();
        let codes = [ErrorCode::InvalidData, ErrorCode::UnsupportedModel, ErrorCode::LimitExceeded];
        assert!(codes.contains(&code), "{what}: {code}");
    }
    // Each category takes half a megabyte, each node only some bytes.
    let count = 200;
    let mut tree = json!({
        "left_children": vec![1; count], "right_children": vec![2; count], "split_conditions": vec![0.5; count],
        "split_indices": vec![0; count], "default_left": vec![0; count], "split_type": vec![1; count],
        "categories": vec![(1 << 24) - 1; count], "categories_nodes": (0..count).collect::<Vec<_>>(),
        "categories_segments": (0..count).collect::<Vec<_>>(), "categories_sizes": vec![1; count],
    });
    let trees = |tree: &Json| changed("/learner/gradient_booster/model/trees", json!([tree, tree]));
    assert_eq!(refusal(load(&trees(&tree)), "a bomb").code(), ErrorCode::LimitExceeded);
    tree["categories_sizes"] = json!(vec![count; count]);
    assert_eq!(refusal(load(&trees(&tree)), "overlapping sets").code(), ErrorCode::InvalidData);
    let deep = format!("{{\"learner\":{}", "[".repeat(1_000_000));
    assert!(try_booster(Format::Xgboost, deep.as_bytes(), None).is_err());
}

#[test]
fn boosters_of_lightgbm_that_contradict_themselves_are_refused() {
    let cases = [
        ("left_child=1 -1", "left_child=0 -1"),
        ("left_child=1 -1", "left_child=1 0"),
        ("left_child=1 -1", "left_child=1 -9"),
        ("left_child=1 -1", "left_child=-9223372036854775808 9223372036854775807"),
        ("right_child=-3 -2", "right_child=-3"),
        ("split_feature=0 1", "split_feature=0 2"),
        ("threshold=0.5 0", "threshold=nan 0"),
        ("threshold=0.5 0", "threshold=0.5 1"),
        ("threshold=0.5 0", "threshold=0.5 1e300"),
        ("cat_boundaries=0 2", "cat_boundaries=0 3"),
        ("cat_boundaries=0 2", "cat_boundaries=2 0"),
        ("cat_boundaries=0 2", "cat_boundaries=9 2"),
        ("num_cat=1", "num_cat=18446744073709551615"),
        ("num_leaves=3", "num_leaves=18446744073709551615"),
        ("num_leaves=3", "num_leaves=0"),
        ("leaf_value=1 2 3", "leaf_value=1 2 nan"),
        ("leaf_value=1 2 3", "leaf_value=1 2 x"),
        ("max_feature_idx=1", "max_feature_idx=18446744073709551615"),
        ("max_feature_idx=1", "max_feature_idx=999999999"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=999999999"),
        ("objective=regression", "objective=binary sigmoid:x"),
        ("pandas_categorical:null", "pandas_categorical:[["),
        ("end of trees", "end of tree"),
    ];
    for (from, to) in cases {
        assert!(LIGHTGBM.contains(from));
        let code = refusal(load_text(&LIGHTGBM.replace(from, to)), to).code();
        let codes = [ErrorCode::InvalidData, ErrorCode::UnsupportedModel, ErrorCode::LimitExceeded];
        assert!(codes.contains(&code), "{to}: {code}");
    }
}

#[test]
fn what_the_engine_lacks_is_named_with_a_next_step() {
    let lacks = |loaded, what: &str| {
        let error = refusal(loaded, what);
        assert_eq!(error.code(), ErrorCode::UnsupportedModel, "{error}");
        assert!(error.message().contains(what) && error.next_step().is_some(), "{error}");
    };
    for objective in ["binary:hinge", "binary:logitraw", "multi:softprob", "reg:expectileerror"] {
        lacks(load(&changed("/learner/objective/name", json!(objective))), objective);
    }
    lacks(load(&changed("/learner/gradient_booster/name", json!("gblinear"))), "gblinear");
    lacks(load(&changed("/learner/learner_model_param/num_target", json!("2"))), "several targets");
    lacks(load(&changed("TREE/tree_param/size_leaf_vector", json!("3"))), "multi_output_tree");
    let categories = |texts: &str| {
        let offsets: Vec<usize> = (0..=texts.len()).collect();
        let codes: Vec<i8> = texts.bytes().map(|byte| byte as i8).collect();
        json!({"enc": [{}, {"offsets": offsets, "values": codes}]})
    };
    let model = "/learner/gradient_booster/model/cats";
    lacks(load(&changed(model, categories("aé"))), "beyond ASCII");
    load(&changed(model, categories("ab"))).unwrap();
    lacks(load(&changed(model, json!({"enc": [{"values": [1, 2]}]}))), "the order of categories");

    let text = |from: &str, to: &str| load_text(&LIGHTGBM.replace(from, to));
    lacks(text("is_linear=0", "is_linear=1"), "linear_tree");
    lacks(text("objective=regression", "objective=mine"), "objective mine");
    lacks(text("num_tree_per_iteration=1", "num_tree_per_iteration=2"), "with 2 scores");
    lacks(text("pandas_categorical:null", "pandas_categorical:[[1],[2]]"), "pandas_categorical");
    lacks(text("pandas_categorical:null", "pandas_categorical:[[\"\"]]"), "empty text");
    text("pandas_categorical:null", "pandas_categorical:[[\"x\"]]").unwrap();
}

#[test]
fn files_of_other_kinds_are_told_by_how_they_begin() {
    let cases: [(&[u8], &str); 7] = [
        (b"\x80\x04\x95pickle", "pickle"),
        (b"binf\0\0", "old binary"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"x\x9c\x01", "zlib"),
        (b"\x08\x08\x12", "begins as none does"),
        (b"", "begins as none does"),
    ];
    for (bytes, what) in cases {
        for format in [Format::Xgboost, Format::Lightgbm] {
            let error = refusal(try_booster(format, bytes, None), what);
            assert_eq!(error.code(), ErrorCode::UnsupportedModel);
            assert!(error.message().contains(what), "{error}");
            assert!(error.next_step().is_some_and(|next| next.contains("save_model")), "{error:?}");
        }
    }
    let wrong = refusal(try_booster(Format::Xgboost, LIGHTGBM.as_bytes(), None), "a text");
    assert!(wrong.message().contains("booster of LightGBM"), "{wrong}");
    let wrong = refusal(try_booster(Format::Lightgbm, xgboost().to_string().as_bytes(), None), "JSON");
    assert!(wrong.message().contains("it is JSON"), "{wrong}");
}

#[test]
fn features_are_called_as_the_signature_says_if_it_fits() {
    let named = |signature: Json, value: &Json| {
        let model = try_booster(Format::Xgboost, value.to_string().as_bytes(), Some(signature)).unwrap();
        model.signature().features.iter().map(|feature| feature.name.clone()).collect::<Vec<_>>()
    };
    let inputs = |text: &str| json!({"inputs": text, "outputs": null});
    let sound = xgboost();
    let columns = r#"[{"type": "double", "name": "x"}, {"type": "long", "name": "y"}]"#;
    assert_eq!(named(inputs(columns), &sound), ["x", "y"]);
    for other in [
        r#"[{"type": "double", "name": "x"}]"#,
        r#"[{"type": "double", "name": "x"}, {"type": "double", "name": "x"}]"#,
        r#"[{"type": "double"}, {"type": "double"}]"#,
        r#"[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]"#,
        "not JSON",
    ] {
        assert_eq!(named(inputs(other), &sound), ["a", "b"]);
    }
    assert_eq!(named(json!(null), &changed("/learner/feature_names", json!([]))), ["f0", "f1"]);
}
