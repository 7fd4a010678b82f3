//! The keys of the checks of a dataset.

use super::grammar::Shape::{
    Columns, Duration, Flag, Map, Number, OneOf, Parameters, Share, Text, Values, Whole, Words,
};
use super::grammar::{Field, SEVERITIES, may, must};

pub(super) const CHECK: &[Field] = &[
    may("row_count", Map(COUNT), "the number of rows lies in a range"),
    may("column_count", Map(COUNT), "the number of columns lies in a range"),
    may("schema", Parameters, "the columns are these, with these types: float, int, bool, text or time"),
    may("column_exists", Columns, "these columns are there, whatever else there is"),
    may("type", Map(TYPE), "a column has a type"),
    may("not_null", Columns, "none of these columns has a missing value"),
    may("null_rate", Map(NULL_RATE), "at most this share of the values is missing"),
    may("unique", Columns, "no two rows agree in all of these columns"),
    may("duplicate_rows", Map(DUPLICATES), "at most this share of the rows repeats another in every column"),
    may("distinct_count", Map(FIGURE), "the number of different values lies in a range"),
    may("in_set", Map(VALUE_SET), "values are among these"),
    may("not_in_set", Map(VALUE_SET), "values are not among these"),
    may("distinct_set", Map(WHOLE_SET), "the values that appear are exactly these"),
    may("references", Map(REFERENCES), "values appear in a column of another dataset"),
    may("between", Map(RANGE), "numbers or times lie in a range, its ends included"),
    may("min", Map(FIGURE), "the smallest value lies in a range"),
    may("max", Map(FIGURE), "the largest value lies in a range"),
    may("mean", Map(FIGURE), "the mean lies in a range"),
    may("median", Map(FIGURE), "the median lies in a range"),
    may("stdev", Map(FIGURE), "the standard deviation lies in a range"),
    may("sum", Map(FIGURE), "the sum lies in a range"),
    may("quantile", Map(QUANTILE), "a quantile lies in a range"),
    may("length", Map(LENGTH), "the number of characters of texts lies in a range"),
    may("regex", Map(PATTERN), "text matches a regular expression somewhere"),
    may("like", Map(PATTERN), "text is like a pattern of SQL, with % and _"),
    may("date_format", Map(DATE_FORMAT), "text is a date or time of a format, as in strftime"),
    may("json", Map(JSON), "text is JSON"),
    may("increasing", Map(ORDER), "no value is smaller than the one before it"),
    may("decreasing", Map(ORDER), "no value is larger than the one before it"),
    may("compare", Map(COMPARE), "two columns of a row stand in a relation"),
    may("expression", Text, "a condition in SQL over the columns of a row does not give false"),
    may("failing_rows", Text, "a query over the table, called data, answers no rows"),
    may("metric", Map(METRIC), "a query over the table, called data, answers a number in a range"),
    may("freshness", Map(FRESHNESS), "the latest time is not older than this"),
    may("row_count_change", Map(CHANGE), "the rows grew or shrank by a share within a range since the version before"),
    may("anomaly", Map(ANOMALY), "a figure is as in earlier versions"),
    may("distribution", Map(DISTRIBUTION), "a column is distributed as in another version"),
    may("outliers", Map(OUTLIERS), "no value lies far from the others"),
    may("class_balance", Map(BALANCE), "every class of a label has at least this share of the rows"),
    may("leakage", Map(LEAKAGE), "no other column alone tells the label"),
    SEVERITY,
    MOSTLY,
    WHERE,
];

/// The keys of a check that are no rule.
pub(super) const BESIDE: &[&str] = &["severity", "mostly", "where"];

const SEVERITY: Field = may("severity", Words(SEVERITIES), "whether a failure stops the version or is only reported");
const MOSTLY: Field = may("mostly", Share, "the share of rows that must obey; 100% when absent");
const WHERE: Field = may("where", Text, "a condition in SQL: only rows for which it is true are looked at");
const COLUMN: Field = must("column", Text, "the column");

const MIN: Field = may("min", Number, "the smallest allowed value");
const MAX: Field = may("max", Number, "the largest allowed value");
const FEWEST: Field = may("min", Whole, "the fewest");
const MOST: Field = may("max", Whole, "the most");

