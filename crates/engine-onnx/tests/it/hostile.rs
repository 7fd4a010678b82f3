//! Files that are broken, that reach for other files, or that need what is not there.

use std::path::{Path, PathBuf};
use std::process::Command;

use flyball_core::ErrorCode;
use flyball_core::model::Engine;
use flyball_engine_onnx::{OnnxRuntime, Places};

use crate::common::{Files, LONG, Made, engine, interpreter};

#[test]
fn tensors_in_the_models_own_files_are_read() {
    let made = Made::new("external");
    let (inputs, outputs) = made.case();
    let mut files = made.files(&["model.onnx", "weights.bin"]);
    assert_eq!(files.load(&engine()).unwrap().run(&inputs, None, LONG).unwrap(), outputs);
    // In a folder of a larger model.
    files.files = files.files.into_iter().map(|(path, content)| (format!("artifacts/data/{path}"), content)).collect();
    files.main = "artifacts/data/model.onnx".into();
    assert_eq!(files.load(&engine()).unwrap().run(&inputs, None, LONG).unwrap(), outputs);
}

#[test]
fn tensors_elsewhere_are_refused() {
    let elsewhere = Made::new("elsewhere");
    for (number, location) in elsewhere.locations().iter().enumerate() {
        let mut files = elsewhere.files(&["weights.bin"]);
        files.files.insert("model.onnx".into(), elsewhere.file(&format!("model{number}.onnx")));
        let error = files.refused();
        assert_eq!(error.code(), ErrorCode::InvalidData, "{location}: {error:?}");
        assert!(error.message().contains("no file of the model"), "{location}: {error}");
    }
    let made = Made::new("external");
    assert_eq!(made.files(&["model.onnx"]).refused().code(), ErrorCode::InvalidData, "it is not in the package");
    let mut cut = made.files(&["model.onnx", "weights.bin"]);
    cut.files.get_mut("weights.bin").unwrap().truncate(5000);
    let error = cut.refused();
    assert!(error.code() == ErrorCode::InvalidData && error.message().contains("cut off"), "{error:?}");
}

#[test]
fn broken_files_are_refused_in_words() {
    let made = Made::new("network");
    let whole = made.file("model.onnx");
    for length in (0..whole.len()).step_by(7) {
        let error = Files::lone(whole[..length].to_vec()).refused();
        assert!(matches!(error.code(), ErrorCode::InvalidData | ErrorCode::UnsupportedModel), "{length}: {error:?}");
    }
    let garbage: Vec<u8> = (0..5000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(Files::lone(garbage).refused().code(), ErrorCode::InvalidData);
    let pickle = Files::lone(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix".to_vec()).refused();
    assert!(pickle.code() == ErrorCode::InvalidData && pickle.message().contains("pickle"), "{pickle:?}");
    for bent in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[bent] ^= 0x55;
        // Whatever comes of it, it is no panic.
        drop(Files::lone(bytes).load(&engine()));
    }
}

#[test]
fn an_unknown_operator_is_named() {
    let error = Made::new("unknown").files(&["model.onnx"]).refused();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("Frobnicate"), "{error}");
}

#[test]
fn a_missing_library_says_how_to_get_it() {
    let error = OnnxRuntime::new(Places { cache: Some("/none".into()), ..Places::default() }).state();
    let error = error.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert_eq!(error.message(), "the model needs ONNX Runtime, which was not found on this machine");
    assert_eq!(error.next_step(), Some("flyball engines install onnxruntime"));
}

#[test]
fn what_is_no_library_is_passed_over_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("libonnxruntime.so");
    std::fs::write(&wrong, b"no library").unwrap();
    let named = Places { named: Some(wrong), pythons: vec![interpreter()], ..Places::default() };
    let error = OnnxRuntime::new(named).state().unwrap_err();
    assert!(error.code() == ErrorCode::UnsupportedModel && error.message().contains("libonnxruntime.so"), "{error:?}");
    let only = Places { binary_folder: Some(folder.path().to_owned()), ..Places::default() };
    let error = OnnxRuntime::new(only.clone()).state().unwrap_err();
    assert!(error.message().contains("no ONNX Runtime on this machine works"), "{error:?}");
    let other = OnnxRuntime::new(Places { pythons: vec![interpreter()], ..only });
    assert!(other.state().is_ok(), "the next one works");
}

/// A library that says it is ONNX Runtime of this version and gives no functions.
#[allow(clippy::disallowed_methods, reason = "a library is made by the compiler that links the tests")]
fn pretender(folder: &Path, version: &str) -> PathBuf {
    let (source, library) = (folder.join("pretender.c"), folder.join("libonnxruntime.so"));
    let code = format!(
        "static const char* version(void) {{ return \"{version}\"; }}\n\
         static const void* api(unsigned wanted) {{ return 0; }}\n\
         static const struct {{ const void* (*a)(unsigned); const char* (*v)(void); }} base = {{ api, version }};\n\
         const void* OrtGetApiBase(void) {{ return &base; }}\n"
    );
    std::fs::write(&source, code).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    library
}

#[test]
fn a_library_that_is_too_old_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let old = pretender(folder.path(), "1.20.1");
    let error = OnnxRuntime::new(Places { named: Some(old), ..Places::default() }).state().unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("is version 1.20.1, at least 1.24 is needed"), "{error}");
    let other = OnnxRuntime::new(Places { pythons: vec![interpreter()], ..Places::default() });
    assert!(other.state().is_ok(), "a newer one can still be opened");
}

#[test]
fn a_library_that_does_not_keep_its_word_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let liar = pretender(folder.path(), "1.99.0");
    let runtime = OnnxRuntime::new(Places { named: Some(liar), ..Places::default() });
    for _ in 0..2 {
        let error = runtime.state().unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedModel);
        assert!(error.next_step().unwrap().contains("start Flyball anew"), "{error:?}");
    }
}
