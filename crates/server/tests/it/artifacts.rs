//! Artifacts through the MLflow protocol.

use std::io;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use flyball_core::Digest;
use futures::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fixture::{TestServer, request};

const TREE: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// What came back; the body is an error when it broke off.
struct Raw {
    status: StatusCode,
    headers: HeaderMap,
    body: Result<Bytes, String>,
}

impl Raw {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn send(server: &TestServer, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Raw {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:5050");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body).unwrap();
    server.runtime.block_on(async {
        let (head, body) = server.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string());
        Raw { status: head.status, headers: head.headers, body }
    })
}

fn put(server: &TestServer, path: &str, content: impl Into<Body>) -> StatusCode {
    send(server, Method::PUT, &format!("{TREE}/{path}"), &[], content.into()).status
}

fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Raw {
    send(server, Method::GET, &format!("{TREE}/{path}"), headers, Body::empty())
}

/// Everything in the tree, as paths with sizes.
fn tree(server: &TestServer) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let query: String = form_urlencoded::byte_serialize(folder.as_bytes()).collect();
        let listed = server.get(&format!("{TREE}?path={query}")).json();
        for file in listed["files"].as_array().into_iter().flatten() {
            let name = file["path"].as_str().unwrap();
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            match file["is_dir"].as_bool().unwrap() {
                true => folders.push(path),
                false => found.push((path, file["file_size"].as_u64().unwrap())),
            }
        }
    }
    found.sort_unstable();
    found
}

fn blob_file(folder: &Path, content: &[u8]) -> PathBuf {
    let digest = Digest::of(content).to_string();
    folder.join("blobs").join(&digest[..2]).join(&digest[2..])
}

fn staged(server: &TestServer) -> usize {
    std::fs::read_dir(server.app.platform.project_root.join("staging")).unwrap().count()
}

/// What a refused upload had written so far goes with the thread that wrote it, which may be after the answer.
fn nothing_stays_staged(server: &TestServer) {
    while staged(server) > 0 {
        std::thread::yield_now();
    }
}

/// More than one batch of an upload and several chunks of a download, no two alike.
fn large() -> Vec<u8> {
    (0..3_000_001_u32).map(|n| (n % 253) as u8).collect()
}

