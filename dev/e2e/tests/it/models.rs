//! Models of every flavour, as the stock client logs them: deployed, asked, and kept from harming others.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::product::{Ended, Project, Server, python, root};
use crate::serving_load::{Load, all_answered};
use crate::serving_models::{Logged, booster_row, predict, rollout_is, serve, shares_are, shown, soon};

/// Models that are right, one of each flavour.
const FLAVOURS: [&str; 5] = ["pipeline", "booster", "light", "network", "frames"];

/// The error of an answer of our API, with its next step.
fn error(answer: &Value) -> String {
    let error = &answer["error"];
    format!("{} ({})", error["message"].as_str().unwrap_or_default(), error["hint"].as_str().unwrap_or_default())
}

#[test]
fn models_of_every_flavour_answer_as_in_python_through_every_protocol() {
    let project = Project::new();
    let server = serve(&project, &[]);
    let logged = Logged::at(&server, &FLAVOURS);
    for (model, version) in logged.versions() {
        let endpoint = format!("{model}-{version}");
        let deployed = project.done(&["endpoints", "deploy", &endpoint, &format!("{model}/{version}")]);
        assert!(deployed.contains(&format!("endpoint {endpoint} is ready")), "{deployed}");
    }
    project.write("logged.json", &logged.text);
    let mut command = Command::new(python());
    command.arg(root().join("dev/conformance/oip/tensor_clients.py"));
    command.arg(server.address.trim_start_matches("http://")).arg(project.path().join("logged.json"));
    let ended = Ended::of(&mut command);
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "all of it"), "{}", ended.stderr);
}

#[test]
fn rows_are_predicted_as_in_python_in_whatever_form_a_model_is_loaded() {
    let project = Project::new();
    let server = serve(&project, &[]);
    let logged = Logged::at(&server, &["booster", "frames"]);
    project.done(&["endpoints", "deploy", "native", "booster/2"]);
    project.done(&["endpoints", "deploy", "python", "booster/2", "--format", "pyfunc"]);
    let (rows, probabilities) = (logged.rows("booster", 2), logged.numbers("booster", 2, "probabilities"));
    let body = json!({ "rows": rows });
    let (status, native) = server.post("/api/v1/endpoints/native/predict", &body);
    assert_eq!(status, 200, "{native}");
    let (status, python) = server.post("/api/v1/endpoints/python/predict", &body);
    assert_eq!(status, 200, "{python}");
    for (place, right) in probabilities.chunks_exact(2).enumerate() {
        let said = &native["predictions"][place];
        assert!((said["probability_1"].as_f64().unwrap() - right[1]).abs() < 1e-6, "{said} {right:?}");
        // MLflow's Python function of a booster says the label.
        let label = python["predictions"][place]["prediction"].as_f64().unwrap();
        assert_eq!(said["prediction"], format!("{label:.0}"), "{said} {right:?}");
    }
    assert_eq!(
        project.refused(&["endpoints", "deploy", "other", "booster/2", "--format", "onnx"])["code"],
        "unsupported_model"
    );
    let csv = |rows: &[Value]| {
        let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string().replace("null", ""), str::to_owned);
        let line = |row: &Value| names.iter().map(|name| cell(&row[*name])).collect::<Vec<_>>().join(",");
        let head = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
        format!("{head}\n{}\n", rows.iter().map(line).collect::<Vec<_>>().join("\n"))
    };
    project.write("data/points.csv", &csv(&rows));
    let done = project.done(&["predict", "native", "data/points.csv", "--into", "scored"]);
    assert!(done.contains("20 rows are predicted: dataset scored, version 1"), "{done}");
    project.done(&["endpoints", "deploy", "table", "frames/1"]);
    project.write("data/words.csv", &csv(&logged.rows("frames", 1)));
    let made = project.json(&["predict", "table", "data/words.csv", "--into", "told"]);
    assert_eq!(made["rows"], 20, "{made}");
    assert_eq!(project.refused(&["predict", "table", "data/points.csv", "--into", "no"])["code"], "invalid_input");
    assert_eq!(project.refused(&["predict", "nobody", "data/points.csv", "--into", "no"])["code"], "not_found");
}

