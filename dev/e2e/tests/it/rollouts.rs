//! Rollouts that people start: forward, back, held, in the shadow, beside the old version, through environments.

use serde_json::{Value, json};

use crate::product::{Project, Server};
use crate::serving_load::{Load, all_answered};
use crate::serving_models::{
    Logged, booster_row, last_decision, predict, rollout_is, serve, shares, shares_are, shown, soon,
};

/// A server with two versions of a booster, the first of which has the traffic of `points`.
fn points() -> (Project, Server) {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["booster"]);
    project.done(&["endpoints", "deploy", "points", "booster/1"]);
    (project, server)
}

/// A server with a model in Python that doubles, one that fails and one that triples; the first has the traffic of `times`.
fn times() -> (Project, Server) {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["times"]);
    project.done(&["endpoints", "deploy", "times", "times/1"]);
    (project, server)
}

/// What is in the record about an endpoint, the actions with what they say.
fn audited(project: &Project, endpoint: &str) -> Vec<(String, String)> {
    assert!(project.done(&["audit", "verify"]).contains("the chain is whole"));
    let events = project.json(&["audit", "list"]);
    let resource = format!("endpoint/{endpoint}");
    let own = events.as_array().unwrap().iter().filter(|event| event["resource"] == *resource);
    own.map(|event| (event["action"].as_str().unwrap().to_owned(), event.to_string())).collect()
}

fn has(audited: &[(String, String)], action: &str, holds: &str) -> bool {
    audited.iter().any(|(own, text)| own == action && text.contains(holds))
}

/// The code of the error that a command ends with, and the whole of it.
fn refused(project: &Project, words: &[&str]) -> (String, String) {
    let error = project.refused(words);
    (error["code"].as_str().unwrap().to_owned(), error.to_string())
}

