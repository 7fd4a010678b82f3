//! The keys of the loop file: written once, for the decoders and for the JSON Schema.

/// A key of a map.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
    pub(super) about: &'static str,
}

/// What may stand at a key.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Name,
    Duration,
    Share,
    Number,
    Whole,
    Patience,
    Flag,
    Values,
    Parameters,
    Condition,
    Words(&'static [&'static str]),
    Columns,
    Map(&'static [Field]),
    ListOf(&'static Shape),
    Named(&'static [Field]),
    OneOf(&'static [Shape]),
    Limit,
    Suites,
}

use Shape::{
    Columns, Condition, Duration, Flag, ListOf, Map, Name, Named, Number, OneOf, Parameters, Patience, Share, Text,
    Values, Whole, Words,
};

pub(super) const fn must(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { key, required: true, shape, about }
}

pub(super) const fn may(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { key, required: false, shape, about }
}

pub(super) const TASKS: &[&str] = &["classification", "regression"];
pub(super) const SEVERITIES: &[&str] = &["error", "warn"];
pub(super) const TRAINERS: &[&str] = &["gbdt", "linear"];
pub(super) const ACTIONS: &[&str] =
    &["retrain", "rollback", "fallback", "promote", "scale_up", "scale_down", "quarantine", "page"];
pub(super) const RISKS: &[&str] = &["low", "medium", "high"];

pub(super) const LOOP_FILE: &[Field] = &[
    must("name", Name, "the name of the loop; its model and endpoint carry it too"),
    must("task", Words(TASKS), "what the model does"),
    must("data", Named(DATASET), "the datasets by name, each one after those that its SQL reads"),
    must("train", Map(TRAIN), "how versions are made"),
    may("gates", ListOf(&Condition), "what must hold before a version may be promoted; all of them"),
    may("suites", Shape::Suites, "the groups of checks that a version goes through before it may be promoted"),
    may("deploy", Map(DEPLOY), "how a version comes to serve; at once when absent"),
    must("monitor", Map(MONITOR), "what is watched while it serves"),
    may("remedies", ListOf(&Map(REMEDY)), "what is done when something is wrong"),
    may("notify", Map(NOTIFY), "who is told of alerts; secrets stand here by name, as ${{ secrets.NAME }}"),
    may("costs", Map(COSTS), "what things cost, for comparing policies"),
    may("seed", Whole, "the seed of every random choice; 0 when absent"),
];

pub(super) const DATASET: &[Field] = &[
    may("from", Text, "a file or a glob (Parquet, CSV, JSON lines), relative to this file"),
    may("sql", Text, "a file that ends in .sql, or the SQL itself, over the datasets above"),
    may("key", Text, "the column that joins a prediction with what really happened"),
    may("time", Text, "the column with the event time"),
    may("label", Text, "the column to predict"),
    may("label_delay", Duration, "how long after the event time the label is known; 0s when absent"),
    may("weight", Text, "the column of how much each row counts, in training and in judging; all the same when absent"),
    may(
        "group",
        Text,
        "rows with the same value of this column are ranked against each other, as of one query or user",
    ),
    may("checks", ListOf(&Map(super::check_grammar::CHECK)), "the rules that every version of the dataset is held to"),
];

pub(super) const TRAIN: &[Field] = &[
    must("on", Name, "the dataset to learn from"),
    may("window", Duration, "only rows of this much event time; all when absent"),
    must("holdout", OneOf(&[Duration, Share]), "what is kept apart for judging: the latest rows, or a share of them"),
    may("features", Columns, "the columns to learn from; all but those with a role in the dataset when absent"),
    may("exclude", Columns, "columns that are not learned from"),
    may("trusted", Columns, "columns that are known in time although they predict the label suspiciously well"),
    may("uses", Words(TRAINERS), "the built-in trainer; gbdt when neither 'uses' nor 'run' stands"),
    may("run", Text, "the command that trains, instead of a built-in trainer"),
    may("with", Parameters, "parameters of the trainer"),
    may("fairness", Map(REWEIGHING), "what makes the built-in trainers treat groups of people alike"),
];

pub(super) const REWEIGHING: &[Field] = &[must(
    "reweigh",
    OneOf(&[Text, Columns]),
    "columns whose groups get such weights that they and the label are independent in the training rows",
)];

pub(super) const SUITE_FILE: &[Field] = &[must("suites", Shape::Suites, "the groups of checks that run")];

pub(super) const SUITE_LIMITS: &[Field] = &[
    may("rows", Whole, "how many rows are judged at most, drawn at random; 20000 when absent"),
    may("seconds", Whole, "how long it takes at most; 300 when absent"),
];

pub(super) const SUITE_GROUP: &[Field] = &[
    may("skip", Columns, "checks of the group that are left out"),
    may("warn", Columns, "checks whose failure is only told"),
    may("error", Columns, "checks whose failure refuses the version"),
];

pub(super) const ROBUSTNESS: &[Field] =
    &[may("expect", ListOf(&Map(EXPECTATION)), "what is known of how answers move when a column is changed")];

pub(super) const STABILITY: &[Field] = &[may("seeds", Whole, "how often the model is learned again; 3 when absent")];

pub(super) const ANSWERS: &[&str] = &["same", "higher", "lower", "rising", "falling"];

pub(super) const EXPECTATION: &[Field] = &[
    must("column", Text, "the column that is changed"),
    may("add", Number, "this is added to it"),
    may("times", Number, "it is multiplied by this"),
    may("values", Values, "it takes each of these values"),
    must("answer", Words(ANSWERS), "what the answer does; rising and falling: while the column rises"),
];

pub(super) const DEPLOY: &[Field] = &[
    may("environment", Name, "where it serves; production when absent"),
    may(
        "strategy",
        OneOf(&[Words(&["direct"]), Map(CANARY)]),
        "how traffic moves to a new version; direct when absent",
    ),
    may("abort_if", ListOf(&Condition), "what stops a rollout; any of them"),
];

pub(super) const CANARY: &[Field] = &[
    must("canary", ListOf(&Share), "the share of traffic at each step, rising to 100%"),
    must("bake", Duration, "how long each step lasts"),
];

pub(super) const MONITOR: &[Field] = &[
    must("window", OneOf(&[Duration, Map(COUNT)]), "what is judged at once: a slice of event time, or so many rows"),
    may("every", Duration, "how often a window begins, when they overlap; one follows the other when absent"),
    may("late", Duration, "rows and labels that come this late still change a judged window; 7d when absent"),
    may("drift", Map(DRIFT), "the drift alarm"),
    may("performance", Map(PERFORMANCE), "the performance alarm"),
    may("fairness", Map(FAIRNESS), "the groups of people that are compared"),
    may("segments", ListOf(&OneOf(&[Text, Map(SEGMENT)])), "columns or conditions whose rows are judged by themselves"),
    may("alerts", Map(ALERTS), "when a finding becomes an alert, and how often it is told"),
    may("min_rows", Whole, "windows with fewer rows are not judged; 100 when absent"),
];

pub(super) const ALERTS: &[Field] = &[
    may("for", Patience, "how long a finding lasts before its alert fires: 2 windows, or 6h; 1 window when absent"),
    may("clear", Patience, "how long it is gone before its alert is resolved; 2 windows when absent"),
    may("cool_down", Duration, "for how long after a resolution the same is not told again; 1h when absent"),
    may("repeat", Duration, "after how long an alert that nobody took on is told again; 1d when absent"),
    may("runbook", Text, "a URL where it is written what to do"),
    may("labels", Parameters, "what is put on every alert: { team: ml }"),
];

pub(super) const SEVERITY_WORDS: &[&str] = &["critical", "error", "warning", "info"];
pub(super) const FORMATS: &[&str] = flyball_monitoring::notify::Format::WORDS;

pub(super) const NOTIFY: &[Field] = &[
    may("slack", OneOf(&[Text, Map(SLACK)]), "an incoming webhook of Slack"),
    may("pagerduty", OneOf(&[Text, Map(PAGERDUTY)]), "the integration key of a PagerDuty service (Events v2)"),
    may("alertmanager", OneOf(&[Text, Map(ALERTMANAGER)]), "the URL of an Alertmanager"),
    may("webhook", OneOf(&[Text, Map(WEBHOOK)]), "a URL that takes CloudEvents"),
    may("email", Map(EMAIL), "mail by SMTP"),
];

const ROUTE_TO: Field = must("to", Text, "where it leads: a URL, a key, or addresses");
const ROUTE_SEVERITY: Field =
    may("severity", Words(SEVERITY_WORDS), "alerts that are less bad are not told here; info when absent");
const ROUTE_AFTER: Field = may("after", Duration, "told only of what nobody took on for so long; at once when absent");

pub(super) const SLACK: &[Field] = &[ROUTE_TO, ROUTE_SEVERITY, ROUTE_AFTER];
pub(super) const ALERTMANAGER: &[Field] = &[ROUTE_TO, ROUTE_SEVERITY, ROUTE_AFTER];
pub(super) const PAGERDUTY: &[Field] =
    &[ROUTE_TO, may("server", Text, "the URL of the API, when it is not PagerDuty's own"), ROUTE_SEVERITY, ROUTE_AFTER];

pub(super) const WEBHOOK: &[Field] = &[
    ROUTE_TO,
    may("secret", Text, "what deliveries are signed with (Standard Webhooks); a secret by name"),
    may("format", Words(FORMATS), "the form of the body; cloudevents when absent"),
    ROUTE_SEVERITY,
    ROUTE_AFTER,
];

pub(super) const EMAIL: &[Field] = &[
    ROUTE_TO,
    must("from", Text, "the sender"),
    must("server", Text, "smtp://HOST:587 (STARTTLS) or smtps://HOST:465 (TLS)"),
    may("user", Text, "who one is at the server"),
    may("password", Text, "the password at the server; a secret by name"),
    ROUTE_SEVERITY,
    ROUTE_AFTER,
];

pub(super) const COUNT: &[Field] = &[must("rows", Whole, "so many predictions")];

pub(super) const SEGMENT: &[Field] = &[
    must("name", Name, "what the segment is called"),
    must("where", Text, "a condition in SQL on the features: distance > 1000"),
];

pub(super) const COMPATS: &[&str] = &["evidently", "nannyml", "scouter"];

pub(super) const DRIFT: &[Field] = &[
    may("false_alarm_rate", Share, "in which share of drift-free windows an alarm is accepted; 5% when absent"),
    may("effect_floor", Share, "the smallest distance of distributions, 0 to 1, that counts"),
    may("rows_of", Text, "a column: rows that share its value (a session, a device) are not independent"),
    may("compat", Words(COMPATS), "decide as this tool does, with its defaults, instead of at a false-alarm rate"),
    may("multivariate", Flag, "whether changes between columns are looked for too; true when absent"),
];

pub(super) const FAIRNESS: &[Field] = &[
    must("by", Columns, "the features whose groups are compared"),
    may("selection_ratio", Share, "the smallest selection rate must be this share of the largest; 80% when absent"),
];

pub(super) const PERFORMANCE: &[Field] = &[
    must("metric", Text, "the metric"),
    must("floor", Number, "what it must not fall below, or rise above where less is better"),
    may("clear", Number, "what it must reach again before its alert is resolved; the floor when absent"),
];

pub(super) const REMEDY: &[Field] = &[
    may("when", Condition, "the condition, judged on each window"),
    may("every", OneOf(&[Words(&["month"]), Duration]), "the schedule, instead of a condition"),
    must(
        "do",
        OneOf(&[Words(ACTIONS), ListOf(&Words(ACTIONS))]),
        "what is done; of several the first, and the next one when that did not help",
    ),
    may("limits", Map(LIMITS), "within what it may be done"),
    may("dry_run", Flag, "whether it only records what it would do"),
];

pub(super) const LIMITS: &[Field] = &[
    may("cool_down", Duration, "the least time between two actions; 1d when absent, none for a schedule"),
    may("per_day", Whole, "the most actions on a day, UTC"),
    may("per_month", Whole, "the most actions in a calendar month"),
    may("budget", Number, "the most that its actions may cost in a calendar month, by 'costs'"),
    may("min_rows", Whole, "the fewest rows or requests that it acts on"),
    may("environments", ListOf(&Name), "where the loop must serve for it to act; anywhere when absent"),
    may("approval", Words(RISKS), "the risk from which on an action waits for a person; never when absent"),
    may("approval_within", Duration, "for how long it waits; 1d when absent"),
    may("give_up_after", Whole, "after so many actions in vain it pages and stops; 3 when absent"),
    may("concurrency", Map(CONCURRENCY), "between which numbers of requests at the same time it may scale"),
];

pub(super) const CONCURRENCY: &[Field] =
    &[may("min", Whole, "the fewest; 1 when absent"), may("max", Whole, "the most; 64 when absent")];

pub(super) const COSTS: &[Field] = &[
    may("currency", Text, "the currency, for showing"),
    may("retrain", Number, "one training"),
    may("alert", Number, "one alert that a person looks at"),
    may("false_positive", Number, "one negative that is predicted positive"),
    may("false_negative", Number, "one positive that is predicted negative"),
];
