//! Each page when there is nothing, on a common day, and with names that mean harm.

use flyball_core::Timestamp;
use flyball_web::*;

use crate::sample;

const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
const RIGHT_TO_LEFT: &str = "\u{202e}مرحبا";

fn hostile() -> String {
    format!("{SCRIPT}{RIGHT_TO_LEFT}{}", "x".repeat(10_000))
}

fn every_typical() -> Vec<(&'static str, String)> {
    vec![
        ("overview", sample::overview(0.7).render().unwrap()),
        ("overview, done", sample::overview(1.0).render().unwrap()),
        ("overview, several", sample::several_loops().render().unwrap()),
        ("loop", sample::loop_page().render().unwrap()),
        ("run", sample::run().render().unwrap()),
        ("version", sample::model_version().render().unwrap()),
        ("alert", sample::alert().render().unwrap()),
        ("labels", sample::label_project().render().unwrap()),
        ("annotate", sample::annotate().render().unwrap()),
        ("card", sample::card().render().unwrap()),
        ("evaluation", sample::evaluation().render().unwrap()),
        ("replay", sample::replay().render().unwrap()),
        ("remedies", sample::remedies().render().unwrap()),
        ("endpoint", sample::endpoint().render().unwrap()),
        ("monitor", sample::monitor().render().unwrap()),
        ("window", sample::window().render().unwrap()),
        ("dataset", sample::dataset().render().unwrap()),
        ("prediction", sample::prediction().render().unwrap()),
        ("list", sample::list().render().unwrap()),
        ("error", sample::not_found().render().unwrap()),
    ]
}

fn every_empty() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("overview", OverviewPage::default().render().unwrap(), "No loop yet"),
        ("loop", LoopPage::default().render().unwrap(), "No model has been trained yet"),
        ("run", RunPage::default().render().unwrap(), "No metrics yet"),
        ("version", ModelVersionPage::default().render().unwrap(), "No gates are declared"),
        ("alert", AlertPage::default().render().unwrap(), "Nobody was told"),
        ("labels", LabelProjectPage::default().render().unwrap(), "Nobody has answered yet"),
        ("annotate", AnnotatePage::default().render().unwrap(), "needs JavaScript"),
        ("card", CardPage::default().render().unwrap(), "Nothing is known of this version"),
        ("evaluation", EvaluationPage::default().render().unwrap(), "Nothing was checked"),
        ("remedies", RemediesPage::default().render().unwrap(), "No remedy was needed"),
        ("endpoint", EndpointPage::default().render().unwrap(), "No revision gets traffic"),
        ("monitor", MonitorPage::default().render().unwrap(), "No window has been compared"),
        ("window", WindowPage::default().render().unwrap(), "too few rows"),
        ("dataset", DatasetPage::default().render().unwrap(), "No checks are declared"),
        ("prediction", PredictionPage::default().render().unwrap(), "no exact explanation"),
        (
            "list",
            ListPage { empty_text: "No runs yet.".into(), ..ListPage::default() }.render().unwrap(),
            "No runs yet.",
        ),
        ("error", ErrorPage::default().render().unwrap(), "Something went wrong here"),
    ]
}

/// That a page is whole: its elements close in order, and nothing came through unescaped.
fn assert_sound(name: &str, html: &str) {
    const VOID: [&str; 6] = ["meta", "link", "!doctype", "br", "img", "input"];
    assert!(html.starts_with("<!doctype html>"), "{name}");
    let mut open: Vec<&str> = Vec::new();
    for rest in html.split('<').skip(1) {
        let tag = rest.split('>').next().unwrap();
        let word = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap();
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closing), "{name}: </{closing}>");
        } else if !tag.ends_with('/') && !VOID.contains(&word) {
            open.push(word);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    assert!(!html.contains("<img") && !html.contains("<script>"), "{name}: unescaped");
    assert!(!html.contains("NaN") && !html.contains(">inf"), "{name}: a number that is none");
    assert!(!html.contains(" style="), "{name}: inline style");
    for href in html.split("href=\"").skip(1) {
        // A runbook is where its team keeps it; it is told nothing of where its reader comes from.
        let runbook = name == "alert" && href.starts_with("https://") && href.contains("rel=\"noopener noreferrer\"");
        assert!(runbook || href.starts_with('/') || href.starts_with('#'), "{name}: {}", &href[..href.len().min(40)]);
    }
}

#[test]
fn typical_pages_are_whole_and_light() {
    for (name, html) in every_typical() {
        assert_sound(name, &html);
        assert!(html.contains("<h1>") && html.contains("aria-current=\"page\"") != (name == "error"), "{name}");
        assert!(html.len() < 60_000, "{name}: {} bytes", html.len());
    }
}