fn new_run(server: &TestServer) -> String {
    let made = server.post_json("/api/2.0/mlflow/experiments/create", &json!({ "name": "artifacts" }));
    let run = server.post_json("/api/2.0/mlflow/runs/create", &json!({ "experiment_id": made["experiment_id"] }));
    run["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

impl TestServer {
    fn post_json(&self, path: &str, body: &Value) -> Value {
        let mut request = request(Method::POST, path, body.to_string());
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        self.send(request).json()
    }
}

#[test]
fn what_is_uploaded_comes_back() {
    let server = TestServer::new();
    for content in [Vec::new(), b"hello".to_vec(), large()] {
        let pieces: Vec<_> = content.chunks(70_000).map(|piece| Ok::<_, io::Error>(piece.to_vec())).collect();
        assert_eq!(
            put(&server, "1/r/artifacts/model/data.bin", Body::from_stream(stream::iter(pieces))),
            StatusCode::OK
        );
        for tree in [TREE, "/ajax-api/2.0/mlflow-artifacts/artifacts"] {
            let path = format!("{tree}/1/r/artifacts/model/data.bin");
            let answer = send(&server, Method::GET, &path, &[], Body::empty());
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header(header::CONTENT_LENGTH), content.len().to_string());
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
            assert_eq!(answer.header(header::CONTENT_DISPOSITION), "attachment; filename=data.bin");
            assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert_eq!(answer.header(header::ETAG), format!("\"{}\"", Digest::of(&content)));
            assert!(answer.body.unwrap() == content);
            let head = send(&server, Method::HEAD, &path, &[], Body::empty());
            assert_eq!(head.header(header::CONTENT_LENGTH), content.len().to_string());
            assert!(head.body.unwrap().is_empty());
        }
    }
    assert_eq!(staged(&server), 0);
}

#[test]
fn names_that_are_only_unusual_come_back_as_they_are() {
    let server = TestServer::new();
    let names = [
        ("d/a%20b.txt", "d/a b.txt"),
        ("d/%C3%A9t%C3%A9.html", "d/été.html"),
        ("d/a:b.txt", "d/a:b.txt"),
        ("d/50%25.txt", "d/50%.txt"),
        ("d/q%3Fx", "d/q?x"),
        ("d/CON", "d/CON"),
        ("d/dot.", "d/dot."),
        ("d/;x=%22y%22", "d/;x=\"y\""),
    ];
    for (encoded, _) in names {
        assert_eq!(put(&server, encoded, encoded), StatusCode::OK, "{encoded}");
        assert_eq!(get(&server, encoded, &[]).body.unwrap(), encoded, "{encoded}");
    }
    let mut wanted: Vec<_> = names.iter().map(|(encoded, name)| ((*name).to_owned(), encoded.len() as u64)).collect();
    wanted.sort_unstable();
    assert_eq!(tree(&server), wanted);
    let page = get(&server, "d/%C3%A9t%C3%A9.html", &[]);
    assert_eq!(page.header(header::CONTENT_TYPE), "text/html");
    assert_eq!(
        page.header(header::CONTENT_DISPOSITION),
        "attachment; filename=_t_.html; filename*=UTF-8''%C3%A9t%C3%A9.html"
    );
}

#[test]
fn parts_are_sent_when_they_are_asked_for() {
    let server = TestServer::new();
    let content = large();
    put(&server, "d/x", content.clone());
    let tag = format!("\"{}\"", Digest::of(&content));
    for (range, from, to) in
        [("bytes=0-0", 0, 1), ("bytes=1000-2999999", 1000, 3_000_000), ("bytes=-5", 2_999_996, 3_000_001)]
    {
        let answer = get(&server, "d/x", &[("range", range)]);
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.header(header::CONTENT_RANGE), format!("bytes {from}-{}/3000001", to - 1));
        assert_eq!(answer.header(header::CONTENT_LENGTH), (to - from).to_string());
        assert!(answer.body.unwrap() == content[from..to]);
    }
    let beyond = get(&server, "d/x", &[("range", "bytes=3000001-")]);
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header(header::CONTENT_RANGE), "bytes */3000001");
    let same = get(&server, "d/x", &[("if-none-match", &tag)]);
    assert_eq!((same.status, same.body.unwrap().len()), (StatusCode::NOT_MODIFIED, 0));
    let other = get(&server, "d/x", &[("range", "bytes=0-0"), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body.unwrap().len()), (StatusCode::OK, content.len()));
}

#[test]
fn listings_show_base_names_of_one_level() {
    let server = TestServer::new();
    for path in ["d/b.txt", "d/a/x", "d/a/y/z"] {
        put(&server, path, "12345");
    }
    let wanted = json!({ "files": [{ "path": "a", "is_dir": true },
                                   { "path": "b.txt", "is_dir": false, "file_size": 5 }] });
    assert_eq!(server.get(&format!("{TREE}?path=d")).json(), wanted);
    assert_eq!(server.get(&format!("{TREE}?path=d/")).json(), wanted);
    assert_eq!(server.get(TREE).json(), json!({ "files": [{ "path": "d", "is_dir": true }] }));
    for nothing in ["d/b.txt", "none"] {
        assert_eq!(server.get(&format!("{TREE}?path={nothing}")).json(), json!({}));
    }
}

#[test]
fn deleting_takes_a_file_or_a_tree_and_is_content_with_nothing() {
    let server = TestServer::new();
    for path in ["1/r/artifacts/a", "1/r/artifacts/b/c", "1/r2/artifacts/a"] {
        put(&server, path, "x");
    }
    for (path, left) in [("1/r/artifacts/none", 3), ("1/r/artifacts/a", 2), ("1/r/artifacts/", 1), ("1", 0)] {
        let answer = server.send(request(Method::DELETE, &format!("{TREE}/{path}"), String::new()));
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({})));
        assert_eq!(tree(&server).len(), left, "{path}");
    }
}

