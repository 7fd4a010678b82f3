//! Files of other tools, in and out.

use flyball_core::{ErrorCode, Timestamp};
use flyball_labels::exchange::{self, Format, Imported};
use flyball_labels::{Kind, Label, Settings, Side, Span, projects, tasks};
use flyball_testkit::on_both;
use serde_json::{Value, json};

use super::{Setup, settings};

fn bring(setup: &Setup, format: Format, bytes: &[u8]) -> flyball_core::Result<Imported> {
    let read = setup.permit.read();
    let own = setup.db.read(|tx| projects::get(tx, &read, &setup.name))?.project.settings;
    let items = exchange::parse(format, &own, bytes)?;
    let name = setup.name.clone();
    setup.write(move |tx, permit| exchange::import(tx, permit, &name, format, &items, Timestamp(7)))
}

fn carry(setup: &Setup, format: Format) -> flyball_core::Result<Vec<u8>> {
    let all = setup.db.read(|tx| exchange::everything(tx, &setup.permit.read(), &setup.name))?;
    exchange::write(format, &all)
}

/// What every annotator says of every task, in the order of the tasks.
fn labels(setup: &Setup) -> Vec<Vec<(String, Option<Label>)>> {
    let of = |id: &String| {
        let view = setup.db.read(|tx| tasks::get(tx, &setup.permit.read(), id)).unwrap();
        view.annotations.into_iter().map(|one| (one.annotator, one.label)).collect()
    };
    setup.ids().iter().map(of).collect()
}

/// Brings a file in, carries it out in each format, and brings that into a new project.
fn there_and_back(own: Settings, format: Format, bytes: &[u8], through: &[Format]) {
    let setup = Setup::alone(own.clone());
    bring(&setup, format, bytes).unwrap();
    let expected = labels(&setup);
    assert!(expected.iter().flatten().count() > 0);
    for format in through {
        let file = carry(&setup, *format).unwrap();
        let other = Setup::alone(own.clone());
        bring(&other, *format, &file).unwrap();
        assert_eq!(labels(&other), expected, "{format:?}");
        let again = bring(&other, *format, &file).unwrap();
        assert_eq!((again.tasks, again.annotations), (0, 0), "the same file again changes nothing: {format:?}");
    }
}

fn label_studio(data: &Value, results: &Value) -> Vec<u8> {
    let annotation = json!({ "completed_by": { "email": "ann@example.org" }, "result": results });
    let prediction = json!({ "model_version": "ner/7", "score": 0.4, "result": results });
    json!([{ "id": 1, "data": data, "annotations": [annotation], "predictions": [prediction] }])
        .to_string()
        .into_bytes()
}

const EVERY: [Format; 3] = [Format::LabelStudio, Format::Jsonl, Format::Parquet];

#[test]
fn every_kind_comes_from_label_studio_and_goes_back() {
    on_both(|db| {
        let text = json!({ "text": "A 😀 cat" });
        let one =
            |kind: &str, value: Value| json!([{ "from_name": "l", "to_name": "t", "type": kind, "value": value }]);
        let classes = |kind| settings(kind, &["cat", "dog"]);
        let setup = Setup::new(db, classes(Kind::Spans));
        // Browsers count the smiley twice.
        let spans = one("labels", json!({ "start": 5, "end": 8, "text": "cat", "labels": ["cat"] }));
        let done = bring(&setup, Format::LabelStudio, &label_studio(&text, &spans)).unwrap();
        assert_eq!(done, Imported { tasks: 1, annotations: 1, predictions: 1 });
        let expected = Label::Spans(vec![Span { start: 4, end: 7, class: "cat".to_owned() }]);
        assert_eq!(labels(&setup), [[("ann@example.org".to_owned(), Some(expected))]]);
        let file: Value = serde_json::from_slice(&carry(&setup, Format::LabelStudio).unwrap()).unwrap();
        assert_eq!(file[0]["annotations"][0]["result"][0]["value"]["start"], 5);
        assert_eq!(file[0]["predictions"][0]["model_version"], "ner/7");
    });
    let text = json!({ "text": "a cat" });
    let one = |kind: &str, value: Value| json!([{ "type": kind, "value": value, "original_width": 200, "original_height": 100 }]);
    let cases = [
        (Kind::Classification, one("choices", json!({ "choices": ["cat"] }))),
        (Kind::MultiLabel, one("choices", json!({ "choices": ["cat", "dog"] }))),
        (Kind::Regression, one("rating", json!({ "rating": 4 }))),
        (Kind::Regression, one("number", json!({ "number": 2.5 }))),
        (Kind::Pairwise, one("pairwise", json!({ "selected": "right" }))),
        (Kind::Spans, one("labels", json!({ "start": 2, "end": 5, "labels": ["cat"] }))),
        (
            Kind::Boxes,
            one("rectanglelabels", json!({ "x": 25, "y": 50, "width": 50, "height": 25, "rectanglelabels": ["dog"] })),
        ),
    ];
    for (kind, results) in cases {
        let own = if kind.has_classes() { settings(kind, &["cat", "dog"]) } else { Settings::of(kind) };
        let file = label_studio(&text, &results);
        there_and_back(own, Format::LabelStudio, &file, &EVERY);
    }
}

