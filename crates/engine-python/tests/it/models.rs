//! Models of several flavours answer as MLflow itself does.

use std::path::Path;
use std::time::Duration;

use flyball_core::model::Engine;
use flyball_core::{DataType, ErrorCode, Format, Tensor};

use crate::common::{Bench, Files, ask, doubles, expected, floats, longs, model, numbers, packed, texts};

/// The table that the models of numbers were made with.
fn table() -> Vec<Tensor> {
    let script =
        "import numpy, sys; sys.stdout.buffer.write(numpy.random.default_rng(7).normal(size=(40, 3)).T.tobytes())";
    #[allow(clippy::disallowed_methods, reason = "the numbers come from the generator that the models were made with")]
    let output = std::process::Command::new(crate::common::python()).args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let values: Vec<f64> = output.stdout.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    ["a", "b", "c"].iter().zip(values.chunks(40)).map(|(name, values)| doubles(name, values)).collect()
}

#[test]
fn models_of_numbers_answer_as_mlflow_does() {
    let (bench, table) = (Bench::new(), table());
    assert!(bench.engine.reads(Format::Pyfunc) && !bench.engine.reads(Format::Onnx));
    for name in ["logistic", "boosted"] {
        let model = bench.load(name);
        assert!(model.signature().columns && model.signature().inputs.len() == 3, "{:?}", model.signature());
        let answer = ask(&*model, &table).unwrap();
        assert_eq!((answer.len(), answer[0].name()), (1, "predictions"));
        assert_eq!(numbers(&answer[0]), expected(name), "{name}");
        assert!(model.memory_bytes() > 50 << 20, "{}", model.memory_bytes());
        assert_eq!(model.parallel(), 1);

        let bytes = (0..40).flat_map(|row| table.iter().flat_map(move |column| column.number(row).to_le_bytes()));
        let matrix = packed("x", DataType::Fp64, &[40, 3], bytes.collect());
        let answer = model.run(&[matrix], None, Duration::from_secs(10)).unwrap();
        assert_eq!(numbers(&answer[0]), expected(name), "{name} as a matrix");
    }
}

#[test]
fn texts_and_numbers_go_together() {
    let model = Bench::new().load("mixed");
    let x: Vec<f64> = (0..6).map(|at| -1.0 + f64::from(at) * 0.4).collect();
    let letters: [&[u8]; 6] = [b"a", b"b", b"c", b"a", b"b", b"c"];
    let answer = ask(&*model, &[texts("s", &letters), doubles("x", &x), longs("n", &[0, 1, 2, 3, 4, 5])]).unwrap();
    for (own, theirs) in numbers(&answer[0]).iter().zip(expected("mixed")) {
        assert!((own - theirs).abs() < 1e-9, "{own} {theirs}");
    }
}

#[test]
fn tensors_keep_type_and_shape() {
    let bench = Bench::new();
    let model = bench.load("double");
    let signature = model.signature();
    assert_eq!((signature.inputs[0].name.as_str(), signature.inputs[0].datatype), ("input", DataType::Fp32));
    assert_eq!(
        (signature.inputs[0].shape.as_slice(), signature.outputs[0].name.as_str()),
        (&[-1, 4][..], "predictions")
    );
    let answer = ask(&*model, &[floats("input", &[2, 4], &[1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0, 7.0, -0.5])]).unwrap();
    assert_eq!((answer[0].shape(), answer[0].datatype()), (&[2, 4][..], DataType::Fp32));
    assert_eq!(answer[0].number(7), -1.0);
    assert!(answer[0].number(4).is_nan());
    let wrong = model.run(&[floats("input", &[1, 3], &[1.0; 3])], None, Duration::from_secs(5));
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.code(), ErrorCode::InvalidInput, "{wrong:?}");
    assert!(wrong.message().contains("(-1, 4)"), "{wrong:?}");
    assert!(ask(&*model, &[floats("input", &[0, 4], &[])]).unwrap()[0].is_empty());

    let model = bench.load("sums");
    let inputs = [doubles("a", &[1.0, 2.0]), doubles("b", &[0.5, 0.25]), texts("t", &["ä".as_bytes(), b""])];
    let answer = ask(&*model, &inputs).unwrap();
    assert_eq!((answer[0].name(), answer[1].name()), ("sum", "texts"));
    assert_eq!(numbers(&answer[0]), [1.5, 2.25]);
    assert_eq!(answer[1].text(0).unwrap().as_ref(), "ä".as_bytes());
    let some = model.run(&inputs, Some(&["sum"]), Duration::from_secs(5)).unwrap();
    assert_eq!(some.len(), 1);
}