#[test]
fn a_directory_a_missing_file_and_a_clash_are_told_apart() {
    let server = TestServer::new();
    put(&server, "d/a", "x");
    let error = |method: Method, path: &str| {
        let answer = server.send(request(method, &format!("{TREE}/{path}"), "y".to_owned()));
        (answer.status.as_u16(), answer.json()["error_code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(error(Method::GET, "none"), (404, "RESOURCE_DOES_NOT_EXIST".to_owned()));
    for (method, path) in
        [(Method::GET, "d"), (Method::GET, "d/"), (Method::PUT, "d/b/"), (Method::PUT, "d"), (Method::PUT, "d/a/b")]
    {
        assert_eq!(error(method.clone(), path), (400, "INVALID_PARAMETER_VALUE".to_owned()), "{method} {path}");
    }
    assert_eq!(tree(&server), [("d/a".to_owned(), 1)]);
}

/// Paths that must not be taken, as they stand in a URL; the long one is added by the test.
const HOSTILE: [&str; 24] = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2E%2E/x",
    "%252e%252e%252fx",
    "%25252e%25252e%25252fx",
    "..%c0%afx",
    "a/../../b",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "/host/x",
    "C%3A%5Cx",
    "C:/x",
    "%5C%5Chost%5Cshare",
    "a%00.jpg",
    "a%0d%0aX:y",
    "a%E2%80%AEgpj",
    "http:///%23/../../etc/",
    "mlflow-artifacts://h/..%2f..",
    "a%3f/../../..",
    ";/../",
    "dbfs:/x/a%3f/../..",
    "file:///etc/",
    "a%23b",
    "a/./b",
];

#[test]
fn hostile_paths_are_refused_without_effect_on_every_route() {
    let server = TestServer::new();
    let run = new_run(&server);
    let kept = format!("1/{run}/artifacts/kept");
    put(&server, &kept, "kept");
    let before = tree(&server);
    let long = "x/".repeat(2100) + "x";
    for hostile in HOSTILE.into_iter().chain([long.as_str()]) {
        let calls = [
            (Method::PUT, format!("{TREE}/{hostile}")),
            (Method::GET, format!("{TREE}/{hostile}")),
            (Method::DELETE, format!("{TREE}/{hostile}")),
            (Method::GET, format!("{TREE}?path={hostile}")),
            (Method::GET, format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={hostile}")),
            (Method::GET, format!("/get-artifact?run_id={run}&path={hostile}")),
            (Method::POST, format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={hostile}")),
            (Method::POST, format!("/api/2.0/mlflow-artifacts/mpu/create/{hostile}")),
            (Method::GET, format!("/api/2.0/mlflow-artifacts/presigned/{hostile}")),
        ];
        for (method, path) in calls {
            let answer = server.send(request(method.clone(), &path, "content".to_owned()));
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path}: {}", answer.text);
            assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE");
            assert!(!answer.text.contains("passwd") && !answer.text.contains(&long));
        }
    }
    assert_eq!(tree(&server), before);
    nothing_stays_staged(&server);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = TestServer::new();
    put(&server, "d/x", "before");
    let pieces = large().chunks(500_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    let broken = stream::iter(pieces).chain(stream::iter([Err(io::Error::other("reset"))]));
    let answer = send(&server, Method::PUT, &format!("{TREE}/d/x"), &[], Body::from_stream(broken));
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(tree(&server), [("d/x".to_owned(), 6)]);
    nothing_stays_staged(&server);
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let server = TestServer::new();
    let pieces =
        large().chunks(500_000).map(|piece| Ok::<_, io::Error>(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    let stalled = Body::from_stream(stream::iter(pieces).chain(stream::pending()));
    let mut request = request(Method::PUT, &format!("{TREE}/d/x"), String::new());
    *request.body_mut() = stalled;
    server.runtime.block_on(async {
        let mut upload = Box::pin(server.router.clone().oneshot(request));
        // It moves as far as it can, and then waits for the client.
        while staged(&server) == 0 {
            assert!((&mut upload).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        drop(upload);
        while staged(&server) > 0 {
            tokio::task::yield_now().await;
        }
    });
    assert!(tree(&server).is_empty());
    assert!(server.app.platform.blobs.list().unwrap().iter().all(|(digest, _)| *digest != Digest::of(&large())));
}

#[test]
fn a_damaged_file_never_looks_complete() {
    let server = TestServer::new();
    let folder = server.app.platform.project_root.clone();
    for (name, content) in [("small", b"weights".to_vec()), ("large", large())] {
        put(&server, name, content.clone());
        let mut damaged = content.clone();
        damaged[3] ^= 1;
        std::fs::write(blob_file(&folder, &content), &damaged).unwrap();
        let answer = get(&server, name, &[]);
        if name == "small" {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        } else {
            assert!(answer.body.is_err());
        }
        std::fs::remove_file(blob_file(&folder, &content)).unwrap();
        assert_eq!(get(&server, name, &[]).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[test]
fn a_run_shows_its_own_artifacts_by_paths_from_its_root() {
    let server = TestServer::new();
    let run = new_run(&server);
    let uri = format!("mlflow-artifacts:/1/{run}/artifacts");
    put(&server, &format!("1/{run}/artifacts/model/MLmodel"), "flavors: {}");
    put(&server, &format!("1/{run}x/artifacts/other"), "x");
    let list = |query: &str| server.get(&format!("/api/2.0/mlflow/artifacts/list?{query}")).json();
    for query in [format!("run_id={run}"), format!("run_uuid={run}&path=")] {
        assert_eq!(list(&query), json!({ "root_uri": uri, "files": [{ "path": "model", "is_dir": true }] }));
    }
    let inner = json!({ "root_uri": uri, "files": [{ "path": "model/MLmodel", "is_dir": false, "file_size": 11 }] });
    assert_eq!(list(&format!("run_id={run}&path=model")), inner);
    assert_eq!(list(&format!("run_id={run}&path=model/MLmodel")), json!({ "root_uri": uri }));
    let file = server.get(&format!("/get-artifact?run_id={run}&path=model/MLmodel"));
    assert_eq!((file.text.as_str(), &file.headers["content-type"]), ("flavors: {}", &"text/plain".parse().unwrap()));
    for (path, status) in [
        (format!("/get-artifact?run_uuid={run}&path=model"), 400),
        (format!("/get-artifact?run_uuid={run}"), 400),
        (format!("/get-artifact?run_id={run}&path=none"), 404),
        ("/get-artifact?run_id=none&path=x".to_owned(), 404),
        ("/api/2.0/mlflow/artifacts/list?run_id=none".to_owned(), 404),
        ("/api/2.0/mlflow/artifacts/list".to_owned(), 400),
    ] {
        assert_eq!(server.get(&path).status.as_u16(), status, "{path}");
    }
}

#[test]
fn a_page_uploads_small_files_to_a_run() {
    let server = TestServer::new();
    let run = new_run(&server);
    let path = "/ajax-api/2.0/mlflow/upload-artifact";
    let upload = |query: &str, content: Vec<u8>| {
        let answer = send(&server, Method::POST, &format!("{path}?{query}"), &[], content.into());
        (answer.status.as_u16(), String::from_utf8(answer.body.unwrap().to_vec()).unwrap())
    };
    assert_eq!(upload(&format!("run_uuid={run}&path=up/x.txt"), b"up".to_vec()), (200, "{}".to_owned()));
    assert_eq!(server.get(&format!("/get-artifact?run_id={run}&path=up/x.txt")).text, "up");
    for (query, content, status, said) in [
        ("path=x".to_owned(), vec![1], 400, "must specify run_uuid"),
        (format!("run_uuid={run}"), vec![1], 400, "must specify path"),
        (format!("run_uuid={run}&path=x"), Vec::new(), 400, "must specify data"),
        (format!("run_uuid={run}&path=x"), vec![0; 10 * 1024 * 1024 + 1], 400, "too large"),
        ("run_uuid=none&path=x".to_owned(), vec![1], 404, "not found"),
    ] {
        let (got, text) = upload(&query, content);
        assert!(got == status && text.contains(said), "{query}: {got} {text}");
    }
    assert_eq!(tree(&server).len(), 1);
}

#[test]
fn logged_models_have_artifacts_of_their_own() {
    let server = TestServer::new();
    server
        .app
        .platform
        .db
        .write(|tx| {
            tx.execute(
                "INSERT INTO logged_models (id, workspace, experiment_id, name, model_type, source_run_id, status, \
                 lifecycle, created_at, updated_at, artifact_uri) VALUES ('m-1', 'default', 1, 'm', '', '', 1, \
                 'active', 0, 0, 'mlflow-artifacts:/1/models/m-1/artifacts')",
                &[],
            )
        })
        .unwrap();
    put(&server, "1/models/m-1/artifacts/d/MLmodel", "x");
    let listed = server.get("/api/2.0/mlflow/logged-models/m-1/artifacts/directories?artifact_directory_path=d").json();
    assert_eq!(listed["root_uri"], "mlflow-artifacts:/1/models/m-1/artifacts");
    assert_eq!(listed["files"], json!([{ "path": "d/MLmodel", "is_dir": false, "file_size": 1 }]));
    let file = |rest: &str| server.get(&format!("/ajax-api/2.0/mlflow/logged-models/{rest}")).status.as_u16();
    assert_eq!(file("m-1/artifacts/files?artifact_file_path=d/MLmodel"), 200);
    assert_eq!(file("m-1/artifacts/files?artifact_file_path=d"), 400);
    assert_eq!(file("m-1/artifacts/files"), 400);
    assert_eq!(file("m-2/artifacts/files?artifact_file_path=d"), 404);
}

#[test]
fn a_model_version_gives_the_files_of_its_source() {
    let server = TestServer::new();
    let run = new_run(&server);
    put(&server, &format!("1/{run}/artifacts/model/MLmodel"), "flavors: {}");
    server.post_json("/api/2.0/mlflow/registered-models/create", &json!({ "name": "m" }));
    let source = format!("mlflow-artifacts:/1/{run}/artifacts/model");
    let made = server
        .post_json("/api/2.0/mlflow/model-versions/create", &json!({ "name": "m", "source": source, "run_id": run }));
    assert_eq!(made["model_version"]["version"], "1", "{made}");
    let file = |query: &str| server.get(&format!("/model-versions/get-artifact?{query}"));
    assert_eq!(file("name=m&version=1&path=MLmodel").text, "flavors: {}");
    for (query, status) in [
        ("name=m&version=2&path=MLmodel", 404),
        ("name=m&version=1&path=none", 404),
        ("name=m&version=1&path=../../x", 400),
        ("name=m&version=one&path=x", 400),
    ] {
        assert_eq!(file(query).status.as_u16(), status, "{query}");
    }
}

#[test]
fn what_is_not_offered_says_so_in_the_words_that_clients_know() {
    let server = TestServer::new();
    let run = new_run(&server);
    for step in ["create", "complete", "abort"] {
        let path = format!("/api/2.0/mlflow-artifacts/mpu/{step}/1/r/artifacts");
        let answer = server.post(&path, r#"{"path":"x","num_parts":2}"#);
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(answer.json()["error_code"], "NOT_IMPLEMENTED");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("Multipart upload is not supported"));
    }
    assert_eq!(server.get("/api/2.0/mlflow-artifacts/presigned/1/x").status, StatusCode::NOT_IMPLEMENTED);
    for (kind, body) in [
        ("upload", json!({ "run_id": run, "path": "x" })),
        ("download", json!({ "run_id": run, "path": "x" })),
        ("upload", json!({ "path": "x" })),
        ("download", json!({ "run_id": run, "path": "../x" })),
    ] {
        let answer = server.post_json(&format!("/api/2.0/mlflow/artifacts/presigned-{kind}-url"), &body);
        assert_eq!(answer["error_code"], "INVALID_PARAMETER_VALUE", "{answer}");
    }
}
