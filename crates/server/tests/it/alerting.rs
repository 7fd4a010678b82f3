//! Alerts through the API and the pages: what people do with them, who is told, and what Prometheus sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flyball_core::{Error, Timestamp};
use flyball_governance::identity;
use flyball_jobs::Runner;
use flyball_monitoring::WindowReport;
use flyball_monitoring::alert::{AlertKind, AlertPolicy, AlertSettings, Finding, Severity, settings, store};
use flyball_monitoring::notify::{Destination, Route};
use flyball_monitoring::store::{Judged, keep};
use flyball_testkit::Receiver;
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer};
use crate::observed::parse;

const CANARY: &str = "canary-51c0";

fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> Answer {
    let builder = Request::builder().method(method).uri(path).header("host", "localhost:5050");
    server.send(builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap())
}

fn good(server: &TestServer, method: Method, path: &str, body: &Value) -> Value {
    let answer = call(server, method, path, body);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

/// A server with a loop whose alerts go to a webhook.
fn with_loop(url: &str) -> TestServer {
    let server = TestServer::new();
    let to = format!("{url}/${{{{ secrets.HOOK }}}}").parse().unwrap();
    let route = Route {
        name: "slack".into(),
        destination: Destination::Slack { to },
        severity: Severity::Info,
        after: flyball_core::Duration::ZERO,
    };
    let settings = AlertSettings { policy: AlertPolicy::default(), routes: vec![route] };
    let permit = identity::local_user().unwrap().edit();
    server.app.platform.db.write(move |tx| settings::declare(tx, &permit, "flights", &settings)).unwrap();
    server
}

fn find(server: &TestServer, kind: AlertKind, summary: &str) -> String {
    let (permit, now) = (identity::local_user().unwrap().edit(), server.app.platform.clock.now());
    let finding = Finding::new(kind, true, summary, json!({ "rows": 900, "diagnosis": "the source changed" }));
    let work = move |tx: &mut flyball_store::Tx<'_>| {
        store::apply(tx, &permit, "flights", &finding, now)?;
        let alerts = store::alerts(tx, &permit.read(), None, 10)?;
        let alert = alerts.into_iter().find(|alert| alert.kind == kind);
        alert.map(|alert| alert.id).ok_or_else(|| Error::internal("no alert"))
    };
    server.app.platform.db.write(work).unwrap()
}

fn deliver(server: &TestServer) {
    let notifier = server.app.notifier.clone().unwrap();
    Runner::new(server.app.jobs.clone(), vec![Arc::new(notifier)]).run_due().unwrap();
}