#[test]
fn a_changed_file_is_noticed() {
    let bench = Bench::new();
    let mut files = Files::of(&model("double"));
    let main = files.files.iter().find(|file| file.path == "python_model.pkl").unwrap().digest;
    files.blobs.get_mut(&main).unwrap()[10] ^= 1;
    assert_eq!(files.load(&bench.engine).err().unwrap().code(), ErrorCode::InvalidData);

    let files = Files::of(&model("double"));
    drop(files.load(&bench.engine).unwrap());
    let folder = std::fs::read_dir(bench.cache.path().join("models")).unwrap().next().unwrap().unwrap().path();
    let pickle = folder.join("python_model.pkl");
    assert!(std::fs::metadata(&pickle).unwrap().permissions().readonly());
    std::fs::remove_file(&pickle).unwrap();
    std::fs::write(&pickle, b"cos\nsystem\n(S'touch /tmp/owned'\ntR.").unwrap();
    std::fs::write(folder.join("extra.py"), b"").unwrap();
    let model = files.load(&bench.engine).unwrap();
    assert!(ask(&*model, &[floats("input", &[1, 4], &[1.0; 4])]).is_ok());
    assert!(!folder.join("extra.py").exists(), "what was added is gone");
}

#[test]
fn paths_out_of_the_folder_are_refused() {
    let bench = Bench::new();
    for path in ["../evil", "/tmp/evil", "a/../../evil", "a\\b"] {
        let mut files = Files::of(&model("double"));
        files.add(path, b"x".to_vec());
        assert_eq!(files.load(&bench.engine).err().unwrap().code(), ErrorCode::InvalidData, "{path}");
    }
    assert!(!Path::new("/tmp/evil").exists());
}

#[test]
fn a_model_that_cannot_be_loaded_says_why() {
    let bench = Bench::new();
    let error = bench.try_load("broken").err().unwrap();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("No module named 'package_that_is_not_there'"), "{error:?}");
    assert!(error.next_step().unwrap().contains("requirements.txt"), "{error:?}");
    assert!(error.cause_text().unwrap().contains("Traceback"), "{error:?}");

    let mut files = Files::of(&model("double"));
    files.add("MLmodel", b"flavors: {}\n".to_vec());
    let error = files.load(&bench.engine).err().unwrap();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel, "{error:?}");

    let quick = Bench::with(|settings| settings.start_timeout = Duration::from_secs(8));
    let error = quick.try_load("slow").err().unwrap();
    assert!(error.message().contains("more than 8 s"), "{error:?}");
    assert!(error.cause_text().unwrap().contains("still at it"), "{error:?}");
    assert_eq!((bench.scratch(), quick.scratch()), (0, 0));

    let none = Bench::with(|settings| settings.python = Some("/nowhere/python".into()));
    assert_eq!(none.try_load("double").err().unwrap().code(), ErrorCode::UnsupportedModel);
    assert!(none.engine.state().is_err());
}

#[test]
fn the_state_names_python_and_the_walls() {
    let state = Bench::new().engine.state().unwrap();
    assert!(state.starts_with("python 3.") && state.contains("used as it is"), "{state}");
    println!("{state}");
}