#[test]
fn conll_sentences_become_spans_and_tokens_again() {
    on_both(|db| {
        let file = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n\n\
                    Peter NNP B-NP B-PER\nBlackburn NNP I-NP I-PER\n\nBRUSSELS NNP I-NP I-LOC\n";
        let own = settings(Kind::Spans, &["ORG", "MISC", "PER", "LOC"]);
        let setup = Setup::new(db, own.clone());
        bring(&setup, Format::Conll, file.as_bytes()).unwrap();
        let span = |start, end, class: &str| Span { start, end, class: class.to_owned() };
        let found = labels(&setup);
        assert_eq!(found[0][0].1, Some(Label::Spans(vec![span(0, 2, "ORG"), span(11, 17, "MISC")])));
        assert_eq!(found[1][0].1, Some(Label::Spans(vec![span(0, 15, "PER")])));
        let out = String::from_utf8(carry(&setup, Format::Conll).unwrap()).unwrap();
        assert!(out.contains("Peter -X- _ B-PER\nBlackburn -X- _ I-PER\n\nBRUSSELS -X- _ B-LOC\n"), "{out}");
        let through = [Format::Conll, Format::Jsonl, Format::LabelStudio, Format::Parquet];
        there_and_back(own, Format::Conll, file.as_bytes(), &through);
    });
}

#[test]
fn coco_boxes_keep_their_pixels() {
    let file = json!({
        "images": [{ "id": 9, "file_name": "a.jpg", "width": 200, "height": 100 }, { "id": 4, "file_name": "b.jpg", "width": 10, "height": 10 }],
        "categories": [{ "id": 3, "name": "cat" }, { "id": 1, "name": "dog" }],
        "annotations": [{ "id": 1, "image_id": 9, "category_id": 3, "bbox": [10.5, 20, 30, 40] }],
    });
    let setup = Setup::alone(settings(Kind::Boxes, &["dog", "cat"]));
    bring(&setup, Format::Coco, file.to_string().as_bytes()).unwrap();
    let out: Value = serde_json::from_slice(&carry(&setup, Format::Coco).unwrap()).unwrap();
    assert_eq!((out["images"].as_array().unwrap().len(), &out["images"][1]["file_name"]), (2, &json!("b.jpg")));
    let bbox: Vec<f64> = serde_json::from_value(out["annotations"][0]["bbox"].clone()).unwrap();
    assert!(bbox.iter().zip([10.5, 20.0, 30.0, 40.0]).all(|(got, wanted)| (got - wanted).abs() < 1e-9), "{bbox:?}");
    assert_eq!(out["annotations"][0]["category_id"], 2);
}

#[test]
fn flat_rows_are_data_label_and_annotator() {
    let setup = Setup::alone(Settings::of(Kind::Pairwise));
    let lines = "{\"left\": \"a\", \"right\": \"b\", \"label\": \"left\", \"annotator\": \"ann\"}\n\n{\"left\": \"c\", \"right\": \"d\"}\n";
    let done = bring(&setup, Format::Jsonl, lines.as_bytes()).unwrap();
    assert_eq!((done.tasks, done.annotations), (2, 1));
    assert_eq!(labels(&setup)[0], [("ann".to_owned(), Some(Label::Preferred(Side::Left)))]);
}

