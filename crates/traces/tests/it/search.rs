//! Searches, on both databases.

use std::collections::BTreeMap;

use flyball_core::{Duration, Timestamp};
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_traces::assessments::{self, Assessment, Judgement, SourceType};
use flyball_traces::otlp::messages::{Any, ArrayValue};
use flyball_traces::search::{TraceSearch, traces};
use flyball_traces::{TraceInfo, TraceState, service};
use serde_json::{Value, json};

use crate::fixture::{NOW, ingest, permit, prepare, span, text, trace_id, with, write};

/// Traces 1 to 4 in experiment 1 and 5 in experiment 2, started at 10, 20, … 50.
fn fill(db: &Db) {
    prepare(db);
    let describe =
        |number: u8, experiment_id: i64, state: TraceState, tags: &[(&str, &str)], metadata: &[(&str, &str)]| {
            let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
                pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
            };
            let info = TraceInfo {
                id: trace_id(number),
                experiment_id,
                started_at: Timestamp(i64::from(number) * 10),
                duration: (number != 4).then_some(Duration(100 - i64::from(number))),
                state,
                client_request_id: (number < 3).then(|| format!("req-{number}")),
                tags: labels(tags),
                metadata: labels(metadata),
                ..TraceInfo::default()
            };
            write(db, move |tx, permit| service::describe(tx, permit, info.clone(), NOW)).unwrap();
        };
    let session = |name| ("mlflow.trace.session", name);
    describe(1, 1, TraceState::Ok, &[("mlflow.traceName", "Alpha"), ("color", "blue")], &[session("s1")]);
    describe(2, 1, TraceState::Error, &[("mlflow.traceName", "beta"), ("color", "Blue-green")], &[session("s1")]);
    describe(3, 1, TraceState::Ok, &[("a b.c", "1")], &[session("s2"), ("mlflow.sourceRun", "r1")]);
    describe(4, 1, TraceState::InProgress, &[("color", "red")], &[("user.key", "x*y[z]")]);
    describe(5, 2, TraceState::Ok, &[("mlflow.traceName", "Alpha")], &[session("s1")]);
    let kind = |span, kind| with(span, "mlflow.spanType", text(kind));
    let mut failing = kind(span(1, 2, 1, 1, 2), "TOOL");
    failing.name = "fetch".to_owned();
    failing.status.as_mut().unwrap().code = 2;
    ingest(db, "1", vec![with(kind(span(1, 1, 0, 1, 2), "AGENT"), "model", text("gpt-4é")), failing]).unwrap();
    let mut named = kind(span(2, 1, 0, 1, 2), "TOOL");
    named.name = "fetch".to_owned();
    let list = Any::List(ArrayValue { values: vec![] });
    ingest(db, "1", vec![with(with(named, "n", Any::Int(5)), "list", list), span(2, 2, 1, 1, 2)]).unwrap();
    write(db, |tx, permit| service::link_to_run(tx, permit, &[trace_id(1)], "r1")).unwrap();
    write(db, |tx, permit| service::link_prompts(tx, permit, &trace_id(2), &[("p".to_owned(), 2)])).unwrap();
    judge(db, 1, "ok", Judgement::Feedback { value: json!(true), error: None }, &[]);
    judge(db, 2, "ok", Judgement::Feedback { value: json!("yes"), error: None }, &[("mlflow.trace.session", "s1")]);
    judge(db, 3, "score", Judgement::Feedback { value: json!(0.75), error: None }, &[]);
    judge(db, 3, "ok", Judgement::Expectation(json!(["a", 1])), &[]);
    judge(db, 4, "iss-1", Judgement::Issue("slow".to_owned()), &[]);
}