#[test]
fn empty_pages_say_that_there_is_nothing() {
    for (name, html, said) in every_empty() {
        assert_sound(name, &html);
        assert!(html.contains(said), "{name}");
    }
}

#[test]
fn ids_on_a_page_are_unique() {
    for (name, html) in every_typical() {
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn every_icon_in_use_is_drawn() {
    for (name, html) in every_typical() {
        for icon in html.split("<use").skip(1).map(|rest| rest.split("href=\"#").nth(1).unwrap()) {
            let icon = icon.split('"').next().unwrap();
            assert!(html.contains(&format!("<symbol id=\"{icon}\"")), "{name}: {icon}");
        }
    }
}

#[test]
fn the_overview_tells_the_state_of_each_stage_in_words() {
    let html = sample::overview(0.7).render().unwrap();
    for stage in Stage::ALL {
        assert!(html.contains(&format!("<title>{}: ", stage.word())), "{}", stage.word());
    }
    for said in ["flight-delays v4", "0.6713", "0.6498 to 0.6921", "−0.0408", "2013-09-18", "value=\"700\"", "189,402"]
    {
        assert!(html.contains(said), "{said}");
    }
    assert!(!html.contains("What each policy came to"));
    assert!(sample::overview(1.0).render().unwrap().contains("What each policy came to"));
}

#[test]
fn live_fragments_are_the_parts_of_the_page_and_hold_no_chart() {
    let page = sample::overview(1.0);
    let html = page.render().unwrap();
    for (event, fragment) in page.fragments().unwrap() {
        assert!(html.contains(&format!("sse-swap=\"{event}\"")), "{event}");
        assert!(html.contains(fragment.trim()), "{event}");
        assert!(!fragment.contains("<x-chart") && !fragment.contains("sse-"), "{event}");
    }
    assert!(html.contains(&format!("refresh=\"{EVENT_METRICS}\"")));
}

#[test]
fn charts_can_be_read_without_a_script() {
    let html = sample::overview(1.0).render().unwrap();
    for said in ["<td class=\"n\" data-v=\"0.655\"", ">0.6550</td>", "Apr 2013", "retrain monthly"] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn hostile_overviews_and_loops_stay_text() {
    let mut page = sample::overview(1.0);
    let playing = page.simulation.as_mut().unwrap();
    (playing.title, playing.speed, playing.progress) = (hostile(), hostile(), f64::NAN);
    playing.chart.title = hostile();
    playing.chart.data.series[0] = Series::new(hostile(), vec![f64::NAN; 10]);
    playing.comparison.as_mut().unwrap().policies[0].policy = hostile();
    let cycle = &mut page.loops[0];
    (cycle.name, cycle.metric, cycle.badge.word) = (hostile(), hostile(), hostile());
    cycle.version = Link::new(hostile(), "javascript:alert(1)");
    cycle.now = Some(Estimate::between(f64::NAN, f64::NEG_INFINITY, f64::NAN));
    cycle.reference = Some(f64::INFINITY);
    cycle.next_window = Some(Timestamp(i64::MIN));
    (cycle.stages[0].event, cycle.stages[0].href) = (hostile(), "//evil.example".into());
    (page.events[0].text, page.events[0].loop_name) = (hostile(), hostile());
    let mut loop_page = sample::loop_page();
    loop_page.cycle = page.loops[0].clone();
    loop_page.file = format!("# {}\n{}: '<b>'\n", hostile(), hostile());
    loop_page.remedies[0].evidence = hostile();
    loop_page.windows[0].drifted = vec![hostile()];
    loop_page.windows[0].labelled = f64::NAN;
    for html in [page.render().unwrap(), loop_page.render().unwrap()] {
        assert_sound("hostile", &html);
        assert!(html.contains("&#60;script&#62;") && !html.contains("javascript:") && !html.contains("evil.example"));
    }
}

#[test]
fn hostile_details_stay_text() {
    let mut run = sample::run();
    (run.id, run.name, run.badge.word) = (hostile(), hostile(), hostile());
    run.parameters = vec![Fact::link(hostile(), hostile(), "/\\evil.example")];
    run.importance = vec![Importance { feature: hostile(), amount: f64::NAN }];
    run.metrics[0].estimate = Estimate::exact(f64::INFINITY);
    let mut version = sample::model_version();
    (version.name, version.aliases) = (hostile(), vec![hostile()]);
    (version.gates[0].expression, version.gates[0].evidence) = (hostile(), hostile());
    version.slices[0].by = hostile();
    version.signature.as_mut().unwrap().features[0].name = hostile();
    let mut endpoint = sample::endpoint();
    (endpoint.revisions[0].revision, endpoint.revisions[0].share) = (hostile(), f64::NAN);
    (endpoint.revisions[1].share, endpoint.revisions[2].share) = (7.0, -1.0);
    endpoint.predictions[0].answer = hostile();
    let mut monitor = sample::monitor();
    monitor.drift.rows[0].feature = hostile();
    monitor.drift.windows[0] = Link::new(hostile(), "data:text/html,x");
    monitor.drift.rows[0].cells[0].effect = f64::INFINITY;
    let mut window = sample::window();
    window.features[0].now = Distribution::Quantiles([f64::NAN; 5]);
    window.features[2].then = Distribution::Shares(vec![(hostile(), f64::NAN)]);
    window.features[3].feature = hostile();
    (window.verdict, window.causes[0].evidence) = (hostile(), hostile());
    (window.notes[0].text, window.notes[1].badge.word, window.labels) = (hostile(), hostile(), hostile());
    window.metrics[0].name = hostile();
    window.metrics[1].estimated = Some(Estimate::between(f64::NAN, f64::NEG_INFINITY, f64::NAN));
    window.statistics.as_mut().unwrap().grid.head[1] = hostile();
    let mut remedies = sample::remedies();
    (remedies.pauses[0], remedies.waiting[0].evidence) = (hostile(), hostile());
    (remedies.actions[0].diagnosis, remedies.actions[0].loop_name) =
        (hostile(), Link::new(hostile(), "javascript:alert(1)"));
    (window.panels[0].title, window.panels[0].grid.rows[0][0]) = (hostile(), hostile());
    let mut dataset = sample::dataset();
    (dataset.columns[0].name, dataset.columns[0].low) = (hostile(), hostile());
    dataset.columns[0].histogram = vec![f64::NAN, f64::INFINITY, -1.0];
    dataset.checks[1].examples = Some(FailingRows { columns: vec![hostile()], rows: vec![vec![hostile()], vec![]] });
    let mut prediction = sample::prediction();
    (prediction.answer, prediction.truth, prediction.base) = (hostile(), Some(hostile()), f64::NAN);
    prediction.contributions[0].value = Some(hostile());
    prediction.contributions[1].amount = f64::NEG_INFINITY;
    (prediction.ways_out[0], prediction.standing[0], prediction.method) = (hostile(), hostile(), hostile());
    let mut list = sample::list();
    list.rows[0] = vec![hostile().into(); 9];
    list.next_page = Some("javascript:alert(1)".into());
    for (name, html) in [
        ("run", run.render().unwrap()),
        ("version", version.render().unwrap()),
        ("endpoint", endpoint.render().unwrap()),
        ("monitor", monitor.render().unwrap()),
        ("window", window.render().unwrap()),
        ("remedies", remedies.render().unwrap()),
        ("dataset", dataset.render().unwrap()),
        ("prediction", prediction.render().unwrap()),
        ("list", list.render().unwrap()),
        ("error", ErrorPage::not_found(Shell::default(), &hostile()).render().unwrap()),
    ] {
        assert_sound(name, &html);
        assert!(html.contains("&#60;script&#62;"), "{name} lost the name");
        assert!(html.len() < 100_000, "{name}: {} bytes", html.len());
        assert!(
            !html.contains("javascript:") && !html.contains("evil.example") && !html.contains("data:text"),
            "{name}"
        );
    }
}

#[test]
fn numbers_of_a_table_stand_below_each_other_and_what_is_undefined_is_no_zero() {
    let html = sample::window().render().unwrap();
    assert!(html.contains("<td class=\"n\"><bdi>undefined</bdi></td>"));
    assert!(html.contains("<td class=\"n\"><bdi>0.2115 (0.1707 to 0.2588)</bdi></td>"));
    assert!(html.contains("<td><bdi>temp, humid</bdi></td>"));
    assert!(sample::replay().render().unwrap().contains("<td><bdi>2013-09-17 08:15</bdi></td>"));
    for said in ["0.6621 <span class=\"interval\">0.6321 to 0.6921</span>", "63 % complete", "14 more columns"] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn a_window_far_from_all_days_still_renders() {
    let mut page = sample::several_loops();
    page.loops[0].next_window = Some(Timestamp(i64::MAX));
    page.loops[0].stages.truncate(3);
    page.events.clear();
    assert!(page.render().unwrap().contains("Nothing has happened yet"));
}
