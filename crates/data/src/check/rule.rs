//! What checks can demand.

use flyball_core::{Duration, Kind};
use serde::{Deserialize, Serialize};

use super::literal::Literal;

/// What must hold. Missing values are the business of `not_null` and `null_rate` alone; other rules pass over them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// The number of rows lies between the bounds, both included.
    RowCount(Count),
    /// The number of columns lies between the bounds, both included.
    ColumnCount(Count),
    /// The table has exactly these columns with these types, in any order.
    Schema {
        /// The columns and their types.
        columns: Vec<(String, Kind)>,
    },
    /// The table has these columns, whatever else it has.
    ColumnExists {
        /// The columns.
        columns: Vec<String>,
    },
    /// The column has this type; whole numbers pass as `float`.
    Type {
        /// The column.
        column: String,
        /// The type.
        kind: Kind,
    },
    /// The columns have a value in every row.
    NotNull {
        /// The columns; a row fails when any of them is missing.
        columns: Vec<String>,
    },
    /// At most this share of a column is missing.
    NullRate {
        /// The column.
        column: String,
        /// The largest share, from 0 to 1.
        max: f64,
    },
    /// No two rows agree in all of these columns. Rows that lack one of the values are passed over, as in SQL.
    Unique {
        /// The columns.
        columns: Vec<String>,
    },
    /// At most this share of the rows repeats another row in every column, missing values being alike.
    DuplicateRows {
        /// The largest share, from 0 to 1, of rows that are not the first of their kind.
        #[serde(default)]
        max: f64,
    },
    /// The number of different values lies between the bounds.
    DistinctCount(Measured),
    /// Every value is one of these.
    InSet(Values),
    /// No value is one of these.
    NotInSet(Values),
    /// The values that appear are exactly these: none more, none less.
    DistinctSet(Values),
    /// Every value appears in a column of another dataset: a foreign key.
    References {
        /// The column.
        column: String,
        /// The other dataset, as `NAME` for its latest version or `NAME@N`.
        dataset: String,
        /// Its column.
        to: String,
    },
    /// Every value lies between the bounds, both included.
    Between {
        /// The column: numbers or times.
        column: String,
        /// The lower bound; none means no bound.
        #[serde(default)]
        min: Option<Literal>,
        /// The upper bound; none means no bound.
        #[serde(default)]
        max: Option<Literal>,
    },
    /// The smallest value lies between the bounds.
    Min(Measured),
    /// The largest value lies between the bounds.
    Max(Measured),
    /// The arithmetic mean lies between the bounds.
    Mean(Measured),
    /// The median lies between the bounds.
    Median(Measured),
    /// The standard deviation of a sample (divisor n − 1) lies between the bounds.
    Stdev(Measured),
    /// The sum lies between the bounds.
    Sum(Measured),
    /// A quantile lies between the bounds.
    Quantile {
        /// The column.
        column: String,
        /// Which quantile, from 0 to 1.
        level: f64,
        /// The lower bound; none means no bound.
        #[serde(default)]
        min: Option<f64>,
        /// The upper bound; none means no bound.
        #[serde(default)]
        max: Option<f64>,
    },
    /// The length of every text, in characters, lies between the bounds.
    Length {
        /// The column: text.
        column: String,
        /// The shortest.
        #[serde(default)]
        min: Option<u64>,
        /// The longest.
        #[serde(default)]
        max: Option<u64>,
    },
    /// The pattern is found in every text (anchor it with `^…$` to match the whole).
    Regex(Pattern),
    /// Every text is like the pattern, as in SQL: `%` stands for any characters, `_` for one.
    Like(Pattern),
    /// Every text is a date or time of this format.
    DateFormat {
        /// The column: text.
        column: String,
        /// The format in the letters of `strftime`: `%Y-%m-%d`.
        format: String,
    },
    /// Every text is JSON.
    Json {
        /// The column: text.
        column: String,
        /// Keys that every text must have, being an object.
        #[serde(default)]
        keys: Vec<String>,
    },
    /// No value is smaller than the one before it.
    Increasing(Order),
    /// No value is larger than the one before it.
    Decreasing(Order),
    /// Two columns of a row stand in a relation.
    Compare {
        /// The one column.
        column: String,
        /// The relation.
        is: Relation,
        /// The other column.
        other: String,
    },
    /// An SQL condition over the columns of a row does not give false.
    Expression {
        /// The condition, such as `arr_time > dep_time`.
        sql: String,
    },
    /// A query over the table, called `data`, answers no rows: those that it answers are the failing ones.
    FailingRows {
        /// The query.
        sql: String,
    },
    /// A query over the table, called `data`, answers one number, which lies between the bounds.
    Metric {
        /// The query.
        sql: String,
        /// The lower bound; none means no bound.
        #[serde(default)]
        min: Option<f64>,
        /// The upper bound; none means no bound.
        #[serde(default)]
        max: Option<f64>,
    },
    /// The latest time of a column is not older than this when the check runs.
    Freshness {
        /// The column: times.
        column: String,
        /// How old at most.
        max_age: Duration,
    },
    /// How much more rows there are than in the version before, as a share of those, lies between the bounds.
    RowCountChange {
        /// The lower bound, such as −0.2; none means no bound.
        #[serde(default)]
        min: Option<f64>,
        /// The upper bound; none means no bound.
        #[serde(default)]
        max: Option<f64>,
    },
    /// A figure does not leave what earlier versions of the dataset had.
    Anomaly {
        /// The figure.
        of: Figure,
        /// The column; none for the number of rows.
        #[serde(default)]
        column: Option<String>,
        /// Farthest from the mean of earlier versions, in their standard deviations.
        #[serde(default)]
        deviations: Option<f64>,
        /// Largest change against the version before, as a share of its figure.
        #[serde(default)]
        change: Option<f64>,
    },
    /// The distribution of a column is not far from that of a reference version.
    Distribution {
        /// The column.
        column: String,
        /// How the distance is measured.
        distance: Distance,
        /// The largest distance.
        max: f64,
        /// The reference, as `NAME` or `NAME@N`; the version before when absent.
        #[serde(default)]
        against: Option<String>,
    },
    /// No value lies far from the others.
    Outliers {
        /// The column: numbers.
        column: String,
        /// What far means.
        method: OutlierMethod,
        /// How far at most: in interquartile ranges from the quartiles, or in standard deviations from the mean.
        limit: f64,
    },
    /// Every class of a label has at least this share of the rows.
    ClassBalance {
        /// The label.
        column: String,
        /// The smallest share, from 0 to 1.
        min: f64,
    },
    /// No other column alone tells the label.
    Leakage {
        /// The label: two classes or numbers.
        label: String,
        /// The largest AUC of a column alone (two classes), or the largest share of the variance that it explains.
        max: f64,
    },
}