#[test]
fn hostile_files_are_refused_with_the_place_and_leave_nothing() {
    let refuse = |kind: Kind, format: Format, bytes: &[u8], expected: &str| {
        let own = if kind.has_classes() { settings(kind, &["cat", "dog"]) } else { Settings::of(kind) };
        let setup = Setup::alone(own);
        let error = bring(&setup, format, bytes).unwrap_err();
        assert!(error.message().contains(expected), "{expected}: {error:?}");
        assert!(error.code() != ErrorCode::Internal, "{error:?}");
        assert!(setup.ids().is_empty(), "{expected}");
    };
    use Format::{Coco, Conll, Jsonl, LabelStudio, Parquet};
    refuse(Kind::Spans, LabelStudio, b"[{]", "line 1, column 3: not JSON");
    refuse(Kind::Spans, LabelStudio, b"{\"a\": \xff}", "line 1: not UTF-8");
    refuse(Kind::Spans, LabelStudio, b"{}", "not a list of tasks");
    refuse(Kind::Spans, LabelStudio, b"[{\"data\": {}}, 5]", "task 2: it has no data");
    let deep = "[".repeat(100_000);
    refuse(Kind::Spans, LabelStudio, deep.as_bytes(), "not JSON");
    let text = json!({ "text": "cat" });
    let of = |kind: &str, value: Value| label_studio(&text, &json!([{ "type": kind, "value": value }]));
    refuse(Kind::Spans, LabelStudio, &of("labels", json!({ "start": 0, "end": 99, "labels": ["cat"] })), "task 1");
    refuse(
        Kind::Spans,
        LabelStudio,
        &of("labels", json!({ "start": -1, "end": 2, "labels": ["cat"] })),
        "task 1, annotation 1, result 1",
    );
    refuse(Kind::Spans, LabelStudio, &of("brush", json!({})), "'brush' is no answer of spans");
    refuse(Kind::Classification, LabelStudio, &of("choices", json!({ "choices": ["cat", "dog"] })), "2 choices");
    refuse(
        Kind::Classification,
        LabelStudio,
        &of("choices", json!({ "choices": ["fish"] })),
        "there is no class 'fish'",
    );
    refuse(
        Kind::Boxes,
        LabelStudio,
        &of("rectanglelabels", json!({ "x": 1e300, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["cat"] })),
        "no area",
    );
    refuse(Kind::Spans, Conll, b"EU NNP B-NP B-ORG\nrejects\n", "line 2: a token without a tag");
    refuse(Kind::Spans, Conll, b"EU NNP B-NP B-ORG\nrejects O\n", "line 2: 2 columns");
    refuse(Kind::Spans, Conll, b"EU B-\n", "line 1: 'B-' is no tag");
    refuse(Kind::Spans, Conll, b"EU B-ORG\n", "the sentence of line 1: there is no class 'ORG'");
    refuse(Kind::Classification, Conll, b"EU O\n", "conll holds spans");
    let coco = |change: fn(&mut Value)| {
        let mut whole = json!({
            "images": [{ "id": 1, "file_name": "a", "width": 10, "height": 10 }],
            "categories": [{ "id": 1, "name": "cat" }],
            "annotations": [{ "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2] }],
        });
        change(&mut whole);
        whole.to_string().into_bytes()
    };
    refuse(Kind::Boxes, Coco, &coco(|file| file["images"][0]["width"] = json!(0)), "image 1: 'width' is no size");
    refuse(Kind::Boxes, Coco, &coco(|file| file["annotations"][0]["image_id"] = json!(7)), "there is no image 7");
    refuse(Kind::Boxes, Coco, &coco(|file| file["annotations"][0]["category_id"] = json!(7)), "there is no category 7");
    refuse(Kind::Boxes, Coco, &coco(|file| file["annotations"][0]["bbox"] = json!([1, 2])), "annotation 1: its bbox");
    refuse(
        Kind::Boxes,
        Coco,
        &coco(|file| file["annotations"][0]["bbox"] = json!([50, 50, 2, 2])),
        "image 1: a box of 'cat' has no area",
    );
    refuse(
        Kind::Boxes,
        Coco,
        &coco(|file| file["images"] = json!([file["images"][0], file["images"][0]])),
        "image 2: another image",
    );
    refuse(Kind::Classification, Jsonl, b"{\"text\": \"a\", \"label\": \"cat\"}\n[1]\n", "line 2: not an object");
    refuse(
        Kind::Classification,
        Jsonl,
        b"{\"text\": \"a\", \"label\": {\"x\": 1}}\n",
        "line 1: 'label' holds no label",
    );
    refuse(Kind::Classification, Jsonl, b"{\"data\": {}, \"annotations\": [{\"label\": {\"choice\": 5}}]}\n", "line 1");
    refuse(Kind::Spans, Jsonl, b"{\"text\": \"a\", \"label\": \"[\"}\n", "line 1: '[' is no list");
    refuse(Kind::Classification, Parquet, b"PAR1 nonsense PAR1", "not a readable Parquet file");
}