#[test]
fn engines_say_what_they_need_and_what_they_lack() {
    let project = Project::new();
    let python = python();
    let listed = |options: &[&str]| -> Vec<(String, String, String)> {
        let cache = project.path().join("nothing");
        let own = ["engines", "list", "--cache-dir", cache.to_str().unwrap()];
        let all = project.json(&[&own, options].concat());
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let told = |one: &Value| (text(one, "name"), text(one, "state"), text(one, "detail"));
        all.as_array().unwrap().iter().map(told).collect()
    };
    let all = listed(&["--model-python", python.to_str().unwrap()]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all.iter().all(|(_, state, detail)| state == "ready" && !detail.is_empty()), "{all:?}");
    let named = listed(&["--onnxruntime", "/nowhere/libonnxruntime.so"]);
    let onnx = named.iter().find(|(name, ..)| name == "onnxruntime").unwrap();
    assert!(onnx.1 == "missing" && onnx.2.contains("flyball engines install onnxruntime"), "{onnx:?}");
    assert_eq!(listed(&["--no-model-code"]).iter().filter(|(name, ..)| name == "python").count(), 0);
    assert_eq!(project.refused(&["engines", "install", "tensorflow"])["code"], "not_found");
    let missing = project.refused(&["engines", "install", "onnxruntime", "--from", "no.whl"]);
    assert!(missing["message"].as_str().unwrap().contains("no.whl"), "{missing}");
}

#[test]
fn without_a_library_a_network_is_refused_with_the_next_step() {
    let project = Project::new();
    let server = project.serve_with(&["--onnxruntime", "/nowhere/libonnxruntime.so", "--no-model-code"]);
    Logged::at(&server, &["network", "booster", "frames"]);
    project.done(&["endpoints", "deploy", "points", "booster/1"]);
    assert_eq!(predict(&server, "points", &booster_row()).0, 200);
    let refused = project.refused(&["endpoints", "deploy", "sight", "network/1"]);
    assert_eq!(refused["code"], "unsupported_model");
    assert!(refused["hint"].as_str().unwrap().contains("flyball engines install onnxruntime"), "{refused}");
    let refused = project.refused(&["endpoints", "deploy", "table", "frames/1"]);
    assert_eq!(refused["code"], "unsupported_model");
    assert!(refused.to_string().contains("--no-model-code"), "{refused}");
    let refused = project.refused(&["endpoints", "deploy", "slow", "booster/1", "--format", "pyfunc"]);
    assert!(refused.to_string().contains("--no-model-code"), "{refused}");
}

#[test]
fn a_second_version_of_a_booster_takes_over_step_by_step() {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["booster"]);
    project.done(&["endpoints", "deploy", "points", "booster/1"]);
    let load = Load::start(&server, "points", &booster_row(), 2);
    let plan = ["--steps", "20%,60%", "--bake", "1s", "--every", "200ms", "--fewest-requests", "5"];
    let begun = project.done(&[&["endpoints", "rollout", "points", "booster/2"][..], &plan].concat());
    assert!(begun.contains("is running: version 2 gets 20 % of the traffic"), "{begun}");
    let ended = rollout_is(&server, "points", "succeeded");
    shares_are(&server, "points", &[(2, 1.0)]);
    let counts = all_answered(&load.stop(), &[1, 2]);
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
    let told: Vec<u64> =
        ended["decisions"].as_array().unwrap().iter().map(|one| one["share"].as_u64().unwrap()).collect();
    assert_eq!(told, [200, 600, 1000], "{ended}");
    assert_eq!(predict(&server, "points", &booster_row()).1["predictions"][0]["version"], 2);
}