fn judge(db: &Db, number: u8, name: &'static str, judgement: Judgement, metadata: &[(&str, &str)]) {
    let new = Assessment {
        id: String::new(),
        name: name.to_owned(),
        judgement,
        source_type: SourceType::Human,
        source_id: String::new(),
        span_id: None,
        rationale: None,
        metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        overrides: None,
        valid: true,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    write(db, move |tx, permit| assessments::create(tx, permit, &trace_id(number), new.clone(), NOW)).unwrap();
}

fn run(db: &Db, search: TraceSearch) -> flyball_core::Result<(Vec<u8>, Option<String>)> {
    let (infos, token) = db.read(move |tx| traces(tx, &permit().read(), &search))?;
    let number = |info: &TraceInfo| u8::from_str_radix(&info.id[33..], 16).unwrap();
    Ok((infos.iter().map(number).collect(), token))
}

fn search(filter: &str, order_by: &[&str]) -> TraceSearch {
    TraceSearch {
        experiments: vec!["1".to_owned()],
        filter: filter.to_owned(),
        order_by: order_by.iter().map(|step| (*step).to_owned()).collect(),
        max_results: 100,
        page_token: None,
    }
}

#[test]
fn filters_find_what_they_name() {
    let cases: &[(&str, &[u8])] = &[
        ("", &[4, 3, 2, 1]),
        ("status = 'ERROR'", &[2]),
        ("attributes.status IN ('OK', 'ERROR')", &[3, 2, 1]),
        ("trace.status RLIKE '^(OK|ERR)'", &[3, 2, 1]),
        ("name = 'Alpha'", &[1]),
        ("trace.name ILIKE 'ALPH_'", &[1]),
        ("name LIKE 'alph%'", &[]),
        ("name != 'Alpha'", &[2]),
        ("name IS NULL", &[4, 3]),
        ("name RLIKE 'a$' AND name IN ('Alpha', 'x')", &[1]),
        ("client_request_id LIKE 'req-%'", &[2, 1]),
        ("client_request_id RLIKE '[2-9]'", &[2]),
        ("request_id = 'tr-00000000000000000000000000000003'", &[3]),
        ("request_id RLIKE '[34]$'", &[4, 3]),
        ("timestamp_ms > 10 AND timestamp <= 30", &[3, 2]),
        ("execution_time_ms >= 98", &[2, 1]),
        ("end_time < 100", &[4]),
        ("tag.color = 'blue'", &[1]),
        ("tags.color ILIKE '%blue%'", &[2, 1]),
        ("tag.color RLIKE '^[bB]lue'", &[2, 1]),
        ("tag.color != 'blue'", &[4, 2]),
        ("tag.`a b.c` = '1'", &[3]),
        ("tag.color IS NULL", &[3]),
        ("metadata.`mlflow.trace.session` = 's1'", &[2, 1]),
        ("request_metadata.`user.key` LIKE 'x*y[%'", &[4]),
        ("run_id = 'r1'", &[3, 1]),
        ("run_id IN ('r1')", &[3]),
        ("prompt = 'p/2'", &[2]),
        ("prompt = 'p/1'", &[]),
        ("span.name = 'fetch'", &[2, 1]),
        ("span.name = 'fetch' AND span.status = 'ERROR'", &[1]),
        ("span.name = 'fetch' AND span.type = 'AGENT'", &[]),
        ("span.type != 'TOOL'", &[1]),
        ("span.type IN ('AGENT', 'LLM')", &[1]),
        ("span.name RLIKE '^span-1$'", &[1]),
        ("span.name LIKE 'span%' AND span.attributes.model ILIKE 'GPT%'", &[1]),
        ("span.name = 'fetch' AND span.attributes.model LIKE '%'", &[]),
        ("span.attributes.n = '5'", &[2]),
        ("span.attributes.list LIKE '[]'", &[2]),
        ("span.content LIKE '%gpt-4é%'", &[1]),
        ("trace.text ILIKE '%GPT-4%'", &[1]),
        ("trace.text LIKE '%nowhere%'", &[]),
        ("feedback.ok = 'true'", &[1]),
        ("feedback.ok = 'yes'", &[2, 1]),
        ("feedback.ok != 'true'", &[2, 1]),
        ("feedback.ok IS NOT NULL", &[2, 1]),
        ("feedback.ok IS NULL", &[4, 3]),
        ("feedback.score > 0.5", &[3]),
        ("feedback.score < 0.5", &[]),
        ("feedback.score = '0.75'", &[3]),
        ("feedback.ok RLIKE '^.yes'", &[2, 1]),
        ("expectation.ok LIKE '%\"a\", 1%'", &[3]),
        ("expectation.ok IS NULL AND feedback.ok IS NULL", &[4]),
        ("issue.id = 'iss-1'", &[4]),
    ];
    on_both(|db| {
        fill(db);
        for (filter, wanted) in cases {
            let found = run(db, search(filter, &[])).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
            assert_eq!(&found.0.as_slice(), wanted, "{filter}");
        }
    });
}

#[test]
fn an_overridden_assessment_is_not_found() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let feedback = |value: Value| Judgement::Feedback { value, error: None };
        judge(db, 1, "ok", feedback(json!("no")), &[]);
        let id = crate::fixture::info(db, &trace_id(1)).unwrap().assessments[0].id.clone();
        write(db, move |tx, permit| {
            let info = flyball_traces::read::info(tx, &permit.read(), &trace_id(1))?;
            let new = Assessment {
                id: String::new(),
                overrides: Some(id.clone()),
                judgement: Judgement::Feedback { value: json!("yes"), error: None },
                ..info.assessments[0].clone()
            };
            assessments::create(tx, permit, &trace_id(1), new, NOW)
        })
        .unwrap();
        assert_eq!(run(db, search("feedback.ok = 'no'", &[])).unwrap().0, [] as [u8; 0]);
        assert_eq!(run(db, search("feedback.ok = 'yes'", &[])).unwrap().0, [1]);
    });
}

