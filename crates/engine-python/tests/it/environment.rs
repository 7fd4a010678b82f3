//! Environments are built from what models name, once, and only from where the operator says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use flyball_core::ErrorCode;
use flyball_core::model::Engine;

use crate::common::{Bench, Files, model};

fn building(change: impl FnOnce(&mut flyball_engine_python::PythonSettings)) -> Bench {
    Bench::with(|settings| {
        settings.python = None;
        // The tests' Python comes first; its own folder has no uv, so what is tested is venv and pip.
        settings.path = std::env::join_paths([crate::common::python().parent().unwrap(), "/usr/bin".as_ref()]).unwrap();
        change(settings);
    })
}

/// A wheel of one module, so that no index is needed.
fn wheel(folder: &std::path::Path) {
    let script = "import sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1] + '/tiny_thing-1.0-py3-none-any.whl', 'w')\n\
        z.writestr('tiny_thing.py', 'answer = 42\\n')\n\
        z.writestr('tiny_thing-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny-thing\\nVersion: 1.0\\n')\n\
        z.writestr('tiny_thing-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        z.writestr('tiny_thing-1.0.dist-info/RECORD', '')\n";
    #[allow(clippy::disallowed_methods, reason = "the test's package is made by Python")]
    let made = Command::new(crate::common::python()).args(["-c", script]).arg(folder).status().unwrap();
    assert!(made.success());
}

fn from_wheels(folder: &std::path::Path) -> Vec<(String, String)> {
    let folder = folder.to_str().unwrap().to_owned();
    vec![("PIP_NO_INDEX".into(), "1".into()), ("PIP_FIND_LINKS".into(), folder)]
}

#[allow(clippy::disallowed_methods, reason = "the built interpreter is tried")]
fn answer(python: &PathBuf) -> String {
    let output =
        Command::new(python).args(["-I", "-c", "import tiny_thing; print(tiny_thing.answer)"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_environment_is_built_once() {
    let wheels = tempfile::tempdir().unwrap();
    wheel(wheels.path());
    let bench = building(|settings| settings.index = from_wheels(wheels.path()));
    let both: Vec<PathBuf> = std::thread::scope(|scope| {
        let build = || scope.spawn(|| bench.engine.environment("Tiny_Thing == 1.0\n", None).unwrap());
        let threads = [build(), build()];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(both[0], both[1]);
    assert_eq!(answer(&both[0]), "42\n");
    let folder = both[0].parent().unwrap().parent().unwrap();
    let marker = folder.join("tiny-was-here");
    fs::write(&marker, "").unwrap();
    assert_eq!(bench.engine.environment("tiny-thing==1.0", None).unwrap(), both[0], "one form of a requirement");
    assert!(marker.exists(), "it was not built again");

    fs::remove_file(folder.join("flyball-whole")).unwrap();
    assert_eq!(bench.engine.environment("tiny-thing==1.0", None).unwrap(), both[0]);
    assert!(!marker.exists(), "a half-built one is built anew");
    assert!(bench.engine.state().unwrap().contains("venv and pip"));
}

#[test]
fn an_environment_that_cannot_be_built_says_why() {
    let wheels = tempfile::tempdir().unwrap();
    let bench = building(|settings| settings.index = from_wheels(wheels.path()));
    let error = bench.engine.environment("tiny-thing==1.0", None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("tiny-thing==1.0"), "{error:?}");
    let left = fs::read_dir(bench.cache.path().join("envs")).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir());
    assert_eq!(left.count(), 0, "nothing half-built stays");

    let slow = building(|settings| settings.build_timeout = std::time::Duration::from_millis(50));
    assert!(slow.engine.environment("tiny-thing", None).unwrap_err().message().contains("took more than"));
}

#[test]
fn a_model_names_packages_and_nothing_else() {
    let bench = building(|_| {});
    for (line, words) in [
        ("mlflow\n--index-url https://evil.example/simple", "--index-url"),
        ("mlflow @ https://evil.example/mlflow.whl", "evil.example"),
        ("mlflow\n-e .", "-e ."),
        ("numpy", "lacks mlflow"),
    ] {
        let mut files = Files::of(&model("double"));
        files.add("requirements.txt", line.as_bytes().to_vec());
        let error = files.load(&bench.engine).err().unwrap();
        assert_eq!(error.code(), ErrorCode::UnsupportedModel, "{line}");
        assert!(error.message().contains(words) && error.next_step().is_some(), "{error:?}");
    }
    let mut files = Files::of(&model("double"));
    files.files.retain(|file| file.path != "requirements.txt");
    assert!(files.load(&bench.engine).err().unwrap().message().contains("missing"));
    assert!(!bench.cache.path().join("envs").exists(), "nothing was built");
}