#[test]
fn a_model_that_hangs_dies_or_eats_memory_harms_nobody_else() {
    let project = Project::new();
    let server = serve(&project, &[]);
    let bad = ["sleeper", "leaver", "glutton"];
    Logged::at(&server, &[&["booster"], &bad[..]].concat());
    project.done(&["endpoints", "deploy", "good", "booster/1"]);
    for name in bad {
        project.done(&["endpoints", "deploy", name, &format!("{name}/1")]);
        project.done(&["endpoints", "configure", name, "timeout_ms=2000"]);
        assert_eq!(predict(&server, name, &json!({ "x": 2.5 })).1["predictions"][0]["prediction"], 25.0);
    }
    let load = Load::start(&server, "good", &booster_row(), 1);
    for (name, status, wanted) in
        [("sleeper", 504, "did not answer"), ("leaver", 503, "exit code 1"), ("glutton", 413, "memory")]
    {
        let before = load.count();
        let (got, answer) = predict(&server, name, &json!({ "x": 13.0 }));
        assert!(got == status && error(&answer).contains(wanted), "{name}: {got} {answer}");
        let recovered = || {
            let (status, answer) = predict(&server, name, &json!({ "x": 2.5 }));
            assert!([200, 429, 503, 504].contains(&status), "{name}: {status} {answer}");
            (status == 200).then_some(answer)
        };
        let answer = soon(&format!("{name} recovers"), recovered);
        assert_eq!(answer["predictions"][0]["prediction"], 25.0, "{name}: {answer}");
        soon("the good one answers on", || (load.count() > before + 10).then_some(()));
        let shown = shown(&server, name);
        assert!(shown["endpoint"]["revisions"][0]["errors"].as_u64() >= Some(1), "{shown}");
    }
    all_answered(&load.stop(), &[1]);
}

/// The blobs of a data folder that hold this.
fn blobs(folder: &Path, holds: &dyn Fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(blobs(&path, holds));
        } else if std::fs::read(&path).is_ok_and(|bytes| holds(&bytes)) {
            found.push(path);
        }
    }
    found
}