#[test]
fn an_alert_is_told_taken_on_silenced_and_resolved() {
    let receiver = Receiver::answering(&["200 OK"]);
    let server = with_loop(&receiver.url);
    good(&server, Method::PUT, "/api/v1/secrets/HOOK", &json!({ "value": CANARY }));
    let listed = server.get("/api/v1/secrets");
    assert!(listed.text.contains("HOOK") && !listed.text.contains(CANARY));
    let routes = server.get("/api/v1/notification-routes").json();
    assert_eq!((&routes[0]["loop"], &routes[0]["destination"]["dialect"]), (&json!("flights"), &json!("slack")));
    assert!(routes[0]["destination"]["to"].as_str().unwrap().ends_with("${{ secrets.HOOK }}"));
    let tried = good(&server, Method::POST, "/api/v1/notification-routes/flights/slack/test", &json!({}));
    assert_eq!(tried, json!({ "success": true, "status": 200, "error": null }));
    assert!(receiver.next().head.contains(CANARY));

    let id = find(&server, AlertKind::Performance, "auc is <0.5>");
    deliver(&server);
    assert!(receiver.next().body.contains("auc is"));
    let path = format!("/api/v1/alerts/{id}");
    let shown = server.get(&path).json();
    assert_eq!((&shown["alert"]["state"], &shown["labels"]["kind"]), (&json!("firing"), &json!("performance")));
    assert_eq!(shown["notifications"][0]["state"], "succeeded");
    let page = server.get(&format!("/alerts/{id}"));
    assert!(page.text.contains("Take it on") && page.text.contains("the source changed"), "{}", page.text);
    assert!(page.text.contains("auc is &#60;0.5&#62;") && !page.text.contains(CANARY));
    assert!(server.get("/alerts").text.contains(&format!("/alerts/{id}")));

    let taken = good(&server, Method::POST, &format!("{path}/acknowledge"), &json!({ "note": "at it" }));
    assert_eq!(taken["state"], "acknowledged");
    assert_eq!(call(&server, Method::POST, &format!("{path}/acknowledge"), &json!({})).status, StatusCode::CONFLICT);
    deliver(&server);
    assert!(receiver.next().body.contains("ACKNOWLEDGED"));
    assert_eq!(good(&server, Method::POST, &format!("{path}/resolve"), &json!({}))["state"], "resolved");
    assert_eq!(server.get("/api/v1/alerts?state=firing").json(), json!([]));
    let history: Vec<Value> =
        server.get(&path).json()["history"].as_array().unwrap().iter().map(|step| step["state"].clone()).collect();
    assert_eq!(history, ["firing", "acknowledged", "resolved"]);
    assert!(server.get("/api/v1/notifications?loop=flights").json().as_array().unwrap().len() >= 2);
    assert_eq!(call(&server, Method::DELETE, "/api/v1/secrets/HOOK", &json!({})).status, StatusCode::OK);
    for (method, path) in [(Method::GET, "/api/v1/alerts/x"), (Method::DELETE, "/api/v1/secrets/NO")] {
        assert_eq!(call(&server, method, path, &json!({})).status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(server.get("/alerts/alt_nothing").status, StatusCode::NOT_FOUND);
}

#[test]
fn buttons_work_without_scripts() {
    let server = with_loop("http://127.0.0.1:1");
    let id = find(&server, AlertKind::Drift, "2 columns drifted");
    let press = |decision: &str, body: &str| {
        let request = Request::builder().method(Method::POST).uri(format!("/alerts/{id}/{decision}"));
        let request = request.header("host", "localhost:5050").header("origin", "http://localhost:5050");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        server.send(request.body(Body::from(body.to_owned())).unwrap())
    };
    let silenced = press("silence", "hours=2&note=we+deploy");
    assert_eq!(
        (silenced.status, silenced.headers["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, &*format!("/alerts/{id}"))
    );
    let page = server.get(&format!("/alerts/{id}"));
    assert!(page.text.contains("silenced until") && !page.text.contains(">Silence<"), "{}", page.text);
    assert_eq!(server.get("/api/v1/silences").json()[0]["comment"], "we deploy");
    assert_eq!(press("silence", "hours=9999").status, StatusCode::BAD_REQUEST);
    assert_eq!(press("acknowledge", "").status, StatusCode::SEE_OTHER);
    assert_eq!(press("acknowledge", "").status, StatusCode::CONFLICT);
    assert_eq!(press("explode", "").status, StatusCode::NOT_FOUND);
    let foreign = Request::builder().method(Method::POST).uri(format!("/alerts/{id}/resolve"));
    let foreign = foreign.header("host", "localhost:5050").header("origin", "http://evil.example");
    assert_eq!(server.send(foreign.body(Body::empty()).unwrap()).status, StatusCode::FORBIDDEN);
    assert_eq!(press("resolve", "note=done").status, StatusCode::SEE_OTHER);
    assert!(server.get(&format!("/alerts/{id}")).text.contains("resolved"));
}

#[test]
fn silences_are_made_listed_and_ended() {
    let server = with_loop("http://127.0.0.1:1");
    let body = json!({ "matchers": ["kind=drift", "loop=~fl.*"], "lasts": "8h", "comment": "new upstream" });
    let made = good(&server, Method::POST, "/api/v1/silences", &body);
    assert_eq!(made["matchers"], json!(["kind=\"drift\"", "loop=~\"fl.*\""]));
    let weekly = json!({
        "matchers": ["kind=drift"], "starts_at": "2999-01-04T02:00:00Z", "lasts": "2h", "every": "7d", "comment": "batch",
    });
    good(&server, Method::POST, "/api/v1/silences", &weekly);
    let states: Vec<Value> =
        server.get("/api/v1/silences").json().as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert!(states.contains(&json!("active")) && states.contains(&json!("waiting")), "{states:?}");
    let one = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&server, Method::DELETE, &one, &json!({})).status, StatusCode::OK);
    assert_eq!(call(&server, Method::DELETE, &one, &json!({})).status, StatusCode::CONFLICT);
    for bad in [
        json!({ "matchers": [], "lasts": "8h", "comment": "x" }),
        json!({ "matchers": ["kind"], "lasts": "8h", "comment": "x" }),
        json!({ "matchers": ["kind=a"], "comment": "x" }),
        json!({ "matchers": ["kind=a"], "lasts": "8h", "comment": " " }),
        json!({ "matchers": ["kind=a"], "lasts": "8h", "every": "1h", "comment": "x" }),
        json!({ "matchers": ["kind=a"], "ends_at": "2001-01-01", "comment": "x" }),
    ] {
        assert_eq!(call(&server, Method::POST, "/api/v1/silences", &bad).status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

fn window(features: usize) -> WindowReport {
    let column = |number: usize| {
        serde_json::from_value(json!({
            "column": format!("f\"{number}"), "p_value": 0.5, "adjusted_p": 0.5, "effect": number as f64 / 1e4,
            "effect_name": "D", "alarm": false,
        }))
    };
    let measure = serde_json::from_value(json!({ "value": 0.71, "rows": 300 })).unwrap();
    WindowReport {
        rows: 400,
        labelled: 300,
        versions: [("flights/3".to_owned(), 390), ("flights/2".to_owned(), 10)].into(),
        columns: (0..features).map(column).collect::<Result<_, _>>().unwrap(),
        quality: (0..features).map(|number| (format!("f{number}"), Default::default())).collect(),
        performance: [("auc".to_owned(), measure)].into(),
        note: None,
        ..WindowReport::silent((Timestamp(0), Timestamp(86_400_000)), BTreeMap::new())
    }
}

#[test]
fn prometheus_sees_the_newest_window_within_limits() {
    let server = with_loop("http://127.0.0.1:1");
    let judged = Judged { report: window(1000), seen_rows: 400, last_sequence: 1, sketches: Vec::new() };
    let permit = identity::local_user().unwrap().edit();
    server.app.platform.db.write(move |tx| keep(tx, &permit, "flights", &judged, Timestamp(90_000_500))).unwrap();
    find(&server, AlertKind::Drift, "drift");
    let text = server.get("/metrics").text;
    let samples = parse(&text);
    let of = |name: &str| samples.iter().filter(|sample| sample.name == name).collect::<Vec<_>>();
    let scores = of("ml_feature_drift_score");
    assert_eq!(scores.len(), 200, "those that drifted most");
    assert_eq!((scores[0].label("feature"), scores[0].value), (Some("f\"999"), 0.0999));
    for (label, value) in [
        ("model", "flights"),
        ("version", "3"),
        ("method", "kolmogorov_smirnov"),
        ("baseline", "training"),
        ("slice", ""),
    ] {
        assert_eq!(scores[0].label(label), Some(value));
    }
    assert_eq!(of("flyball_metrics_features_omitted")[0].value, 1600.0);
    assert_eq!((of("ml_feature_drift_pvalue").len(), of("ml_feature_missing_ratio").len()), (200, 200));
    let metric = &of("ml_model_metric")[0];
    assert_eq!((metric.label("metric"), metric.label("kind"), metric.value), (Some("auc"), Some("realized"), 0.71));
    assert_eq!(of("ml_label_coverage_ratio")[0].value, 0.75);
    assert_eq!(of("ml_monitor_last_success_timestamp_seconds")[0].value, 90_000.5);
    let firing = &of("ml_alerts_firing")[0];
    assert_eq!((firing.label("kind"), firing.label("severity"), firing.value), (Some("drift"), Some("warning"), 1.0));
    assert!(of("ml_predictions_total").len() >= 2 && !of("ml_prediction_latency_seconds_bucket").is_empty());
}