/// Bounds of a count, both included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The fewest; none means no bound.
    #[serde(default)]
    pub min: Option<u64>,
    /// The most; none means no bound.
    #[serde(default)]
    pub max: Option<u64>,
}

/// Bounds of a figure of a column, both included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The column.
    pub column: String,
    /// The lower bound; none means no bound.
    #[serde(default)]
    pub min: Option<f64>,
    /// The upper bound; none means no bound.
    #[serde(default)]
    pub max: Option<f64>,
}

/// A column and a set of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<Literal>,
}

/// A column of texts and a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The column.
    pub column: String,
    /// The pattern: for `regex` in the syntax of the Rust `regex` crate.
    pub pattern: String,
}

/// A column whose values are in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The column: numbers or times.
    pub column: String,
    /// Whether equal neighbours fail too.
    #[serde(default)]
    pub strictly: bool,
}

/// How two columns of a row compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    Different,
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Less or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Greater or equal.
    #[serde(rename = ">=")]
    AtLeast,
}

impl Relation {
    /// The sign.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Equal => "=",
            Relation::Different => "!=",
            Relation::Less => "<",
            Relation::AtMost => "<=",
            Relation::Greater => ">",
            Relation::AtLeast => ">=",
        }
    }

    /// Whether it holds for two numbers.
    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Relation::Equal => left == right,
            Relation::Different => left != right,
            Relation::Less => left < right,
            Relation::AtMost => left <= right,
            Relation::Greater => left > right,
            Relation::AtLeast => left >= right,
        }
    }
}

/// A figure of a version that earlier versions have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The number of rows.
    RowCount,
    /// The share of rows without a value.
    NullRate,
    /// How many different values.
    DistinctCount,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The standard deviation.
    Stdev,
}

impl Figure {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Figure::RowCount => "row_count",
            Figure::NullRate => "null_rate",
            Figure::DistinctCount => "distinct_count",
            Figure::Min => "min",
            Figure::Max => "max",
            Figure::Mean => "mean",
            Figure::Stdev => "stdev",
        }
    }
}

/// How the distance of two distributions is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Kolmogorov and Smirnov's: the largest difference of the cumulative shares. Numbers.
    Ks,
    /// The population stability index, over ten groups of the reference or over levels.
    Psi,
    /// Jensen and Shannon's, to base 2.
    JensenShannon,
    /// The largest difference of one share, as in TFDV.
    LInfinity,
    /// Cramér's V of the χ² test: 0 for equal shares, 1 for unlike ones.
    ChiSquare,
    /// Wasserstein's, in standard deviations of the reference. Numbers.
    Wasserstein,
}

impl Distance {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Distance::Ks => "ks",
            Distance::Psi => "psi",
            Distance::JensenShannon => "jensen_shannon",
            Distance::LInfinity => "l_infinity",
            Distance::ChiSquare => "chi_square",
            Distance::Wasserstein => "wasserstein",
        }
    }
}

/// What makes a value an outlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutlierMethod {
    /// Far from the quartiles, in interquartile ranges (Tukey).
    Iqr,
    /// Far from the mean, in standard deviations.
    ZScore,
}