/// Flips a bit in the largest graph or booster of this form among those that were deployed.
fn damage(project: &Project, form: &str) {
    let folder = project.path().join(".flyball/blobs");
    let manifests = blobs(&folder, &|bytes: &[u8]| bytes.starts_with(br#"{"flyball_package""#));
    let main_size = |path: &PathBuf| {
        let manifest: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let files = manifest["files"].as_array().unwrap();
        let main = files.iter().find(|file| file["path"] == manifest["main"]).unwrap();
        (manifest["format"] == form).then(|| main["size"].as_u64().unwrap())
    };
    let size = manifests.iter().filter_map(main_size).max().unwrap();
    let found = blobs(&folder, &|bytes: &[u8]| bytes.len() as u64 == size);
    let [file] = found.as_slice() else { panic!("{form} of {size} bytes: {found:?}") };
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_noticed_and_others_serve_on() {
    let project = Project::new();
    let server = serve(&project, &[]);
    let logged = Logged::at(&server, &["booster", "network"]);
    for (endpoint, version) in [("small", "booster/1"), ("large", "booster/2"), ("sight", "network/1")] {
        project.done(&["endpoints", "deploy", endpoint, version]);
    }
    let image = logged.of("network", 1)["inputs"].clone();
    assert_eq!(server.post("/v2/models/sight/infer", &json!({ "inputs": image })).0, 200);
    assert_eq!(server.terminate(), Some(0));
    // The second version has three times the trees.
    damage(&project, "xgboost");
    damage(&project, "onnx");

    let server = serve(&project, &[]);
    assert_eq!(predict(&server, "small", &booster_row()).0, 200);
    let (status, refused) = predict(&server, "large", &booster_row());
    assert!(status == 503 && error(&refused).contains("is damaged"), "{status} {refused}");
    assert_eq!(shown(&server, "large")["endpoint"]["state"], "failed");
    let index = server.post("/v2/repository/index", &json!({})).1;
    let own = index.as_array().unwrap().iter().find(|one| one["name"] == "large").unwrap();
    assert!(own["state"] == "UNAVAILABLE" && own["reason"].as_str().unwrap().contains("is damaged"), "{own}");
    assert_eq!(server.get("/v2/models/large/ready").0, 503);
    // Deploying what is whole brings it back.
    project.done(&["endpoints", "deploy", "large", "booster/1"]);
    assert_eq!(predict(&server, "large", &booster_row()).0, 200);
    assert_eq!(predict(&server, "small", &booster_row()).0, 200);
    // More than once, and whatever the engine: who asks is not to blame.
    for _ in 0..3 {
        let (status, refused) = server.post("/v2/models/sight/infer", &json!({ "inputs": image }));
        assert!(status == 503 && refused.to_string().contains("is damaged"), "{status} {refused}");
    }
}

#[test]
fn files_that_are_not_what_they_are_called_are_refused_with_the_reason() {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["disguised"]);
    for (name, wanted) in [("pickle", "pickle"), ("half", "ONNX"), ("nothing", "ONNX")] {
        let refused = project.refused(&["endpoints", "deploy", name, &format!("{name}/1")]);
        let code = refused["code"].as_str().unwrap();
        assert!(["invalid_data", "unsupported_model"].contains(&code), "{name}: {refused}");
        assert!(refused.to_string().contains(wanted), "{name}: {refused}");
        assert_eq!(server.get(&format!("/api/v1/endpoints/{name}")).0, 404, "nothing was made");
    }
    assert_eq!(server.get("/health").0, 200);
}

/// Kilobytes of memory that a process has to itself.
fn resident(server: &Server) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn many_endpoints_of_one_model_share_its_memory() {
    const ENDPOINTS: usize = 200;
    let project = Project::new();
    let server = serve(&project, &[]);
    let logged = Logged::at(&server, &["heavy"]);
    let before_first = resident(&server);
    project.done(&["endpoints", "deploy", "many-0", "heavy/1"]);
    assert_eq!(predict(&server, "many-0", &booster_row()).0, 200);
    let one = resident(&server);
    let parts = json!({ "parts": [{ "model": "heavy", "version": 1, "per_mille": 1000 }] });
    for place in 1..ENDPOINTS {
        let (status, answer) = server.put(&format!("/api/v1/endpoints/many-{place}/traffic"), &parts);
        assert_eq!(status, 200, "{answer}");
    }
    let (rows, right) = (logged.rows("heavy", 1), logged.numbers("heavy", 1, "probabilities"));
    for place in 0..ENDPOINTS {
        let row = place % rows.len();
        let (status, answer) = predict(&server, &format!("many-{place}"), &rows[row]);
        assert_eq!(status, 200, "{answer}");
        let said = answer["predictions"][0]["probability_1"].as_f64().unwrap();
        assert!((said - right[row * 2 + 1]).abs() < 1e-6, "{said} {}", right[row * 2 + 1]);
    }
    // Two hundred copies would take that many times what the first one took, and it is not small.
    let (model, all) = (one.saturating_sub(before_first), resident(&server).saturating_sub(one));
    assert!(model > 4_000, "the model takes {model} kB");
    assert!(all < model * 20, "one endpoint took {model} kB, the others together {all} kB");
}

#[test]
fn models_beyond_the_budget_make_room_for_each_other_and_come_back() {
    let project = Project::new();
    // Two of the three fit into this.
    let server = serve(&project, &["--model-memory", "20"]);
    let logged = Logged::at(&server, &["heavy"]);
    for version in 1..=3 {
        project.done(&["endpoints", "deploy", &format!("heavy-{version}"), &format!("heavy/{version}")]);
    }
    let loaded = || {
        let is_loaded = |version: &i64| {
            shown(&server, &format!("heavy-{version}"))["endpoint"]["revisions"][0]["loaded"].as_bool().unwrap()
        };
        (1..=3).filter(is_loaded).collect::<Vec<i64>>()
    };
    for round in 0..3 {
        for version in 1..=3 {
            let row = &logged.rows("heavy", version)[round];
            let (status, answer) = predict(&server, &format!("heavy-{version}"), row);
            assert_eq!(status, 200, "{answer}");
            let (said, right) = (
                answer["predictions"][0]["probability_1"].as_f64().unwrap(),
                logged.numbers("heavy", version, "probabilities")[round * 2 + 1],
            );
            assert!((said - right).abs() < 1e-6, "{said} {right}");
            let now = loaded();
            assert!(now.contains(&version) && now.len() < 3, "asked {version}, in memory are {now:?}");
        }
    }
    // What is pinned stays.
    project.done(&["endpoints", "configure", "heavy-1", "pinned=true"]);
    assert_eq!(predict(&server, "heavy-1", &booster_row()).0, 200);
    for version in [2, 3, 2] {
        assert_eq!(predict(&server, &format!("heavy-{version}"), &booster_row()).0, 200);
        assert!(loaded().contains(&1), "{:?}", loaded());
    }
}
