//! What models are given, and what is made of what they give.

use std::time::Duration;

use flyball_core::model::TensorModel;
use flyball_core::{DataType, ErrorCode, Tensor};

use crate::common::{Bench, ask, doubles, first_text, floats, longs, numbers, packed, texts};

fn every_kind() -> Vec<Tensor> {
    vec![
        packed("boolean", DataType::Bool, &[2], vec![1, 0]),
        packed("integer", DataType::Int32, &[2], [1i32, -2].iter().flat_map(|v| v.to_le_bytes()).collect()),
        longs("long", &[1 << 40, 2]),
        floats("float", &[2], &[0.5, 1.5]),
        doubles("double", &[0.25, f64::NAN]),
        texts("string", &["grün".as_bytes(), b"b"]),
        texts("binary", &[b"\xff\0", b"b"]),
        texts("datetime", &[b"2020-01-02T03:04:05+01:00", b"2020-01-02"]),
    ]
}

#[test]
fn columns_come_with_the_types_of_the_signature() {
    let model = Bench::new().load("kinds");
    let signature = model.signature();
    let types: Vec<&str> = signature.inputs.iter().map(|spec| spec.datatype.as_str()).collect();
    assert_eq!(types, ["BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES", "BYTES", "BYTES", "FP64"]);
    assert!(signature.inputs[8].optional && !signature.inputs[7].optional);
    assert!(signature.inputs.iter().all(|spec| spec.shape == [-1]));
    let mut inputs = every_kind();
    inputs.reverse();
    let answer = ask(&*model, &inputs).unwrap();
    let kinds: serde_json::Value = serde_json::from_str(&first_text(&answer)).unwrap();
    let wanted = serde_json::json!({
        "boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64",
        "string": "object", "binary": "object", "datetime": "datetime64[ns]",
    });
    assert_eq!(kinds, wanted);
    let values = String::from_utf8(answer[0].text(1).unwrap().to_vec()).unwrap();
    let values: Vec<String> = serde_json::from_str(&values).unwrap();
    assert_eq!(values[5], "grün");
    assert_eq!(values[6], "b'\\xff\\x00'");
    assert_eq!(values[7], "2020-01-02 02:04:05");

    inputs.push(doubles("extra", &[1.0, 2.0]));
    assert!(first_text(&ask(&*model, &inputs).unwrap()).contains("extra"));
    for (name, wrong) in
        [("datetime", texts("datetime", &[b"soon", b"2020"])), ("string", texts("string", &[b"\xff", b""]))]
    {
        let mut inputs = every_kind();
        inputs.retain(|tensor| tensor.name() != name);
        inputs.push(wrong);
        assert_eq!(ask(&*model, &inputs).unwrap_err().code(), ErrorCode::InvalidInput, "{name}");
    }
    let mut uneven = every_kind();
    uneven[2] = longs("long", &[1]);
    let error = ask(&*model, &uneven).unwrap_err();
    assert!(error.code() == ErrorCode::InvalidInput && error.message().contains("rows"), "{error:?}");
}