#[test]
fn a_version_that_fails_is_rolled_back_and_the_record_says_why() {
    let (project, server) = times();
    let load = Load::start(&server, "times", &json!({ "x": 2.0 }), 2);
    let plan = ["--steps", "40%", "--bake", "10m", "--every", "200ms", "--abort-if", "error_rate > 5%"];
    project.done(&[&["endpoints", "rollout", "times", "times/2"][..], &plan].concat());
    let ended = rollout_is(&server, "times", "aborted");
    shares_are(&server, "times", &[(1, 1.0)]);
    let decision = last_decision(&ended);
    assert!(decision.starts_with("rolled back: ") && decision.contains("error_rate"), "{decision}");
    let last = load.count();
    soon("more is asked", || (load.count() > last + 50).then_some(()));
    let asked = load.stop();
    let (good, bad): (Vec<_>, Vec<_>) = asked.into_iter().partition(|one| one.status == 200);
    all_answered(&good, &[1]);
    assert!(!bad.is_empty() && bad.iter().all(|one| one.text.contains("the factor is not there")), "{:?}", bad.first());
    let (first, end) = (bad.iter().map(|one| one.from).min().unwrap(), bad.iter().map(|one| one.to).max().unwrap());
    assert!(
        good.iter().any(|one| one.from > end) && good.iter().any(|one| one.to < first),
        "before and after all is well"
    );
    let audited = audited(&project, "times");
    assert!(has(&audited, "rollout.start", r#""version":2"#), "{audited:?}");
    let back = |(action, text): &(String, String)| action.starts_with("rollout") && text.contains("error_rate");
    assert!(audited.iter().any(|one| one.0 == "endpoint.traffic"), "{audited:?}");
    assert!(
        audited.iter().any(|one| one.0 != "rollout.start" && back(one)),
        "nothing says why it went back: {audited:?}"
    );
}

#[test]
fn a_person_holds_a_rollout_takes_it_on_and_ends_it() {
    let (project, server) = points();
    assert_eq!(refused(&project, &["endpoints", "pause", "points"]).0, "not_found");
    let slow = ["--steps", "10%,50%", "--bake", "1h"];
    project.done(&[&["endpoints", "rollout", "points", "booster/2"][..], &slow].concat());
    assert_eq!(shares(&server, "points"), [(1, 0.9), (2, 0.1)]);
    for words in [
        &["endpoints", "rollout", "points", "booster/2"][..],
        &["endpoints", "deploy", "points", "booster/2"],
        &["endpoints", "resume", "points"],
    ] {
        assert_eq!(refused(&project, words).0, "conflict", "{words:?}");
    }
    let paused = project.done(&["endpoints", "pause", "points", "--reason", "lunch"]);
    assert!(paused.contains("is paused: paused: lunch"), "{paused}");
    assert_eq!(refused(&project, &["endpoints", "pause", "points"]).0, "conflict");
    let resumed = project.done(&["endpoints", "resume", "points"]);
    assert!(resumed.contains("is running: resumed"), "{resumed}");
    let promoted = project.done(&["endpoints", "promote", "points", "--reason", "it looks well"]);
    assert!(promoted.contains("promoted to 50 %: it looks well"), "{promoted}");
    assert_eq!(shares(&server, "points"), [(1, 0.5), (2, 0.5)]);
    let aborted = project.done(&["endpoints", "abort", "points", "--reason", "a complaint"]);
    assert!(aborted.contains("is aborted: rolled back: a complaint"), "{aborted}");
    assert_eq!(shares(&server, "points"), [(1, 1.0)]);
    for word in ["pause", "resume", "promote", "abort"] {
        assert_eq!(refused(&project, &["endpoints", word, "points"]).0, "not_found");
    }

    project.done(&[&["endpoints", "rollout", "points", "booster/2"][..], &slow].concat());
    project.done(&["endpoints", "promote", "points"]);
    project.done(&["endpoints", "promote", "points"]);
    assert_eq!(shares(&server, "points"), [(2, 1.0)]);
    assert_eq!(shown(&server, "points")["rollouts"][0]["state"], "succeeded");
    assert_eq!(refused(&project, &["endpoints", "rollout", "points", "booster/2"]).0, "conflict", "it has it all");
    let audited = audited(&project, "points");
    for (action, reason) in [
        ("rollout.pause", "lunch"),
        ("rollout.resume", "a person said so"),
        ("rollout.promote", "it looks well"),
        ("rollout.abort", "a complaint"),
    ] {
        assert!(has(&audited, action, reason), "{action}: {audited:?}");
    }
}

#[test]
fn all_traffic_waits_for_approval_where_it_is_asked_for() {
    let (project, server) = points();
    let load = Load::start(&server, "points", &booster_row(), 1);
    let plan = ["--steps", "50%", "--bake", "500ms", "--every", "100ms", "--approval"];
    project.done(&[&["endpoints", "rollout", "points", "booster/2"][..], &plan].concat());
    let waiting = rollout_is(&server, "points", "paused");
    assert!(last_decision(&waiting).contains("waits for approval"), "{waiting}");
    assert_eq!(shares(&server, "points"), [(1, 0.5), (2, 0.5)]);
    let said = project.done(&["endpoints", "promote", "points", "--reason", "agreed"]);
    assert!(said.contains("is succeeded: promoted to 100 %: agreed"), "{said}");
    all_answered(&load.stop(), &[1, 2]);
    assert_eq!(shares(&server, "points"), [(2, 1.0)]);
    // A first version that needs approval gets nothing before.
    project.done(&["endpoints", "rollout", "fresh", "booster/1", "--approval", "--bake", "0s", "--every", "100ms"]);
    let early = predict(&server, "fresh", &booster_row());
    assert_eq!(early.0, 503, "{early:?}");
    soon("it waits", || (shown(&server, "fresh")["rollouts"][0]["state"] == "paused").then_some(()));
    project.done(&["endpoints", "promote", "fresh"]);
    assert_eq!(predict(&server, "fresh", &booster_row()).0, 200);
}

#[test]
fn blue_and_green_stand_beside_each_other_until_all_goes_over_at_once() {
    let (project, server) = points();
    let load = Load::start(&server, "points", &booster_row(), 1);
    let plan = ["--blue-green", "--bake", "2s", "--every", "100ms"];
    let begun = project.done(&[&["endpoints", "rollout", "points", "booster/2"][..], &plan].concat());
    assert!(begun.contains("version 2 is ready beside version 1"), "{begun}");
    assert_eq!(shares(&server, "points"), [(1, 1.0), (2, 0.0)]);
    let body = json!({ "rows": [booster_row()], "version": 2 });
    let (status, answer) = server.post("/api/v1/endpoints/points/predict", &body);
    assert!(status == 200 && answer["predictions"][0]["version"] == 2, "who asks for it gets it: {answer}");
    let ended = rollout_is(&server, "points", "succeeded");
    shares_are(&server, "points", &[(2, 1.0)]);
    let last = load.count();
    soon("more is asked", || (load.count() > last + 20).then_some(()));
    let asked = load.stop();
    all_answered(&asked, &[1, 2]);
    let versions: Vec<i64> = asked.iter().filter_map(|one| one.version).collect();
    assert!(versions.is_sorted() && versions.last() == Some(&2), "one after the other: {ended}");
}

#[test]
fn a_version_that_disagrees_in_the_shadow_waits_for_a_person() {
    let (project, server) = times();
    let load = Load::start(&server, "times", &json!({ "x": 2.0 }), 1);
    let plan = ["--shadow", "100%", "--steps", "50%", "--bake", "2s", "--every", "200ms"];
    let condition = ["--advance-if", "disagreement < 1%"];
    let begun = project.done(&[&["endpoints", "rollout", "times", "times/3"][..], &plan, &condition].concat());
    assert!(begun.contains("version 3 gets copies of 100 % of the requests"), "{begun}");
    let paused = rollout_is(&server, "times", "paused");
    let asked = load.stop();
    all_answered(&asked, &[1]);
    assert!(asked.iter().all(|one| one.text.contains(r#""prediction":4.0"#)), "copies are never the answer");
    let decision = paused["decisions"].as_array().unwrap().last().unwrap().clone();
    assert!(decision["text"].as_str().unwrap().contains("inconclusive: disagreement"), "{decision}");
    let agreement = &decision["observed"]["agreement"];
    assert!(agreement["compared"].as_u64() >= Some(10), "{agreement}");
    assert_eq!(agreement["compared"], agreement["disagreed"], "{agreement}");
    project.done(&["endpoints", "abort", "times"]);
    assert_eq!(shares(&server, "times"), [(1, 1.0)]);

    // A copy that fails is no harm to those who ask, and no agreement either.
    project.done(&["endpoints", "deploy", "times", "times/1", "--shadow", "times/2=100"]);
    for _ in 0..20 {
        let (status, answer) = predict(&server, "times", &json!({ "x": 2.0 }));
        assert!(status == 200 && answer["predictions"][0]["version"] == 1, "{answer}");
    }
    let shown = shown(&server, "times");
    let dark = shown["endpoint"]["revisions"].as_array().unwrap().iter().find(|one| one["revision"]["version"] == 2);
    assert_eq!(dark.unwrap()["mirrored"], 1.0, "{shown}");
}

#[test]
fn headers_choose_a_version_and_keep_callers_with_theirs() {
    let (project, server) = points();
    project.done(&["endpoints", "deploy", "points", "booster/1=50", "booster/2=50"]);
    let routes = r#"routes=[{"header":"x-beta","value":"yes","version":2},{"header":"x-gone","version":9}]"#;
    project.done(&["endpoints", "configure", "points", "key_header=x-user", routes]);
    let by = |headers: &[(&str, &str)]| {
        let (status, answer) =
            server.post_with("/api/v1/endpoints/points/predict", headers, &json!({ "rows": [booster_row()] }));
        assert_eq!(status, 200, "{answer}");
        answer["predictions"][0]["version"].as_i64().unwrap()
    };
    let mut first = Vec::new();
    for user in 0..40 {
        let name = format!("user-{user}");
        let own = by(&[("x-user", &name)]);
        for _ in 0..3 {
            assert_eq!(by(&[("x-user", &name)]), own, "{name} stays");
        }
        assert_eq!(by(&[("x-user", &name), ("x-beta", "yes")]), 2, "the rule comes first");
        assert_eq!(by(&[("x-user", &name), ("x-beta", "no"), ("x-gone", "1")]), own, "a rule that does not fit");
        first.push(own);
    }
    assert!(first.contains(&1) && first.contains(&2), "{first:?}");
    // The protocols agree on who that is.
    let tensor = |name: &str, value: f64| json!({ "name": name, "shape": [1], "datatype": "FP64", "data": [value] });
    let inputs = json!({ "inputs": [tensor("a", 0.5), tensor("b", -1.0), tensor("c", 0.25), tensor("d", 2.0)] });
    for (user, own) in first.iter().enumerate() {
        let name = format!("user-{user}");
        let (status, answer) = server.post_with("/v2/models/points/infer", &[("x-user", &name)], &inputs);
        let version = answer["model_version"].as_str().and_then(|text| text.parse::<i64>().ok());
        assert!(status == 200 && version == Some(*own), "{name}: {answer}");
    }
    // A version whose share grows keeps those who had it.
    project.done(&["endpoints", "deploy", "points", "booster/1=30", "booster/2=70"]);
    for (user, _) in first.iter().enumerate().filter(|(_, own)| **own == 2) {
        assert_eq!(by(&[("x-user", &format!("user-{user}"))]), 2, "user-{user}");
    }
}

#[test]
fn environments_refuse_what_is_not_proven_and_admit_what_is() {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["booster"]);
    project.done(&["endpoints", "deploy", "trial", "booster/1"]);
    project.done(&["endpoints", "promote-version", "trial", "stage", "--environment", "staging"]);
    let rules = ["--after", "staging", "--soak", "2s", "--fewest-requests", "5", "--most-errors", "1%", "--approval"];
    project.done(&[&["environments", "rules", "production"][..], &rules].concat());
    let listed = project.json(&["environments", "list"]);
    let of = |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!(of("staging")["endpoints"], json!(["stage"]), "{listed}");
    assert_eq!(of("production")["rules"]["after"], "staging", "{listed}");

    // The second version serves nowhere, the first one was not asked.
    let (code, told) = refused(&project, &["endpoints", "deploy", "live", "booster/2"]);
    assert!(code == "conflict" && told.contains("does not serve in staging"), "{told}");
    let promote = ["endpoints", "promote-version", "stage", "live", "--bake", "0s", "--every", "100ms"];
    let (code, told) = refused(&project, &promote);
    assert!(
        code == "conflict" && (told.contains("requests in staging") || told.contains("served in staging")),
        "{told}"
    );
    for _ in 0..5 {
        assert_eq!(predict(&server, "stage", &booster_row()).0, 200);
    }
    let admitted = || project.run(&promote).code == Some(0);
    soon("what served long enough is admitted", || admitted().then_some(()));
    // It is admitted, and waits for somebody who agrees.
    soon("it waits for approval", || (shown(&server, "live")["rollouts"][0]["state"] == "paused").then_some(()));
    assert_eq!(predict(&server, "live", &booster_row()).0, 503);
    project.done(&["endpoints", "promote", "live", "--reason", "agreed"]);
    let (status, answer) = predict(&server, "live", &booster_row());
    assert!(status == 200 && answer["predictions"][0]["version"] == 1, "{answer}");
    for (words, wanted) in [
        (&["environments", "rules", "production", "--soak", "1h"][..], "after"),
        (&["environments", "rules", "production", "--after", "production"], "itself"),
        (&["environments", "rules", "production", "--after", "staging", "--most-errors", "150%"], "share"),
    ] {
        let (code, told) = refused(&project, words);
        assert!(code == "invalid_input" && told.contains(wanted), "{words:?}: {told}");
    }
    // The same booster as a Python function runs code of its own.
    project.done(&["environments", "rules", "production", "--refuse-code"]);
    let (code, told) = refused(&project, &["endpoints", "deploy", "coded", "booster/1", "--format", "pyfunc"]);
    assert!(code == "conflict" && told.contains("run code of their own"), "{told}");
}

#[test]
fn versions_are_compared_by_what_really_happened() {
    let project = Project::new();
    let server = serve(&project, &[]);
    let logged = Logged::at(&server, &["booster"]);
    project.done(&["endpoints", "deploy", "points", "booster/1=60", "booster/2=40"]);
    let rows = logged.rows("booster", 1);
    let (mut asked, mut truths) = ([0u64; 2], Vec::new());
    for round in 0..20 {
        let keys: Vec<String> = (0..rows.len()).map(|row| format!("k-{round}-{row}")).collect();
        let (status, answer) = server.post("/api/v1/endpoints/points/predict", &json!({ "rows": rows, "keys": keys }));
        assert_eq!(status, 200, "{answer}");
        for (key, said) in keys.iter().zip(answer["predictions"].as_array().unwrap()) {
            let version = said["version"].as_u64().unwrap();
            asked[version as usize - 1] += 1;
            // The first version is always right, the second one never.
            let other = if said["prediction"] == "1" { "0" } else { "1" };
            let value = if version == 1 { said["prediction"].clone() } else { json!(other) };
            truths.push(json!({ "key": key, "value": value }));
        }
    }
    let (status, told) = server.post("/api/v1/endpoints/points/ground-truth", &json!({ "truths": truths }));
    assert!(status == 200 && told["changed"] == 400, "{told}");
    let compared = soon("all is recorded", || {
        let compared = project.json(&["endpoints", "compare", "points"]);
        let labelled: u64 = compared["versions"].as_array()?.iter().filter_map(|one| one["labelled"].as_u64()).sum();
        (labelled == 400).then_some(compared)
    });
    let [first, second] = [&compared["versions"][0], &compared["versions"][1]];
    assert_eq!((first["version"].as_i64(), second["version"].as_i64()), (Some(1), Some(2)), "{compared}");
    for (one, wanted) in [(first, asked[0]), (second, asked[1])] {
        assert_eq!(one["predictions"], wanted, "{one}");
        assert_eq!((one["errors"].as_u64(), one["labelled"].as_u64()), (Some(0), Some(wanted)), "{one}");
    }
    assert_eq!((first["accuracy"].as_f64(), second["accuracy"].as_f64()), (Some(1.0), Some(0.0)), "{compared}");
    let tested = |metric: &str| -> Value {
        let differences = second["differences"].as_array().unwrap();
        differences.iter().find(|one| one["metric"] == metric).cloned().unwrap_or_default()
    };
    assert_eq!(tested("accuracy")["significant"], true, "{compared}");
    assert!(tested("accuracy")["difference"].as_f64().unwrap() < -0.99, "{compared}");
    let text = project.done(&["endpoints", "compare", "points", "--hours", "1"]);
    assert!(text.contains("booster/1: ") && text.contains("differs"), "{text}");
    assert_eq!(refused(&project, &["endpoints", "compare", "nobody"]).0, "not_found");
}

#[test]
fn settings_and_plans_that_make_no_sense_are_refused_by_name() {
    let (project, server) = points();
    for (change, wanted) in [
        ("capture.share=2", "capture.share"),
        ("capture.retention_days=0", "retention_days"),
        ("timeout_ms=0", "timeout_ms"),
        ("timeout_ms=soon", "soon"),
        ("timeout=5", "timeout"),
        ("key_header=a b", "key_header"),
        ("routes=[{\"header\":\"x\"}]", "version"),
        ("dynamic_batching={\"max_batch_size\":1,\"max_queue_delay_microseconds\":10}", "dynamic_batching"),
        ("columns.nothing.min=1", "columns.nothing"),
        ("columns.a={\"min\":2,\"max\":1}", "columns.a"),
        ("columns.a.categories=[\"x\"]", "columns.a"),
        ("columns.a.otherwise=guess", "guess"),
        ("pinned", "KEY=VALUE"),
    ] {
        let (code, told) = refused(&project, &["endpoints", "configure", "points", change]);
        assert!(code == "invalid_input" && told.contains(wanted), "{change}: {told}");
    }
    assert_eq!(project.json(&["endpoints", "configure", "points"]), json!({}), "nothing was changed");
    assert_eq!(refused(&project, &["endpoints", "configure", "nobody", "pinned=true"]).0, "not_found");
    let set = project.json(&["endpoints", "configure", "points", "columns.a.max=1", "timeout_ms=500", "pinned=true"]);
    assert_eq!(
        set,
        json!({ "timeout_ms": 500, "pinned": true, "columns": { "a": { "max": 1.0, "otherwise": "reject" } } })
    );
    let (status, answer) = predict(&server, "points", &json!({ "a": 1.5, "b": 0, "c": 0, "d": 0 }));
    assert!(status == 400 && answer.to_string().contains("out of range"), "{answer}");
    assert_eq!(predict(&server, "points", &json!({ "a": 0.5, "b": 0, "c": 0, "d": 0 })).0, 200);
    assert_eq!(project.json(&["endpoints", "configure", "points", "columns=", "timeout_ms=", "pinned="]), json!({}));

    let rollout =
        |options: &[&str]| refused(&project, &[&["endpoints", "rollout", "points", "booster/2"], options].concat());
    for (options, wanted) in [
        (&["--steps", "50%,10%"][..], "steps"),
        (&["--steps", "150%"], "150%"),
        (&["--abort-if", "error_rate >"], "error_rate >"),
        (&["--advance-if", "nonsense < 1"], "nonsense"),
        // Nobody knows this of a version that serves, so it would never hold.
        (&["--abort-if", "auc > 1"], "auc"),
    ] {
        let (code, told) = rollout(options);
        assert!(code.starts_with("invalid") && told.contains(wanted), "{options:?}: {told}");
    }
    assert_eq!(refused(&project, &["endpoints", "rollout", "points", "booster/9"]).0, "not_found");
    assert_eq!(shown(&server, "points")["rollouts"].as_array().map(Vec::len), Some(0), "nothing was begun");
}
