//! What a filter and an order may name, as tables: one [`Grammar`] for each kind of thing that can be searched.

use std::fmt;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`: a pattern with `%` and `_`, upper and lower case differ.
    Like,
    /// `ILIKE`: as `LIKE`, upper and lower case are the same.
    ILike,
    /// `RLIKE`: a regular expression.
    RLike,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

impl Comparator {
    /// All of them.
    pub const ALL: [Comparator; 13] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Like,
        Self::ILike,
        Self::RLike,
        Self::In,
        Self::NotIn,
        Self::IsNull,
        Self::IsNotNull,
    ];

    /// As it is written in a filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::RLike => "RLIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    /// Whether it asks for a value being there and takes none itself.
    pub fn is_presence(self) -> bool {
        matches!(self, Self::IsNull | Self::IsNotNull)
    }

    /// Whether it takes a list.
    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }

    /// Whether it compares by size: `<`, `<=`, `>`, `>=`.
    pub fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

use Comparator::{
    Equal, Greater, GreaterOrEqual, ILike, In, IsNotNull, IsNull, Less, LessOrEqual, Like, NotEqual, NotIn, RLike,
};

/// What stands on the right of a comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// A number without quotes.
    Number,
    /// A whole number, with or without quotes.
    Whole,
    /// A text in quotes.
    Text,
    /// A number for `<`, `<=`, `>` and `>=`, otherwise a text in quotes.
    NumberOrText,
}

/// How a key may be compared, and whether results can be ordered by it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What it is compared with.
    pub values: Values,
    /// The comparators that it takes; none for a key that only orders.
    pub comparators: &'static [Comparator],
    /// Whether results can be ordered by it.
    pub orders: bool,
}

impl Kind {
    const fn new(values: Values, comparators: &'static [Comparator]) -> Self {
        Self { values, comparators, orders: false }
    }

    const fn ordered(self) -> Self {
        Self { orders: true, ..self }
    }
}

/// A key that an entity has from the start.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name, which a [`Condition`](super::Condition) carries. One that ends with `.*` stands for all with this beginning.
    pub name: &'static str,
    /// Other spellings of it.
    pub aliases: &'static [&'static str],
    /// What can be done with it.
    pub kind: Kind,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, aliases: &[], kind }
}

const fn alias(name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Key {
    Key { name, aliases, kind }
}

/// The keys of an entity.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Whatever users made up: metrics, parameters, tags.
    Any(Kind),
    /// These.
    Listed(&'static [Key]),
}

/// What stands before the dot.
#[derive(Clone, Copy, Debug)]
pub struct Entity {
    /// Its name, which a [`Condition`](super::Condition) carries.
    pub name: &'static str,
    /// How it may be spelled.
    pub words: &'static [&'static str],
    /// Whether it is meant when there is no dot.
    pub implied: bool,
    /// Its keys.
    pub keys: Keys,
}

/// The search language of one kind of thing.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// What is searched, in the plural.
    pub things: &'static str,
    /// What filters and orders may name.
    pub entities: &'static [Entity],
}

const NUMERIC: &[Comparator] = &[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
const TEXTUAL: &[Comparator] = &[Equal, NotEqual, Like, ILike];
const LISTED: &[Comparator] = &[Equal, NotEqual, Like, ILike, In, NotIn];
const NULLABLE: &[Comparator] = &[Equal, NotEqual, Like, ILike, IsNull, IsNotNull];
const IDENTITY: &[Comparator] = &[Equal, NotEqual, In, NotIn];
const REGULAR: &[Comparator] = &[Equal, NotEqual, Like, ILike, RLike, In, NotIn];
const REGULAR_NULLABLE: &[Comparator] = &[Equal, NotEqual, Like, ILike, RLike, IsNull, IsNotNull];
const REGULAR_ALL: &[Comparator] = &[Equal, NotEqual, Like, ILike, RLike, In, NotIn, IsNull, IsNotNull];
const PATTERN: &[Comparator] = &[Like, ILike];
const ASSESSED: &[Comparator] =
    &[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, Like, ILike, RLike, IsNull, IsNotNull];

const NUMBER: Kind = Kind::new(Values::Number, NUMERIC);
const WHOLE: Kind = Kind::new(Values::Whole, NUMERIC);
const TEXT: Kind = Kind::new(Values::Text, TEXTUAL);
const LIST: Kind = Kind::new(Values::Text, LISTED);
const OPTIONAL: Kind = Kind::new(Values::Text, NULLABLE);
const ORDER: Kind = Kind::new(Values::Text, &[]).ordered();

const TAG_WORDS: &[&str] = &["tag", "tags"];

/// Runs.
pub const RUNS: Grammar = Grammar {
    things: "runs",
    entities: &[
        Entity { name: "metric", words: &["metric", "metrics"], implied: false, keys: Keys::Any(NUMBER.ordered()) },
        Entity {
            name: "parameter",
            words: &["parameter", "parameters", "param", "params"],
            implied: false,
            keys: Keys::Any(OPTIONAL.ordered()),
        },
        Entity { name: "tag", words: TAG_WORDS, implied: false, keys: Keys::Any(OPTIONAL.ordered()) },
        Entity {
            name: "attribute",
            words: &["attribute", "attributes", "attr", "run"],
            implied: true,
            keys: Keys::Listed(&[
                key("run_id", LIST.ordered()),
                alias("run_name", &["run name", "Run name", "Run Name"], TEXT.ordered()),
                key("status", TEXT.ordered()),
                key("user_id", TEXT.ordered()),
                key("artifact_uri", TEXT.ordered()),
                alias("start_time", &["created", "Created"], NUMBER.ordered()),
                key("end_time", NUMBER.ordered()),
            ]),
        },
        Entity {
            name: "dataset",
            words: &["dataset", "datasets"],
            implied: false,
            keys: Keys::Listed(&[key("name", LIST), key("digest", LIST), key("context", LIST)]),
        },
    ],
};

/// Experiments.
pub const EXPERIMENTS: Grammar = Grammar {
    things: "experiments",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attribute"],
            implied: true,
            keys: Keys::Listed(&[
                key("name", TEXT.ordered()),
                key("experiment_id", Kind::new(Values::Text, IDENTITY).ordered()),
                key("creation_time", NUMBER.ordered()),
                key("last_update_time", NUMBER.ordered()),
            ]),
        },
        Entity { name: "tag", words: TAG_WORDS, implied: false, keys: Keys::Any(OPTIONAL) },
    ],
};

/// Logged models. Orders come as objects: see [`super::ModelOrder`].
pub const LOGGED_MODELS: Grammar = Grammar {
    things: "logged models",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attributes"],
            implied: true,
            keys: Keys::Listed(&[
                key("name", LIST.ordered()),
                key("model_id", LIST.ordered()),
                key("model_type", LIST.ordered()),
                key("source_run_id", LIST.ordered()),
                key("status", Kind::new(Values::Whole, IDENTITY).ordered()),
                alias("creation_timestamp", &["creation_time", "creation_timestamp_ms"], NUMBER.ordered()),
                alias("last_updated_timestamp", &["last_updated_time", "last_updated_timestamp_ms"], NUMBER.ordered()),
            ]),
        },
        Entity { name: "metric", words: &["metrics"], implied: false, keys: Keys::Any(NUMBER.ordered()) },
        Entity { name: "parameter", words: &["params"], implied: false, keys: Keys::Any(LIST) },
        Entity { name: "tag", words: &["tags"], implied: false, keys: Keys::Any(LIST) },
    ],
};

/// Registered models.
pub const REGISTERED_MODELS: Grammar = Grammar {
    things: "registered models",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attribute"],
            implied: true,
            keys: Keys::Listed(&[key("name", LIST.ordered()), alias("last_updated_timestamp", &["timestamp"], ORDER)]),
        },
        Entity { name: "tag", words: TAG_WORDS, implied: false, keys: Keys::Any(TEXT) },
    ],
};

/// Versions of registered models.
pub const MODEL_VERSIONS: Grammar = Grammar {
    things: "model versions",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attribute"],
            implied: true,
            keys: Keys::Listed(&[
                key("name", LIST.ordered()),
                key("run_id", LIST),
                key("source_path", TEXT),
                key("version_number", WHOLE.ordered()),
                key("creation_timestamp", ORDER),
                key("last_updated_timestamp", ORDER),
            ]),
        },
        Entity { name: "tag", words: TAG_WORDS, implied: false, keys: Keys::Any(TEXT) },
    ],
};

/// Traces.
pub const TRACES: Grammar = Grammar {
    things: "traces",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attribute", "attributes", "trace"],
            implied: true,
            keys: Keys::Listed(&[
                key("request_id", Kind::new(Values::Text, REGULAR).ordered()),
                key("client_request_id", Kind::new(Values::Text, REGULAR)),
                key("name", Kind::new(Values::Text, REGULAR_ALL).ordered()),
                key("status", Kind::new(Values::Text, REGULAR).ordered()),
                key("run_id", Kind::new(Values::Text, REGULAR_ALL).ordered()),
                alias("timestamp_ms", &["timestamp"], NUMBER.ordered()),
                alias("execution_time_ms", &["execution_time"], NUMBER.ordered()),
                alias("end_time_ms", &["end_time"], NUMBER.ordered()),
                key("experiment_id", ORDER),
                key("prompt", Kind::new(Values::Text, &[Equal])),
                key("text", Kind::new(Values::Text, PATTERN)),
            ]),
        },
        Entity {
            name: "tag",
            words: TAG_WORDS,
            implied: false,
            keys: Keys::Any(Kind::new(Values::Text, REGULAR_NULLABLE).ordered()),
        },
        Entity {
            name: "metadata",
            words: &["metadata", "request_metadata"],
            implied: false,
            keys: Keys::Any(Kind::new(Values::Text, REGULAR_NULLABLE).ordered()),
        },
        Entity {
            name: "span",
            words: &["span"],
            implied: false,
            keys: Keys::Listed(&[
                key("name", Kind::new(Values::Text, REGULAR)),
                key("type", Kind::new(Values::Text, REGULAR)),
                key("status", Kind::new(Values::Text, REGULAR)),
                key("content", Kind::new(Values::Text, PATTERN)),
                key("attributes.*", Kind::new(Values::Text, REGULAR)),
            ]),
        },
        Entity {
            name: "feedback",
            words: &["feedback"],
            implied: false,
            keys: Keys::Any(Kind::new(Values::NumberOrText, ASSESSED)),
        },
        Entity {
            name: "expectation",
            words: &["expectation"],
            implied: false,
            keys: Keys::Any(Kind::new(Values::NumberOrText, ASSESSED)),
        },
        Entity {
            name: "issue",
            words: &["issue"],
            implied: false,
            keys: Keys::Listed(&[key("id", Kind::new(Values::Text, &[Equal]))]),
        },
    ],
};

/// Evaluation datasets.
pub const DATASETS: Grammar = Grammar {
    things: "datasets",
    entities: &[
        Entity {
            name: "attribute",
            words: &["attribute", "attributes", "dataset", "datasets"],
            implied: true,
            keys: Keys::Listed(&[
                key("name", Kind::new(Values::Text, &[Equal, NotEqual, Like, ILike, In]).ordered()),
                key("created_by", TEXT),
                key("last_updated_by", TEXT),
                key("created_time", NUMBER.ordered()),
                key("last_update_time", NUMBER.ordered()),
            ]),
        },
        Entity { name: "tag", words: TAG_WORDS, implied: false, keys: Keys::Any(TEXT) },
    ],
};
