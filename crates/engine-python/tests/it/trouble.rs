//! Models that misbehave harm nobody but themselves.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Engine, TensorModel};
use flyball_core::{ErrorCode, Result};

use crate::common::{Bench, ask_within, tell, texts};

/// Asks until the model is ready again.
fn recovered(model: &dyn TensorModel) {
    let mut last = None;
    for _ in 0..600 {
        match tell(model, "nothing") {
            Ok(answer) => return assert_eq!(answer, "done"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
                last = Some(error);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    panic!("it did not come back: {last:?}");
}

/// The processes that run a model of this bench, as the kernel knows them.
fn processes(bench: &Bench) -> Vec<u32> {
    let wanted = fs::canonicalize(bench.cache.path()).unwrap().to_str().unwrap().to_owned();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let ours = |id: &u32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&wanted)
    };
    all.filter(ours).collect()
}

fn sleeper(seconds: &str) -> bool {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .any(|line| line == format!("sleep\0{seconds}\0").into_bytes())
}

fn soon(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{what}");
}

#[test]
fn a_model_that_hangs_is_stopped_and_started_again() {
    let bench = Bench::new();
    let model = bench.load("trouble");
    for action in ["hang", "spin"] {
        let inputs = [texts("do", &[action.as_bytes()])];
        let error = ask_within(&*model, &inputs, Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DeadlineExceeded, "{error:?}");
        soon("the model is not ready", || {
            tell(&*model, "nothing").is_err_and(|error| error.message().contains("not ready"))
                || tell(&*model, "nothing").is_ok()
        });
        recovered(&*model);
    }
    let strict = Bench::with(|settings| settings.deadline = Duration::from_millis(300));
    let model = strict.load("trouble");
    assert_eq!(tell(&*model, "hang").unwrap_err().code(), ErrorCode::DeadlineExceeded);
}

#[test]
fn a_model_that_dies_takes_its_request_only() {
    let bench = Bench::with(|settings| settings.workers = 2);
    let model = bench.load("trouble");
    assert_eq!(model.parallel(), 2);
    soon("the second process is there", || processes(&bench).len() >= 4);
    for (action, words) in [("exit", "exit code 3"), ("segfault", "segmentation fault")] {
        let slow = Arc::clone(&model);
        let other = std::thread::spawn(move || tell(&*slow, "run sleep 0.5"));
        std::thread::sleep(Duration::from_millis(100));
        let error = tell(&*model, action).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
        assert!(error.message().contains(words), "{error:?}");
        assert_eq!(other.join().unwrap().unwrap(), "", "the other one goes on");
        recovered(&*model);
        soon("both are back", || processes(&bench).len() >= 4);
        std::thread::sleep(Duration::from_secs(4));
    }
    let error = tell(&*model, "leave").unwrap_err();
    assert!(error.message().contains("SystemExit"), "{error:?}");
}

#[test]
fn memory_ends_where_the_limit_is() {
    let bench = Bench::with(|settings| settings.memory = 3 << 30);
    let model = bench.load("trouble");
    assert_eq!(tell(&*model, "memory 100000000").map(drop).err().map(|error| error.code()), None);
    let error = tell(&*model, "memory 20000000000").unwrap_err();
    assert_eq!(error.code(), ErrorCode::LimitExceeded, "{error:?}");
    recovered(&*model);
}

#[test]
fn children_of_a_model_end_with_it() {
    let bench = Bench::new();
    let model = bench.load("trouble");
    assert_eq!(tell(&*model, "fork").unwrap(), "done");
    assert_eq!(tell(&*model, "nothing").unwrap(), "done", "one answer for one request");
    let seconds = format!("9{}", std::process::id());
    assert_eq!(tell(&*model, &format!("daemon {seconds}")).unwrap(), "done");
    soon("it runs on behind the request", || sleeper(&seconds));
    assert!(bench.scratch() == 1 && !processes(&bench).is_empty());
    drop(model);
    soon("it is gone", || !sleeper(&seconds) && processes(&bench).is_empty());
    assert_eq!(bench.scratch(), 0);
}

#[test]
fn megabytes_on_the_output_hold_nothing_up() {
    let bench = Bench::new();
    let model = bench.load("trouble");
    for _ in 0..3 {
        assert_eq!(tell(&*model, "print 5000000").unwrap(), "done");
    }
    assert_eq!(tell(&*model, "input").unwrap(), "", "there is nothing to read");
}

#[test]
fn secrets_of_the_server_are_not_there() {
    let canary = std::env::var_os("CARGO_MANIFEST_DIR").expect("the canary: a variable that this process has");
    let bench =
        Bench::with(|settings| settings.index = vec![("PIP_INDEX_URL".into(), "https://u:canary-7@host".into())]);
    let model = bench.load("trouble");
    let seen = tell(&*model, "env").unwrap();
    assert!(!seen.contains(canary.to_str().unwrap()) && !seen.contains("canary-7") && !seen.contains("PIP_"), "{seen}");
    let seen: std::collections::BTreeMap<String, String> = serde_json::from_str(&seen).unwrap();
    let allowed = [
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "DO_NOT_TRACK",
        "MLFLOW_DISABLE_TELEMETRY",
        "GIT_PYTHON_REFRESH",
        "LC_CTYPE",
    ];
    let others: Vec<&String> =
        seen.keys().filter(|name| !allowed.contains(&name.as_str()) && name.starts_with(|c: char| c != '_')).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(seen["HOME"].contains("scratch"));
    let walls = bench.engine.state().unwrap();
    let environment = tell(&*model, &format!("read /proc/{}/environ", std::process::id())).unwrap();
    if walls.contains("pid") || walls.contains("landlock") {
        assert!(environment.contains("Error"), "{environment}");
    }
}

#[test]
fn the_walls_hold_where_there_are_any() {
    let bench = Bench::new();
    let walls = bench.engine.state().unwrap();
    let model = bench.load("trouble");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let network = tell(&*model, &format!("network {}", server.local_addr().unwrap())).unwrap();
    if walls.contains("net") {
        assert!(network.contains("Error"), "{network}");
        assert_eq!(tell(&*model, "local").unwrap(), "True", "a network of only itself");
    }
    let scratch = tell(&*model, "scratch").unwrap();
    assert!(Path::new(&scratch).join("here").exists() || walls.contains("mount"), "{scratch}");
    let status = tell(&*model, "status").unwrap();
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("CapEff:\t0000000000000000"), "{status}");
    if walls.contains("landlock") {
        let secret = bench.cache.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        for action in ["read", "write"] {
            let tried = tell(&*model, &format!("{action} {}", secret.display())).unwrap();
            assert!(tried.contains("PermissionError"), "{action}: {tried}");
        }
        let tried = tell(&*model, "read /etc/shadow").unwrap();
        assert!(tried.contains("Error"), "{tried}");
        let tried = tell(&*model, "run cat /etc/hostname").unwrap();
        assert!(tried.contains("Error"), "also for what it starts: {tried}");
        assert_eq!(tell(&*model, "run uname").unwrap(), "Linux\n");
    }
    if walls.contains("pid") {
        for id in processes(&bench) {
            assert!(tell(&*model, &format!("kill {id}")).unwrap().contains("Error"), "it does not see others");
        }
        assert_eq!(tell(&*model, "nothing").unwrap(), "done");
    }
    let open = Bench::with(|settings| settings.network = true);
    let model = open.load("trouble");
    let network = tell(&*model, &format!("network {}", server.local_addr().unwrap())).unwrap();
    assert!(network.contains("socket"), "{network}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "somebody else ends a process")]
fn a_process_that_is_killed_from_outside_comes_back() {
    let bench = Bench::new();
    let model = bench.load("trouble");
    for id in processes(&bench) {
        std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
    }
    let answer = tell(&*model, "nothing");
    assert!(answer.as_ref().map_or_else(|error| error.code() == ErrorCode::Unavailable, |_| false), "{answer:?}");
    recovered(&*model);
    soon("the old ones left nothing behind", || bench.scratch() == 1);
}

#[test]
fn what_a_killed_server_left_is_removed() {
    let bench = Bench::new();
    let scratch = bench.cache.path().join("scratch");
    for name in ["worker-old", "worker-new", "worker-held"] {
        fs::create_dir_all(scratch.join(name)).unwrap();
        fs::write(scratch.join(name).join("file"), "x").unwrap();
        if name != "worker-new" {
            let hour = std::time::UNIX_EPOCH + Duration::from_secs(3600);
            fs::File::open(scratch.join(name)).unwrap().set_modified(hour).unwrap();
        }
    }
    let held = fs::File::open(scratch.join("worker-held")).unwrap();
    held.lock().unwrap();
    let model = bench.load("trouble");
    assert!(!scratch.join("worker-old").exists());
    assert!(scratch.join("worker-new").exists() && scratch.join("worker-held").exists());
    drop(model);
    assert_eq!(bench.scratch(), 2);
}

#[test]
fn requests_wait_for_their_turn_but_not_for_ever() {
    let bench = Bench::new();
    let model = bench.load("trouble");
    let answers: Vec<Result<String>> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| tell(&*model, "run sleep 0.2"));
        let threads: Vec<_> = (0..4).map(|_| ask()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    std::thread::scope(|scope| {
        scope.spawn(|| tell(&*model, "run sleep 1").unwrap());
        std::thread::sleep(Duration::from_millis(200));
        let inputs = [texts("do", &[b"nothing"])];
        let error = ask_within(&*model, &inputs, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Overloaded, "{error:?}");
    });
}

#[test]
fn an_idle_model_sleeps_until_it_is_needed() {
    let bench = Bench::with(|settings| settings.idle_after = Some(Duration::from_millis(400)));
    let model = bench.load("trouble");
    assert!(tell(&*model, "nothing").is_ok());
    assert!(model.memory_bytes() > 0);
    soon("it went to sleep", || processes(&bench).is_empty());
    soon("nothing is left", || model.memory_bytes() == 0 && bench.scratch() == 0);
    let answers: Vec<Result<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| tell(&*model, "run sleep 0.6"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