#[test]
fn orders_put_what_is_missing_last() {
    let cases: &[(&[&str], &[u8])] = &[
        (&[], &[4, 3, 2, 1]),
        (&["timestamp ASC"], &[1, 2, 3, 4]),
        (&["execution_time_ms"], &[3, 2, 1, 4]),
        (&["execution_time_ms DESC"], &[1, 2, 3, 4]),
        (&["tag.color"], &[2, 1, 4, 3]),
        (&["tag.color DESC"], &[4, 1, 2, 3]),
        (&["metadata.`mlflow.trace.session` DESC", "request_id DESC"], &[3, 2, 1, 4]),
        (&["name"], &[1, 2, 4, 3]),
        (&["status", "end_time ASC"], &[2, 4, 1, 3]),
    ];
    on_both(|db| {
        fill(db);
        for (order, wanted) in cases {
            assert_eq!(&run(db, search("", order)).unwrap().0.as_slice(), wanted, "{order:?}");
        }
    });
}

#[test]
fn pages_follow_each_other_whoever_decides() {
    on_both(|db| {
        fill(db);
        for filter in ["", "request_id RLIKE 'tr-'"] {
            let mut next = TraceSearch { max_results: 2, ..search(filter, &["timestamp ASC"]) };
            next.experiments.push("2".to_owned());
            let mut pages = Vec::new();
            loop {
                let (page, token) = run(db, next.clone()).unwrap();
                pages.push(page);
                next.page_token = token;
                if next.page_token.is_none() {
                    break;
                }
            }
            assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5]], "{filter}");
        }
        let rare = TraceSearch { max_results: 1, ..search("span.attributes.n = '5'", &[]) };
        let (page, token) = run(db, rare.clone()).unwrap();
        assert_eq!(page, [2]);
        assert_eq!(run(db, TraceSearch { page_token: token, ..rare }).unwrap(), (vec![], None));
    });
}

#[test]
fn searches_that_make_no_sense_are_refused() {
    on_both(|db| {
        fill(db);
        let filters = [
            "status = 'OK' OR status = 'ERROR'",
            "(status = 'OK')",
            "nonsense = 'x'",
            "foo.bar = 'x'",
            "status > 'OK'",
            "timestamp = 'x'",
            "prompt = 'p'",
            "prompt LIKE 'p/1'",
            "span.nope = 'x'",
            "span.content = 'x'",
            "tag.a RLIKE '('",
            "feedback.ok RLIKE '('",
            "span.name RLIKE '(?=x)'",
            "trace.text RLIKE 'x'",
            "issue.id != 'x'",
        ];
        for filter in filters {
            assert!(run(db, search(filter, &[])).is_err(), "{filter}");
        }
        for order in ["nonsense", "timestamp UP", "feedback.ok", "span.name"] {
            assert!(run(db, search("", &[order])).is_err(), "{order}");
        }
        for max_results in [0, -1, 501] {
            assert!(run(db, TraceSearch { max_results, ..search("", &[]) }).is_err());
        }
        assert!(run(db, TraceSearch { experiments: vec!["x".to_owned()], ..search("", &[]) }).is_err());
        assert!(run(db, TraceSearch { page_token: Some("x".to_owned()), ..search("", &[]) }).is_err());
        assert_eq!(run(db, TraceSearch { experiments: vec![], ..search("", &[]) }).unwrap(), (vec![], None));
        let foreign = "tag.`x' OR 1=1 --` = 'x'' OR 1=1 --'";
        assert!(run(db, search(foreign, &[])).is_err() || run(db, search(foreign, &[])).unwrap().0.is_empty());
    });
}
