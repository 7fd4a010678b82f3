//! A state as the demo reaches it: a year of flights, drifting in spring, retrained, promoted.

use flyball_core::{Contribution, Feature, FeatureKind, Signature, Task, Timestamp};
use flyball_web::*;

const MONTHS: [&str; 10] = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NEVER: [f64; 10] = [0.698, 0.635, 0.700, 0.676, 0.658, 0.663, 0.641, 0.652, 0.668, 0.672];
const MONTHLY: [f64; 10] = [0.698, 0.642, 0.735, 0.747, 0.749, 0.716, 0.702, 0.698, 0.711, 0.724];
const LOOP: [f64; 10] = [0.698, 0.655, 0.733, 0.744, 0.747, 0.721, 0.700, 0.699, 0.709, 0.726];
const FEATURES: [&str; 12] = [
    "carrier",
    "origin",
    "dest",
    "distance",
    "sched_dep_hour",
    "weekday",
    "temp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

fn shell(section: Section) -> Shell {
    Shell { section, workspace: "default".into(), version: "0.1.0".into(), alerts_firing: 1 }
}

fn badge(state: State, word: &str) -> Badge {
    Badge::new(state, word)
}

fn month_chart(months: usize) -> Chart {
    let series = |name: &str, values: &[f64; 10], spread: f64| Series {
        name: name.into(),
        values: values[..months].to_vec(),
        low: if spread > 0.0 { values[..months].iter().map(|value| value - spread).collect() } else { Vec::new() },
        high: if spread > 0.0 { values[..months].iter().map(|value| value + spread).collect() } else { Vec::new() },
    };
    Chart {
        title: "AUC by month".into(),
        src: "/api/v1/simulations/current/metrics".into(),
        refresh: EVENT_METRICS.into(),
        data: ChartData::by_label(
            "month",
            MONTHS[..months].iter().map(|month| format!("{month} 2013")).collect(),
            vec![
                series("the loop", &LOOP, 0.008),
                series("never retrain", &NEVER, 0.0),
                series("retrain monthly", &MONTHLY, 0.0),
            ],
        ),
    }
}

fn stage(stage: Stage, state: State, event: &str, when: &str, href: String) -> StageView {
    StageView { stage, state, event: event.into(), at: Some(at(when)), href }
}

fn cycle() -> LoopCycle {
    LoopCycle {
        name: "flight-delays".into(),
        badge: badge(State::Attention, "drifting"),
        stages: vec![
            stage(
                Stage::Data,
                State::Ok,
                "departures v9: 27,611 rows, 4 checks passed",
                "2013-09-18 00:00:00",
                links::dataset_version("departures", "9"),
            ),
            stage(
                Stage::Train,
                State::Ok,
                "run amber-lark finished, AUC 0.7121",
                "2013-06-09 00:04:00",
                links::run("run_1"),
            ),
            stage(
                Stage::Gate,
                State::Ok,
                "version 4: 4 of 4 gates hold",
                "2013-06-09 00:05:00",
                links::model_version("flight-delays", "4"),
            ),
            stage(
                Stage::Deploy,
                State::Active,
                "canary at 50 %, baking until 12:00",
                "2013-09-18 06:00:00",
                links::endpoint("flight-delays"),
            ),
            stage(
                Stage::Serve,
                State::Ok,
                "612 predictions in the last day, p99 0.4 ms",
                "2013-09-18 08:15:00",
                links::endpoint("flight-delays"),
            ),
            stage(
                Stage::Monitor,
                State::Attention,
                "dest, temp and humid drifted; AUC 0.671",
                "2013-09-17 00:00:00",
                links::window("flight-delays", "2013-09-16"),
            ),
            stage(
                Stage::Remedy,
                State::Ok,
                "retrained on 90 days (drift and AUC fell by 0.027)",
                "2013-09-17 00:01:00",
                links::run("run_2"),
            ),
        ],
        version: Link::new("flight-delays v4", links::model_version("flight-delays", "4")),
        metric: "AUC".into(),
        now: Some(Estimate::between(0.6713, 0.6498, 0.6921)),
        reference: Some(0.7121),
        alerts_firing: 1,
        next_window: Some(at("2013-09-19")),
    }
}

fn events() -> Vec<Event> {
    let rows = [
        (
            "2013-09-18 06:00:00",
            Stage::Deploy,
            State::Active,
            "canary of version 5 moved from 10 % to 50 %: error rate 0 %, p99 0.4 ms",
        ),
        ("2013-09-18 00:00:00", Stage::Deploy, State::Ok, "canary of version 5 began at 10 %"),
        ("2013-09-17 00:04:10", Stage::Gate, State::Ok, "version 5 holds 4 of 4 gates: AUC 0.7034 (0.6891 to 0.7172)"),
        ("2013-09-17 00:04:00", Stage::Train, State::Ok, "run brave-tern finished in 3.4 s on 24,880 rows"),
        (
            "2013-09-17 00:01:00",
            Stage::Remedy,
            State::Active,
            "retrain: drift and AUC 0.6713 is below reference 0.7121 by more than 0.02",
        ),
        (
            "2013-09-17 00:00:00",
            Stage::Monitor,
            State::Attention,
            "dest, temp and humid drifted in the window of 16 September",
        ),
        ("2013-09-17 00:00:00", Stage::Data, State::Ok, "departures v9: 27,611 rows, 4 checks passed"),
        (
            "2013-07-02 00:03:00",
            Stage::Gate,
            State::Failed,
            "version 3 refused: worst(auc, by: carrier) is 0.5312, wanted at least 0.55",
        ),
        (
            "2013-04-12 00:00:00",
            Stage::Monitor,
            State::Attention,
            "AUC 0.6352 (0.6101 to 0.6590) in the window of 11 April",
        ),
        ("2013-03-01 00:00:00", Stage::Serve, State::Ok, "flight-delays answers with version 1"),
    ];
    rows.into_iter()
        .map(|(when, stage, state, text)| Event {
            at: at(when),
            loop_name: "flight-delays".into(),
            stage,
            state,
            text: text.into(),
            href: links::loop_page("flight-delays"),
        })
        .collect()
}

pub(crate) fn overview(progress: f64) -> OverviewPage {
    let done = progress >= 1.0;
    let outcome = |policy: &str, metrics: [f64; 2], counts: [u64; 3], cost: &str| PolicyOutcome {
        policy: policy.into(),
        metrics: metrics.to_vec(),
        alarms: counts[0],
        retrainings: counts[1],
        rollbacks: counts[2],
        cost: cost.into(),
    };
    let comparison = Comparison {
        metrics: vec!["AUC".into(), "Log loss".into()],
        policies: vec![
            outcome("the loop", [0.7132, 0.4711], [23, 5, 0], "19 s of CPU"),
            outcome("never retrain", [0.6663, 0.5098], [96, 0, 0], "0 s of CPU"),
            outcome("retrain monthly", [0.7122, 0.4719], [0, 9, 0], "34 s of CPU"),
        ],
    };
    OverviewPage {
        shell: shell(Section::Overview),
        simulation: Some(SimulationView {
            title: "A year of New York flights".into(),
            badge: if done { badge(State::Ok, "done") } else { badge(State::Active, "playing") },
            now: Some(at(if done { "2014-01-01" } else { "2013-09-18" })),
            from: Some(at("2013-01-01")),
            to: Some(at("2014-01-01")),
            progress,
            speed: "4.1 days a second".into(),
            predictions: if done { 281_374 } else { 189_402 },
            retrainings: if done { 5 } else { 4 },
            alerts: if done { 23 } else { 17 },
            chart: month_chart(if done { 10 } else { 6 }),
            comparison: done.then_some(comparison),
        }),
        loops: vec![cycle()],
        events: events(),
    }
}

pub(crate) fn several_loops() -> OverviewPage {
    let mut page = overview(0.71);
    page.simulation = None;
    let idle = Stage::ALL.map(StageView::idle).to_vec();
    let fresh = LoopCycle {
        name: "diabetes".into(),
        badge: State::Idle.into(),
        stages: idle,
        metric: "RMSE".into(),
        ..LoopCycle::default()
    };
    let mut broken =
        LoopCycle { name: "churn".into(), badge: badge(State::Failed, "training failed"), alerts_firing: 0, ..cycle() };
    broken.stages[1] = stage(
        Stage::Train,
        State::Failed,
        "run sour-newt failed: the label has one class only",
        "2013-09-17 00:04:00",
        links::run("run_9"),
    );
    broken.stages[3].state = State::Ok;
    broken.stages[5].state = State::Ok;
    page.loops = vec![cycle(), broken, fresh];
    page
}

fn windows() -> Vec<WindowRow> {
    (1..=12)
        .rev()
        .map(|day| WindowRow {
            period: Link::new(format!("2013-09-{:02}", day + 4), links::window("flight-delays", "w")),
            rows: 820 + 13 * day,
            labelled: if day == 12 { 0.0 } else { 0.972 },
            metric: (day < 12).then(|| {
                Estimate::between(0.66 + 0.005 * day as f64, 0.63 + 0.005 * day as f64, 0.69 + 0.005 * day as f64)
            }),
            drifted: if day == 11 { vec!["dest".into(), "temp".into(), "humid".into()] } else { vec![] },
            badge: match day {
                12 => badge(State::Active, "waiting for labels"),
                11 => badge(State::Attention, "drifted"),
                _ => State::Ok.badge(),
            },
        })
        .collect()
}

fn alerts() -> Vec<AlertRow> {
    vec![
        AlertRow {
            at: at("2013-09-17"),
            badge: badge(State::Attention, "firing"),
            text: Link::new("3 of 12 features drifted (dest, temp, humid)", "/alerts"),
            resolved_at: None,
        },
        AlertRow {
            at: at("2013-04-12"),
            badge: badge(State::Idle, "resolved"),
            text: Link::new("AUC 0.6352 is below its floor 0.64", "/alerts"),
            resolved_at: Some(at("2013-04-19")),
        },
    ]
}

fn rollouts() -> Vec<RolloutRow> {
    vec![RolloutRow {
        at: at("2013-09-18"),
        to: Link::new("version 5", links::model_version("flight-delays", "5")),
        from: Link::new("version 4", links::model_version("flight-delays", "4")),
        strategy: "canary 10 % → 50 % → 100 %".into(),
        badge: badge(State::Active, "at 50 %"),
        reason: "error rate 0 %, p99 0.4 ms: advance".into(),
    }]
}

fn performance() -> Chart {
    let days: Vec<f64> = (0..200).map(|day| (at("2013-03-01").0 + day * 86_400_000) as f64).collect();
    let values: Vec<f64> =
        (0..200).map(|day| 0.70 + 0.03 * (f64::from(day) / 17.0).sin() - 0.01 * (f64::from(day) / 5.0).cos()).collect();
    let low = values.iter().map(|value| value - 0.022).collect();
    let high = values.iter().map(|value| value + 0.02).collect();
    let data = ChartData {
        x_label: "window".into(),
        x: days.clone(),
        x_time: true,
        labels: vec![],
        series: vec![Series { name: "AUC".into(), values, low, high }, Series::new("floor", vec![0.62; days.len()])],
    };
    Chart {
        title: "AUC by window".into(),
        src: "/api/v1/monitors/flight-delays/performance".into(),
        refresh: String::new(),
        data,
    }
}

pub(crate) fn loop_page() -> LoopPage {
    let version = |number: u64, aliases: &[&str], auc: f64, gates: Badge| VersionRow {
        version: Link::new(format!("version {number}"), links::model_version("flight-delays", "4")),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        at: at("2013-06-09 00:04:00"),
        metric: Some(Estimate::between(auc, auc - 0.014, auc + 0.014)),
        run: Link::new("amber-lark", links::run("run_1")),
        gates,
    };
    LoopPage {
        shell: shell(Section::Loops),
        cycle: cycle(),
        file: FILE.into(),
        performance: performance(),
        versions: vec![
            version(5, &["challenger"], 0.7034, badge(State::Ok, "4 of 4")),
            version(4, &["champion"], 0.7121, badge(State::Ok, "4 of 4")),
            version(3, &[], 0.6811, badge(State::Failed, "3 of 4")),
            version(2, &[], 0.7002, badge(State::Ok, "4 of 4")),
            version(1, &[], 0.7011, badge(State::Ok, "4 of 4")),
        ],
        windows: windows(),
        alerts: alerts(),
        remedies: vec![
            RemedyRow {
                at: at("2013-09-17 00:01:00"),
                action: Link::new("retrain", links::run("run_2")),
                loop_name: Link::default(),
                badge: badge(State::Ok, "done"),
                evidence: "drift (3 features) and AUC 0.6713 < reference 0.7121 − 0.02".into(),
                diagnosis: "temp: D 0.41 from the reference; recovered after 3d".into(),
            },
            RemedyRow {
                at: at("2013-06-12 00:01:00"),
                action: Link::plain("retrain"),
                loop_name: Link::default(),
                badge: badge(State::Attention, "held back"),
                evidence: "cool-down: the last retraining was 3 d ago, wanted 7 d".into(),
                diagnosis: String::new(),
            },
        ],
        rollouts: rollouts(),
    }
}

fn lineage() -> Vec<LineageStep> {
    vec![
        LineageStep::new("dataset version", "departures v9", links::dataset_version("departures", "9")),
        LineageStep::new("run", "amber-lark", links::run("run_1")),
        LineageStep::new("model version", "flight-delays v4", links::model_version("flight-delays", "4")),
        LineageStep::new("revision", "r4", links::endpoint("flight-delays")),
    ]
}

fn metrics() -> Vec<MetricRow> {
    [
        ("AUC", 0.7121, 0.014),
        ("log loss", 0.4711, 0.008),
        ("Brier score", 0.1529, 0.004),
        ("accuracy", 0.7862, 0.011),
        ("share of late", 0.2231, f64::NAN),
    ]
    .into_iter()
    .map(|(name, value, spread)| MetricRow {
        name: name.into(),
        estimate: if spread > 0.0 {
            Estimate::between(value, value - spread, value + spread)
        } else {
            Estimate::exact(value)
        },
        on: "holdout, 4,810 rows".into(),
    })
    .collect()
}

pub(crate) fn run() -> RunPage {
    let iterations: Vec<f64> = (1..=200).map(f64::from).collect();
    let curve = |floor: f64, rate: f64| iterations.iter().map(|at| floor + 0.2 * (-at / rate).exp()).collect();
    RunPage {
        shell: shell(Section::Runs),
        id: "run_01h2k3m4n5p6q7r8s9t0v1w2x3".into(),
        name: "amber-lark".into(),
        badge: badge(State::Ok, "finished"),
        facts: vec![
            Fact::link("loop", "flight-delays", links::loop_page("flight-delays")),
            Fact::new("started", "2013-06-09 00:01"),
            Fact::new("took", "3.4 s"),
            Fact::new("window", "2013-03-11 to 2013-06-08"),
            Fact::new("rows", "76,290"),
            Fact::new("commit", "9f2c1e4"),
            Fact::link("produced", "flight-delays v4", links::model_version("flight-delays", "4")),
        ],
        lineage: lineage(),
        parameters: [("trainer", "gbdt"), ("trees", "200"), ("depth", "6"), ("learning_rate", "0.1"), ("seed", "42")]
            .into_iter()
            .map(|(name, value)| Fact::new(name, value))
            .collect(),
        metrics: metrics(),
        curve: Chart {
            title: "Log loss by iteration".into(),
            data: ChartData::by_number(
                "iteration",
                iterations.clone(),
                vec![Series::new("validation", curve(0.47, 40.0)), Series::new("training", curve(0.44, 55.0))],
            ),
            ..Chart::default()
        },
        importance: FEATURES
            .iter()
            .enumerate()
            .map(|(at, feature)| Importance { feature: (*feature).into(), amount: 0.42 / (at as f64 + 1.0) })
            .collect(),
    }
}

pub(crate) fn model_version() -> ModelVersionPage {
    let gate = |expression: &str, holds, evidence: &str| GateRow {
        expression: expression.into(),
        holds,
        evidence: evidence.into(),
    };
    let slice = |value: &str, rows, auc: f64, spread: f64, worst| SliceRow {
        value: value.into(),
        rows,
        estimate: Estimate::between(auc, auc - spread, auc + spread),
        worst,
    };
    ModelVersionPage {
        shell: shell(Section::Models),
        name: "flight-delays".into(),
        version: "4".into(),
        aliases: vec!["champion".into()],
        badge: badge(State::Ok, "serving"),
        facts: vec![
            Fact::new("made", "2013-06-09 00:04"),
            Fact::new("format", "ONNX"),
            Fact::new("size", "412.6 KiB"),
            Fact::new("digest", "b3:9f2c1e4d…"),
        ],
        lineage: lineage(),
        gates: vec![
            gate("auc >= 0.65", Some(true), "0.7121 (0.6981 to 0.7258) on 4,810 rows"),
            gate(
                "auc >= champion.auc - 0.005",
                Some(true),
                "0.7121 against 0.6862 of version 2: +0.0259 (+0.0131 to +0.0388)",
            ),
            gate("worst(auc, by: carrier) >= 0.55", Some(true), "0.6123 at carrier HA"),
            gate("ratio(selection_rate, by: origin) >= 0.8", None, "LGA has 12 rows only"),
        ],
        metrics: metrics(),
        slices: vec![
            SliceTable {
                by: "origin".into(),
                metric: "AUC".into(),
                rows: vec![
                    slice("EWR", 1711, 0.7202, 0.02, false),
                    slice("JFK", 1622, 0.7144, 0.02, false),
                    slice("LGA", 1477, 0.6962, 0.03, true),
                ],
            },
            SliceTable {
                by: "carrier".into(),
                metric: "AUC".into(),
                rows: ["UA", "B6", "EV", "DL", "AA", "HA"]
                    .iter()
                    .enumerate()
                    .map(|(at, carrier)| slice(carrier, 900 - 150 * at as u64, 0.74 - 0.02 * at as f64, 0.02, at == 5))
                    .collect(),
            },
        ],
        signature: Some(Signature {
            task: Task::Classification,
            features: FEATURES
                .iter()
                .enumerate()
                .map(|(at, name)| Feature {
                    name: (*name).into(),
                    kind: if at < 3 { FeatureKind::Text } else { FeatureKind::Number },
                })
                .collect(),
            classes: vec!["on time".into(), "late".into()],
        }),
    }
}

pub(crate) fn endpoint() -> EndpointPage {
    let revision = |name: &str, version: &str, share, badge, requests| RevisionRow {
        revision: name.into(),
        version: Link::new(format!("flight-delays v{version}"), links::model_version("flight-delays", version)),
        share,
        badge,
        requests,
        errors: 0,
        latency_p50_ms: 0.021,
        latency_p99_ms: 0.41,
    };
    let step = |share, badge, when: Option<&str>| RolloutStep { share, badge, at: when.map(at) };
    EndpointPage {
        shell: shell(Section::Endpoints),
        name: "flight-delays".into(),
        badge: badge(State::Active, "rolling out"),
        facts: vec![
            Fact::new("environment", "production"),
            Fact::new("address", "POST /v2/models/flight-delays/infer"),
            Fact::link("loop", "flight-delays", links::loop_page("flight-delays")),
            Fact::link("monitor", "flight-delays", links::monitor("flight-delays")),
        ],
        revisions: vec![
            revision("r5", "5", 0.5, badge(State::Active, "canary"), 412),
            revision("r4", "4", 0.5, badge(State::Ok, "serving"), 84_120),
            revision("r2", "2", 0.0, badge(State::Idle, "retired"), 51_337),
        ],
        rollout: Some(RolloutView {
            title: "version 4 → version 5".into(),
            badge: badge(State::Active, "baking"),
            steps: vec![
                step(0.1, badge(State::Ok, "passed"), Some("2013-09-18 00:00:00")),
                step(0.5, badge(State::Active, "baking"), Some("2013-09-18 06:00:00")),
                step(1.0, badge(State::Idle, "ahead"), None),
            ],
            decisions: vec![
                DecisionRow {
                    at: at("2013-09-18 06:00:00"),
                    badge: badge(State::Ok, "advance"),
                    evidence: "error_rate 0 % (limit 1 %), latency_p99_ms 0.4 (limit 50), 61 requests".into(),
                },
                DecisionRow {
                    at: at("2013-09-18 00:00:00"),
                    badge: badge(State::Ok, "begin"),
                    evidence: "version 5 holds its gates".into(),
                },
            ],
        }),
        traffic: Chart { title: "Requests by day".into(), ..performance() },
        rollouts: rollouts(),
        predictions: (0..5)
            .map(|row| PredictionRow {
                at: at("2013-09-18 08:15:00"),
                prediction: Link::new(format!("prd_0{row}h2k3m4"), links::prediction("prd_1")),
                answer: "late, 0.7312".into(),
                truth: if row > 2 { "late".into() } else { String::new() },
                revision: "r4".into(),
            })
            .collect(),
    }
}

pub(crate) fn monitor() -> MonitorPage {
    let effect = |feature: usize, window: usize| {
        ((feature * 7 + window * 3) % 11) as f64 / 260.0
            + if [2, 6, 7].contains(&feature) { window as f64 / 38.0 } else { 0.0 }
    };
    MonitorPage {
        shell: shell(Section::Monitors),
        name: "flight-delays".into(),
        badge: badge(State::Attention, "1 alert firing"),
        facts: vec![
            Fact::link("endpoint", "flight-delays", links::endpoint("flight-delays")),
            Fact::new("window", "1d"),
            Fact::new("false alarms", "5 % of windows"),
            Fact::new("metric", "AUC, floor 0.62"),
        ],
        performance: performance(),
        drift: HeatMap {
            windows: (1..=18)
                .map(|day| Link::new(format!("09-{day:02}"), links::window("flight-delays", "w")))
                .collect(),
            rows: FEATURES
                .iter()
                .enumerate()
                .map(|(row, feature)| HeatRow {
                    feature: (*feature).into(),
                    cells: (0..18)
                        .map(|window| HeatCell {
                            effect: if window == 4 { f64::NAN } else { effect(row, window) },
                            drifted: effect(row, window) > 0.36,
                        })
                        .collect(),
                })
                .collect(),
            unshown: 3,
        },
        windows: windows(),
        alerts: alerts(),
    }
}

fn text_grid(head: &[&str], rows: &[&[&str]]) -> Grid {
    Grid::new(head, rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect())
}

/// What a window shows beside the drift of its columns.
fn window_panels() -> Vec<Panel> {
    let panel = |title: &str, text: &str, grid: Grid| Panel {
        title: title.into(),
        text: text.into(),
        grid,
        ..Panel::default()
    };
    let quality: &[&[&str]] =
        &[&["wind_gust", "85.3 %", "66.6 %", "–", "0 %", "0 %"], &["dest", "0 %", "0 %", "0.3 %", "–", "0 %"]];
    let segments: &[&[&str]] = &[
        &["origin = EWR", "331", "322", "0.6812 (0.6123 to 0.7501)", "temp, humid"],
        &["origin = LGA", "24", "24", "–", "none"],
    ];
    let groups: &[&[&str]] = &[
        &["EWR", "331", "0.2115 (0.1707 to 0.2588)", "0.4100 (0.3180 to 0.5089)", "0.1302 (0.0911 to 0.1827)"],
        &["JFK", "284", "0.1796 (0.1392 to 0.2285)", "undefined", "0.1011 (0.0677 to 0.1483)"],
    ];
    let mut fairness = panel(
        "Groups of origin",
        "1 groups of fewer than 10 rows are withheld: they could tell about people. JFK has no late flight yet.",
        text_grid(&["Group", "Rows", "selection rate", "true positive rate", "false positive rate"], groups),
    );
    fairness.facts = vec![Fact::new("lowest selection rate", "84.9 % of the highest (JFK against EWR)")];
    fairness.folded = Some(Folded {
        title: "All rates".into(),
        grid: text_grid(&["Group", "Rows", "accuracy"], &[&["EWR", "331", "0.7462 (0.6966 to 0.7902)"]]),
    });
    vec![
        panel(
            "Quality",
            "",
            text_grid(&["Feature", "Missing", "Before", "Never seen", "Out of range", "Other type"], quality),
        ),
        panel(
            "Features together",
            "The rows lie 1.32 standard deviations from the directions in which the reference varies (its principal \
             components); parts of the reference itself lie 0.91 to 1.12 from them. That is outside: single columns may \
             look as before, and their combinations do not. 963 rows without a missing value were counted.",
            Grid::default(),
        ),
        panel(
            "Told from the reference",
            "A classifier learned to tell rows of this window from rows of the reference; its AUC on other rows is 0.6312 \
             (0.6011 to 0.6613), where 0.5 is guessing (p 0.0010, 963 rows of each).",
            text_grid(&["Feature", "Share"], &[&["temp", "48.1 %"], &["humid", "31 %"]]),
        ),
        panel(
            "How the model reasons",
            "The features that matter most are in the same order to 0.871 (NDCG; 1 is the same, below 0.9 is much).",
            text_grid(
                &["Feature", "Share before", "Share now", "Change, 99 % sure"],
                &[&["temp", "8.1 %", "17.4 %", "+0.0641 to +0.1219"]],
            ),
        ),
        panel("Segments", "", text_grid(&["Segment", "Predictions", "Labelled", "AUC", "Drifted"], segments)),
        fairness,
        panel(
            "Fairness by origin",
            "A difference of 0 and a ratio of 1 are perfectly alike; gates and windows know these names.",
            text_grid(
                &["Measure", "Value", "What it says"],
                &[
                    &["demographic parity difference", "0.0319", "difference in selection rate"],
                    &["equal opportunity difference", "undefined", "difference in true positive rate"],
                ],
            ),
        ),
    ]
}

fn window_metrics() -> Vec<WindowMetric> {
    [("AUC", 0.6713, 0.6621, 0.7121), ("log loss", 0.5124, 0.5018, 0.4711), ("accuracy", 0.7462, 0.7519, 0.7862)]
        .into_iter()
        .map(|(name, measured, estimated, reference)| {
            let around = |value: f64, spread: f64| Some(Estimate::between(value, value - spread, value + spread));
            WindowMetric {
                name: name.into(),
                measured: around(measured, 0.03),
                estimated: around(estimated, 0.03),
                reference: around(reference, 0.014),
            }
        })
        .collect()
}

pub(crate) fn window() -> WindowPage {
    let number = |feature: &str, drifted, effect, then: [f64; 5], now: [f64; 5]| FeatureDrift {
        feature: feature.into(),
        effect_name: "D".into(),
        effect,
        adjusted: if drifted { 0.0 } else { 0.611 },
        drifted,
        then: Distribution::Quantiles(then),
        now: Distribution::Quantiles(now),
    };
    let levels = |shares: [f64; 3]| {
        Distribution::Shares(
            ["EWR", "JFK", "LGA"].iter().zip(shares).map(|(level, share)| ((*level).to_owned(), share)).collect(),
        )
    };
    let note = |state, word: &str, text: &str| Note { badge: badge(state, word), text: text.into() };
    let cause = |what: &str, evidence: &str, suggestion: &str| CauseRow {
        what: what.into(),
        evidence: evidence.into(),
        suggestion: suggestion.into(),
    };
    WindowPage {
        shell: shell(Section::Monitors),
        monitor: Link::new("flight-delays", links::monitor("flight-delays")),
        period: "2013-09-16 – 2013-09-19".into(),
        badge: badge(State::Attention, "drift"),
        verdict: "2 of 4 columns drifted: temp, humid.".into(),
        notes: vec![
            note(
                State::Failed,
                "pages",
                "temp, humid: drifted in two windows in a row, and too strongly to be chance within a year.",
            ),
            note(
                State::Attention,
                "unfair",
                "selection rate of JFK is 0.71 of EWR's by origin; at least 0.8 is asked for",
            ),
        ],
        causes: vec![
            cause(
                "data is missing upstream",
                "9 features went missing at once",
                "keep the data from being learned (quarantine)",
            ),
            cause(
                "the features changed (covariate shift)",
                "temp: D 0.41 from the reference; humid: D 0.38",
                "retrain",
            ),
        ],
        panels: window_panels(),
        facts: vec![
            Fact::new("predictions", "963"),
            Fact::new("labels complete", "63 %"),
            Fact::link("answered by", "flight-delays 4, 963 rows", links::model_version("flight-delays", "4")),
        ],
        labels:
            "Labels are 63 % complete, more are due: until then the estimates count, which follow from the model's own \
                 answers; what is measured is of the labels that came first."
                .into(),
        metrics: window_metrics(),
        more_metrics: vec![WindowMetric {
            name: "Matthews correlation (MCC)".into(),
            measured: Some(Estimate::exact(0.1534)),
            estimated: None,
            reference: None,
        }],
        unshown: 14,
        statistics: Some(Folded {
            title: "All statistics".into(),
            grid: text_grid(
                &["Feature", "p", "psi", "wasserstein"],
                &[&["temp", "< 1e−16", "0.8812", "0.4121"], &["origin", "0.3100", "0.0021", "–"]],
            ),
        }),
        features: vec![
            number("temp", true, 0.41, [38.0, 48.0, 57.9, 68.0, 79.0], [60.1, 66.0, 71.1, 77.0, 84.9]),
            number("humid", true, 0.38, [28.0, 41.0, 55.0, 72.0, 90.0], [44.0, 58.0, 69.0, 80.0, 93.0]),
            FeatureDrift {
                feature: "origin".into(),
                effect_name: "TV".into(),
                effect: 0.02,
                adjusted: 0.52,
                drifted: false,
                then: levels([0.36, 0.33, 0.31]),
                now: levels([0.34, 0.33, 0.33]),
            },
            number(
                "distance",
                false,
                0.03,
                [187.0, 509.0, 872.0, 1389.0, 2475.0],
                [187.0, 502.0, 888.0, 1389.0, 2475.0],
            ),
        ],
        alerts: alerts(),
    }
}

pub(crate) fn dataset() -> DatasetPage {
    let bell = |shift: f64| (0..20).map(|bin| (-(f64::from(bin) - shift).powi(2) / 18.0).exp() * 900.0).collect();
    let column = |name: &str, kind: &str, role: &str, low: &str, middle: &str, high: &str, shift| ColumnProfile {
        name: name.into(),
        kind: kind.into(),
        role: role.into(),
        missing: if shift > 9.0 { 0.0281 } else { 0.0 },
        distinct: 3412,
        low: low.into(),
        middle: middle.into(),
        high: high.into(),
        histogram: bell(shift),
    };
    DatasetPage {
        shell: shell(Section::Data),
        name: "departures".into(),
        version: "9".into(),
        badge: badge(State::Attention, "1 warning"),
        facts: vec![
            Fact::new("rows", "27,611"),
            Fact::new("size", "1.9 MiB"),
            Fact::new("made", "2013-09-18 00:00"),
            Fact::new("digest", "b3:77ac03d1…"),
        ],
        lineage: vec![
            LineageStep::new("inputs", "flights v9", links::dataset_version("flights", "9"))
                .and("weather v9", links::dataset_version("weather", "9")),
            LineageStep::new("dataset version", "departures v9", ""),
        ],
        columns: vec![
            column("flight_id", "text", "key", "2013-08-01-UA-1141-EWR", "", "2013-08-31-B6-725-JFK", 9.0),
            column(
                "scheduled_at",
                "time",
                "event time",
                "2013-08-01 05:00",
                "2013-08-16 14:00",
                "2013-08-31 23:59",
                8.0,
            ),
            column("carrier", "text", "", "UA", "", "HA", 2.0),
            column("distance", "number", "", "94", "872", "4,983", 5.0),
            column("temp", "number", "", "57.2", "75", "96.1", 12.0),
            column("late", "text", "label", "on time", "", "late", 4.0),
        ],
        checks: vec![
            CheckRow { rule: "unique: [flight_id]".into(), badge: badge(State::Ok, "passed"), ..CheckRow::default() },
            CheckRow {
                rule: "between: { column: distance, min: 100, max: 6000, severity: warn }".into(),
                badge: badge(State::Attention, "warning"),
                failing: 41,
                examples: Some(FailingRows {
                    columns: vec!["flight_id".into(), "distance".into()],
                    rows: vec![
                        vec!["2013-08-02-US-1632-EWR".into(), "17".into()],
                        vec!["2013-08-09-EV-4333-EWR".into(), "94".into()],
                    ],
                }),
            },
        ],
    }
}

pub(crate) fn prediction() -> PredictionPage {
    let amounts = [0.612, 0.402, -0.311, 0.213, -0.142, 0.091, -0.05, 0.021, 0.013, -0.009];
    let values = ["17", "EV", "0.02", "EWR", "4", "82.9", "66.1", "ORD", "719", "10"];
    let names =
        ["sched_dep_hour", "carrier", "precip", "origin", "weekday", "temp", "humid", "dest", "distance", "visib"];
    let mut steps = lineage();
    steps.push(LineageStep::new("row", "2013-09-18-EV-4333-EWR", ""));
    PredictionPage {
        shell: shell(Section::Endpoints),
        id: "prd_01h2k3m4n5p6q7r8s9t0v1w2x3".into(),
        answer: "late, with probability 0.7312".into(),
        truth: Some("late (arrived 43 minutes behind)".into()),
        badge: badge(State::Ok, "right"),
        facts: vec![
            Fact::new("asked", "2013-09-18 08:15"),
            Fact::link("endpoint", "flight-delays", links::endpoint("flight-delays")),
            Fact::new("took", "0.02 ms"),
        ],
        base: -1.214,
        unit: "log-odds".into(),
        method: "exact, from the trees and what of the training passed their splits".into(),
        standing: (0..names.len()).map(|at| format!("above {} % of training", 91 - 7 * at)).collect(),
        unexplained: None,
        ways_out: vec!["on time, with sched_dep_hour 14 instead of 17".into()],
        contributions: names
            .iter()
            .zip(values)
            .zip(amounts)
            .map(|((feature, value), amount)| Contribution {
                feature: (*feature).into(),
                value: (value != "10").then(|| value.to_owned()),
                amount,
            })
            .collect(),
        lineage: steps,
    }
}

pub(crate) fn list() -> ListPage {
    ListPage {
        shell: shell(Section::Runs),
        title: "Runs".into(),
        columns: vec![
            Column::text("Run"),
            Column::text("State"),
            Column::text("Loop"),
            Column::number("Rows"),
            Column::number("AUC"),
            Column::text("Started"),
        ],
        rows: (0..12)
            .map(|row| {
                vec![
                    Link::new(format!("amber-lark-{row}"), links::run("r")).into(),
                    badge(
                        if row == 3 { State::Failed } else { State::Ok },
                        if row == 3 { "failed" } else { "finished" },
                    )
                    .into(),
                    "flight-delays".into(),
                    format::count(76_290 - row * 331).into(),
                    format::metric(0.71 - row as f64 / 300.0).into(),
                    "2013-06-09 00:01".into(),
                ]
            })
            .collect(),
        empty_text: "No runs yet.".into(),
        next_page: Some("/runs?after=r".into()),
    }
}

pub(crate) fn not_found() -> ErrorPage {
    ErrorPage::not_found(shell(Section::Elsewhere), "/runs/run_unknown")
}

const FILE: &str = "name: flight-delays
task: classification

data:
  flights: { from: data/flights.parquet }
  weather: { from: data/weather.csv }
  departures:              # a new version whenever an input has one
    sql: features.sql
    key: flight_id
    time: scheduled_at
    label: late
    label_delay: 1d
    checks:
      - unique: [flight_id]
      - not_null: [carrier, origin, dest]

train:
  on: departures
  window: 90d
  holdout: 14d
  uses: gbdt
  with: { trees: 200 }

gates:
  - auc >= 0.65
  - auc >= champion.auc - 0.005

notify: { slack: \"${{ secrets.SLACK_URL }}\" }
";

pub(crate) fn alert() -> AlertPage {
    let at = Timestamp(1_379_000_000_000);
    AlertPage {
        shell: shell(Section::Alerts),
        summary: "auc is 0.571, its floor is 0.6".into(),
        badge: Badge::new(State::Failed, "firing"),
        facts: vec![
            Fact::new("severity", "critical"),
            Fact::link("loop", "flight-delays", links::loop_page("flight-delays")),
        ],
        evidence: vec![Fact::new("measured", "0.571 (0.548 to 0.594) on 2143 rows")],
        diagnosis: vec!["covariate shift: D 0.21 from the reference".into()],
        done: vec!["2013-09-12 16:00: retrain (drift and log_loss > reference.log_loss * 1.1)".into()],
        next: vec!["see on which slices it fell and what changed before".into()],
        runbook: "https://wiki.example/flight-delays".into(),
        acknowledge: Some(links::alert_decision("alt_1", "acknowledge")),
        resolve: Some(links::alert_decision("alt_1", "resolve")),
        silence: Some(links::alert_decision("alt_1", "silence")),
        history: vec![AlertStep {
            at,
            state: "firing".into(),
            who: "loop:flight-delays".into(),
            note: "auc is 0.571, its floor is 0.6".into(),
        }],
        told: vec![DeliveryRow {
            at,
            route: Link::plain("slack"),
            event: "trigger".into(),
            badge: Badge::new(State::Ok, "delivered"),
            tries: 1,
            note: String::new(),
        }],
    }
}

pub(crate) fn card() -> CardPage {
    CardPage {
        shell: shell(Section::Models),
        name: "flight-delays".into(),
        version: Link::new("flight-delays version 4", links::model_version("flight-delays", "4")),
        description: "Will this flight arrive more than 15 minutes late?".into(),
        markdown: Link::new("Markdown", links::card_markdown("flight-delays", "4")),
        sections: vec![
            Panel {
                title: "What people say".into(),
                text: "Not said yet: oversight (who can overrule it, and how). A tag of the version says it: \
                       card.intended_use, and so on."
                    .into(),
                facts: vec![Fact::new("intended use", "planning of gates, one day ahead")],
                ..Panel::default()
            },
            Panel {
                title: "Gates".into(),
                grid: text_grid(
                    &["Gate", "Outcome"],
                    &[&["auc >= 0.6", "holds"], &["auc >= champion.auc", "undecided"]],
                ),
                ..Panel::default()
            },
            Panel {
                title: "Metrics".into(),
                facts: vec![Fact::new("held-out rows", "4,810")],
                grid: text_grid(&["Metric", "Value", "95 % interval"], &[&["AUC", "0.7121", "0.6981 to 0.7261"]]),
                folded: Some(Folded {
                    title: "24 more metrics".into(),
                    grid: text_grid(
                        &["Metric", "Value", "95 % interval"],
                        &[&["precision", "0.8080", "0.7547 to 0.8520"]],
                    ),
                }),
                ..Panel::default()
            },
        ],
    }
}

pub(crate) fn remedies() -> RemediesPage {
    let actions = loop_page().remedies.into_iter();
    let named = |row| RemedyRow { loop_name: Link::new("flight-delays", links::loop_page("flight-delays")), ..row };
    RemediesPage {
        shell: shell(Section::Loops),
        pauses: vec!["flight-delays: paused by ana until 2013-09-20: the weather service moves".into()],
        waiting: vec![WaitingRow {
            loop_name: Link::new("flight-delays", links::loop_page("flight-delays")),
            action: "retrain".into(),
            until: at("2013-09-19"),
            evidence: "drift and log_loss > reference.log_loss * 1.1 (log_loss 0.626, reference.log_loss 0.553)".into(),
            approve: links::remedy_decision("act_1", "approve"),
            deny: links::remedy_decision("act_1", "deny"),
        }],
        facts: vec![Fact::new("helped", "3"), Fact::new("did not help", "1"), Fact::new("mean time to recovery", "3d")],
        actions: actions.map(named).collect(),
    }
}

/// Recorded traffic asked of a candidate.
pub(crate) fn replay() -> EvaluationPage {
    let differences = ChartData::by_number(
        "candidate less recorded",
        vec![-0.2, -0.1, 0.0, 0.1, 0.2],
        vec![Series::new("rows", vec![12.0, 140.0, 611.0, 180.0, 20.0])],
    );
    let panel = |title: &str, text: &str, grid: Grid| Panel {
        title: title.into(),
        text: text.into(),
        grid,
        ..Panel::default()
    };
    EvaluationPage {
        shell: shell(Section::Evaluations),
        id: "eval_1123456789abcdefghjkmnpqrs".into(),
        title: "flight-delays 5 on flight-delays".into(),
        badge: Badge::new(State::Failed, "failed"),
        verdict: "Not good enough: log_loss is proven worse. 31 of 963 decisions turn (3.2 %, 2.3 % to 4.5 % at 95 %)."
            .into(),
        facts: vec![
            Fact::link("version", "flight-delays 5", links::model_version("flight-delays", "5")),
            Fact::link("traffic of", "flight-delays", links::endpoint("flight-delays")),
            Fact::new("events", "2013-09-11 – 2013-09-18"),
            Fact::new("decisions that turn", "3.2 %, 2.3 % to 4.5 % at 95 %"),
            Fact::new("per row now, candidate", "0.021 ms, 0.024 ms"),
        ],
        charts: vec![Chart { title: "differences of the answers".into(), data: differences, ..Chart::default() }],
        panels: vec![
            panel(
                "Against what happened",
                "The truth of 607 rows is known.",
                text_grid(
                    &["Metric", "Difference", "95 % interval", "p", "This version is"],
                    &[
                        &["log loss", "+0.0211", "0.0090 to 0.0331", "0.0006", "worse (paired bootstrap, 607 rows)"],
                        &["AUC", "−0.0042", "−0.0131 to 0.0047", "0.3554", "not proven to differ (DeLong, 607 rows)"],
                    ],
                ),
            ),
            panel(
                "Rows that differ most",
                "",
                text_grid(
                    &["Prediction", "At", "Recorded", "Candidate", "Decision"],
                    &[&["prd_01h2k3m4n5p6q7r8s9t0v1w2x3", "2013-09-17 08:15", "0.4912", "0.7312", "turns"]],
                ),
            ),
        ],
        ..EvaluationPage::default()
    }
}

fn mitigation() -> Panel {
    Panel {
        title: "What would make origin more alike".into(),
        text: "One threshold for each group brings them within 0.05, found on these rows: look at the same on others \
               before it is used, and at whether the law allows it."
            .into(),
        facts: vec![Fact::new("demographic parity", "0.083 apart becomes 0.048, accuracy 0.746 becomes 0.741")],
        grid: text_grid(
            &["Alike in", "Group", "Rows", "Threshold", "selection rate", "true positive rate"],
            &[
                &["demographic parity", "EWR", "331", "0.53", "0.2115 → 0.1901", "0.41 → 0.388"],
                &["demographic parity", "JFK", "284", "0.47", "0.1284 → 0.1421", "undefined → undefined"],
            ],
        ),
        ..Panel::default()
    }
}

pub(crate) fn evaluation() -> EvaluationPage {
    let head = ["change", "flip rate", "rows"].map(str::to_owned).to_vec();
    let evidence =
        Grid { head, rows: vec![vec!["numbers: all, deviations: 0.1".into(), "0.1435".into(), "2,000".into()]] };
    let row = |name: &str, badge: Badge, value: f64, threshold: f64, explanation: &str| SuiteRow {
        name: name.into(),
        badge,
        value,
        interval: "0.1288 to 0.1596".into(),
        threshold,
        explanation: explanation.into(),
        evidence: Grid::default(),
    };
    let turned = "287 of 2000 decisions turn when every number shifts by 0.1 deviations; smooth the model";
    let warned = SuiteRow { evidence, ..row("noise", Badge::new(State::Attention, "warned"), 0.1435, 0.1, turned) };
    let passed = row("floor", Badge::new(State::Ok, "passed"), 0.7213, 0.7, "the AUC is 0.721");
    let group = |title: &str, rows: Vec<SuiteRow>| CheckGroup { title: title.into(), rows };
    let roc = ChartData::by_number(
        "false positive rate",
        vec![0.0, 0.2, 1.0],
        vec![Series::new("true positive rate", vec![0.0, 0.6, 1.0])],
    );
    EvaluationPage {
        shell: shell(Section::Evaluations),
        id: "eval_0123456789abcdefghjkmnpqrs".into(),
        title: "flight-delays 4 on departures@7".into(),
        badge: Badge::new(State::Ok, "passed"),
        verdict: "No check has failed. Of 50 checks 1 warned, 36 passed, 13 did not apply.".into(),
        facts: vec![Fact::link("version", "flight-delays 4", links::model_version("flight-delays", "4"))],
        metrics: vec![MetricRow {
            name: "auc".into(),
            estimate: Estimate::between(0.7213, 0.713, 0.729),
            on: "held-out rows".into(),
        }],
        charts: vec![Chart { title: "ROC".into(), data: roc, ..Chart::default() }],
        checks: vec![group("What needs a look", vec![warned]), group("Performance", vec![passed])],
        more_metrics: metrics(),
        slices: model_version().slices,
        panels: window_panels().split_off(5).into_iter().chain([mitigation()]).collect(),
        ..EvaluationPage::default()
    }
}

pub(crate) fn label_project() -> LabelProjectPage {
    LabelProjectPage {
        shell: shell(Section::Labels),
        name: "messages".into(),
        badge: Badge::new(State::Active, "open"),
        facts: vec![Fact::new("asked for", "one class"), Fact::new("tasks done", "4 of 6")],
        done: 4.0 / 6.0,
        instructions: "What does the customer want solved first?".into(),
        agreement: vec![Fact::new("Krippendorff's alpha", "0.667")],
        annotators: vec![AnnotatorRow { name: "ann".into(), answers: 5, agreement: "75 %".into() }],
        functions: vec![FunctionRow {
            name: "refunds".into(),
            class: "payment".into(),
            sql: "text ILIKE '%refund%'".into(),
        }],
        commits: vec![LabelCommitRow {
            at: Timestamp(1_356_998_400_000),
            version: Link::new("messages-labels@1", links::dataset_version("messages-labels", "1")),
            labels: 5,
            consensus: "majority".into(),
            who: "user:local".into(),
        }],
    }
}

pub(crate) fn annotate() -> AnnotatePage {
    AnnotatePage {
        shell: shell(Section::Labels),
        name: "messages".into(),
        annotator: "user:local".into(),
        reviewing: false,
        settings: "{\"kind\": \"pairwise\", \"classes\": [], \"show\": []}".into(),
        instructions: "Which answer helps more?".into(),
        keys: vec![("1 or ←".into(), "the left one".into()), ("Enter".into(), "submit".into())],
    }
}