const COUNT: &[Field] = &[FEWEST, MOST, SEVERITY, WHERE];
const TYPE: &[Field] = &[COLUMN, must("kind", Words(KINDS), "the type"), SEVERITY];
const NULL_RATE: &[Field] = &[COLUMN, must("max", Share, "the largest allowed share"), SEVERITY, WHERE];
const DUPLICATES: &[Field] = &[may("max", Share, "the largest allowed share; none when absent"), SEVERITY, WHERE];
const FIGURE: &[Field] = &[COLUMN, MIN, MAX, SEVERITY, WHERE];
const VALUE_SET: &[Field] = &[COLUMN, must("values", Values, "the values"), SEVERITY, MOSTLY, WHERE];
const WHOLE_SET: &[Field] = &[COLUMN, must("values", Values, "the values"), SEVERITY, WHERE];
const REFERENCES: &[Field] = &[
    COLUMN,
    must("dataset", Text, "the other dataset, as NAME or NAME@2"),
    must("to", Text, "its column"),
    SEVERITY,
    MOSTLY,
    WHERE,
];
const BOUND: &[super::grammar::Shape] = &[Number, Text];
const RANGE: &[Field] = &[
    COLUMN,
    may("min", OneOf(BOUND), "the smallest allowed value"),
    may("max", OneOf(BOUND), "the largest allowed value"),
    SEVERITY,
    MOSTLY,
    WHERE,
];
const QUANTILE: &[Field] = &[COLUMN, must("level", Share, "which quantile"), MIN, MAX, SEVERITY, WHERE];
const LENGTH: &[Field] = &[COLUMN, FEWEST, MOST, SEVERITY, MOSTLY, WHERE];
const PATTERN: &[Field] = &[COLUMN, must("pattern", Text, "the expression"), SEVERITY, MOSTLY, WHERE];
const DATE_FORMAT: &[Field] = &[COLUMN, must("format", Text, "the format, such as %Y-%m-%d"), SEVERITY, MOSTLY, WHERE];
const JSON: &[Field] = &[COLUMN, may("keys", Columns, "keys that every text has"), SEVERITY, MOSTLY, WHERE];
const ORDER: &[Field] = &[COLUMN, may("strictly", Flag, "whether equal neighbours fail too"), SEVERITY, MOSTLY, WHERE];
const COMPARE: &[Field] = &[
    COLUMN,
    must("is", Words(RELATIONS), "the relation"),
    must("other", Text, "the other column"),
    SEVERITY,
    MOSTLY,
    WHERE,
];
const METRIC: &[Field] = &[must("sql", Text, "the query"), MIN, MAX, SEVERITY];
const FRESHNESS: &[Field] = &[COLUMN, must("max_age", Duration, "how old at most"), SEVERITY, WHERE];
const CHANGE: &[Field] =
    &[may("min", Number, "the lowest share, such as -0.2"), may("max", Number, "the highest share"), SEVERITY];
const ANOMALY: &[Field] = &[
    must("of", Words(FIGURES), "the figure"),
    may("column", Text, "the column; none for the number of rows"),
    may("deviations", Number, "farthest from the mean of earlier versions, in their standard deviations"),
    may("change", Share, "the largest change against the version before"),
    SEVERITY,
];
const DISTRIBUTION: &[Field] = &[
    COLUMN,
    must("distance", Words(DISTANCES), "how the distance is measured"),
    must("max", Number, "the largest distance"),
    may("against", Text, "the reference, as NAME or NAME@2; the version before when absent"),
    SEVERITY,
    WHERE,
];
const OUTLIERS: &[Field] = &[
    COLUMN,
    must("method", Words(METHODS), "what far means"),
    must("limit", Number, "how far at most: in interquartile ranges, or in standard deviations"),
    SEVERITY,
    MOSTLY,
    WHERE,
];
const BALANCE: &[Field] = &[COLUMN, must("min", Share, "the smallest share"), SEVERITY, WHERE];
const LEAKAGE: &[Field] = &[
    must("label", Text, "the label"),
    must("max", Share, "the largest AUC of a column alone, or share of the variance that it explains"),
    SEVERITY,
    WHERE,
];

pub(super) const KINDS: &[&str] = &["float", "int", "bool", "text", "time"];
const RELATIONS: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
const FIGURES: &[&str] = &["row_count", "null_rate", "distinct_count", "min", "max", "mean", "stdev"];
const DISTANCES: &[&str] = &["ks", "psi", "jensen_shannon", "l_infinity", "chi_square", "wasserstein"];
const METHODS: &[&str] = &["iqr", "z_score"];