#[test]
fn a_matrix_stands_for_columns_of_numbers() {
    let model = Bench::new().load("whole");
    let run = |values: &[f64]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        model.run(&[packed("m", DataType::Fp64, &[values.len() / 2, 2], bytes)], None, Duration::from_secs(10))
    };
    let kinds = first_text(&run(&[1.0, 0.5, 2.0, 1.5]).unwrap());
    assert_eq!(kinds, r#"{"n": "int64", "x": "float64"}"#);
    assert!(run(&[1.0, f64::NAN]).is_ok());
    for (values, words) in
        [([f64::NAN, 1.0], "missing value"), ([1.5, 1.0], "a value that is none"), ([1e300, 1.0], "none")]
    {
        let error = run(&values).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(error.message().contains("'n'") && error.message().contains(words), "{error:?}");
    }
    let error = model.run(&[longs("n", &[1])], None, Duration::from_secs(10)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
    assert_eq!(error.message(), "Model is missing inputs ['x'].", "MLflow's own words");
}

#[test]
fn without_a_signature_tensors_become_what_they_look_like() {
    let model = Bench::new().load("open");
    assert!(model.signature().open && !model.signature().columns);
    let tell = |inputs: &[Tensor]| {
        let answer = ask(&*model, inputs).unwrap();
        let second = String::from_utf8(answer[0].text(1).unwrap().to_vec()).unwrap();
        (first_text(&answer), second)
    };
    assert_eq!(tell(&[floats("x", &[2, 3], &[0.0; 6])]), ("ndarray".into(), "(2, 3)".into()));
    assert_eq!(tell(&[doubles("x", &[1.0])]).0, r#"{"x": "float64"}"#);
    let (kinds, values) = tell(&[longs("n", &[7]), texts("s", &[b"t"])]);
    assert!(kinds.starts_with(r#"{"n": "int64", "s": "#), "{kinds}");
    assert_eq!(values, r#"["7", "t"]"#);
    assert_eq!(tell(&[longs("n", &[7]), floats("x", &[2, 2], &[0.0; 4])]).0, "dict");
}

#[test]
fn hints_of_types_are_a_signature() {
    let model = Bench::new().load("hinted");
    let name = model.signature().inputs[0].name.clone();
    let answer = ask(&*model, &[texts(&name, &[b"one", b"two"])]).unwrap();
    assert_eq!((first_text(&answer).as_str(), answer[0].len()), ("ONE", 2));
}

fn told(model: &dyn TensorModel, what: &str) -> Vec<Tensor> {
    ask(model, &[texts("do", &[what.as_bytes()])]).unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

fn all_texts(tensor: &Tensor) -> Vec<String> {
    (0..tensor.len()).map(|at| String::from_utf8_lossy(tensor.text(at).unwrap()).into_owned()).collect()
}

#[test]
fn answers_of_all_sorts_become_tensors() {
    let model = Bench::new().load("answers");
    for (what, datatype, shape, values) in [
        ("list", DataType::Fp64, &[3][..], &[1.0, 2.5, 3.0][..]),
        ("scalar", DataType::Fp32, &[1], &[1.5]),
        ("matrix", DataType::Int16, &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ("series", DataType::Bool, &[2], &[1.0, 0.0]),
        ("sparse", DataType::Fp32, &[2, 2], &[1.0, 0.0, 0.0, 1.0]),
        ("lists", DataType::Int64, &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        ("reverse", DataType::Fp32, &[3], &[0.0, 1.0, 2.0]),
        ("empty", DataType::Fp64, &[0], &[]),
    ] {
        let answer = told(&*model, what);
        assert_eq!((answer.len(), answer[0].datatype(), answer[0].shape()), (1, datatype, shape), "{what}");
        assert_eq!(numbers(&answer[0]), values, "{what}");
    }
    for (what, values) in [
        ("texts", &["a", "null", r#"{"b": [1, 2.0]}"#, "ü"][..]),
        ("word", &["word"]),
        ("times", &["2020-01-02T03:04:05.000000", "null"]),
        ("category", &["x", "y", "x"]),
        ("ragged", &["[1, 2]", "[3]"]),
    ] {
        let answer = told(&*model, what);
        let found = all_texts(&answer[0]);
        assert_eq!(found.len(), values.len());
        assert!(found.iter().zip(values).all(|(found, wanted)| found.starts_with(wanted)), "{what}: {found:?}");
    }
    let nullable = told(&*model, "nullable");
    assert!(nullable[0].datatype() == DataType::Fp64 && nullable[0].number(1).is_nan());
    let bytes = told(&*model, "bytes");
    assert_eq!((bytes[0].text(0).unwrap().as_ref(), bytes[0].text(1).unwrap().as_ref()), (&b"a\0"[..], &b"\xff\0"[..]));
    let big = told(&*model, "big");
    assert_eq!((big[0].shape(), big[0].number(999_999)), (&[1000, 1000][..], 1.0));
    let table = told(&*model, "table");
    let names: Vec<(&str, DataType)> = table.iter().map(|tensor| (tensor.name(), tensor.datatype())).collect();
    assert_eq!(names, [("n", DataType::Int64), ("f", DataType::Fp64), ("s", DataType::Bytes)]);
    assert!(table[1].number(1).is_nan());
    assert_eq!(all_texts(&table[2]), ["x", "null"]);
}

#[test]
fn what_a_model_fails_with_is_told() {
    let model = Bench::new().load("answers");
    for (what, words) in [("fail", "KeyError: 'missing key'"), ("nothing", "ValueError: the model gave no answer")] {
        let error = ask(&*model, &[texts("do", &[what.as_bytes()])]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidData);
        assert!(error.message().contains(words), "{error:?}");
        assert!(error.cause_text().unwrap().contains("Traceback"), "{error:?}");
    }
    assert!(ask(&*model, &[texts("do", &[b"list"])]).is_ok(), "the process goes on");
}
