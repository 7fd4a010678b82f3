//! Every limit of the product, in one place, each with its reason.

/// Longest name: fits a path segment, a metric label and a table column without wrapping.
pub const NAME_BYTES: usize = 128;
/// Longest relative path: the common limit of file systems is 4,096 with the root; half of it leaves room for the root.
pub const PATH_BYTES: usize = 2048;
/// Largest loop file: a hundred times a long one; parsing stays under a millisecond.
pub const LOOP_FILE_BYTES: usize = 256 * 1024;
/// Largest SQL text of a dataset.
pub const SQL_BYTES: usize = 256 * 1024;
/// Longest search filter, and longest step of an order: a thousand words.
pub const FILTER_BYTES: usize = 16 * 1024;
/// Most comparisons of a filter, and most keys of an order: each one is a look-up for every candidate.
pub const FILTER_CONDITIONS: usize = 64;
/// Most columns of a table: the profile and the pages stay readable and bounded.
pub const TABLE_COLUMNS: usize = 2_000;
/// Largest source file that is read as a whole into memory.
pub const SOURCE_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Largest blob: past it the parts of an upload to a bucket, of which there may be 10,000, no longer stay small.
pub const BLOB_BYTES: u64 = 256 * 1024 * 1024 * 1024;
/// Most broken rows of a file that are kept in quarantine; past it the file is refused as not being of its format.
pub const BROKEN_ROWS: usize = 1_000;
/// Most failing rows that a check keeps for looking at.
pub const FAILING_ROWS_KEPT: usize = 100;
/// Most distinct levels of a text column that a model is trained on; rarer ones share the unknown level.
pub const TEXT_LEVELS: usize = 10_000;
/// Largest body of an API request that is not an upload.
pub const BODY_BYTES: usize = 4 * 1024 * 1024;
/// Most rows of one inference request.
pub const INFER_ROWS: usize = 100_000;
/// Most elements of one tensor of an inference request: they take 64 MiB as numbers.
pub const INFER_ELEMENTS: usize = 8 * 1024 * 1024;
/// How long an inference may take, waiting included, where the endpoint does not say, in seconds.
pub const INFER_SECONDS: u64 = 30;
/// Most classes of a model: what is wider is no list of classes.
pub const CLASSES: usize = 10_000;
/// Largest body of rows for scoring, as JSON, CSV or Parquet.
pub const SCORING_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Most rows that a list answers at once.
pub const PAGE_ROWS: usize = 1_000;
/// How many inference records may wait to be written; past it they are counted and dropped, never slowing an answer.
pub const CAPTURE_QUEUE_ROWS: usize = 65_536;
/// Most rows kept as the reference sample of a numeric feature: the KS test gains nothing visible past it.
pub const REFERENCE_SAMPLE_ROWS: usize = 20_000;
/// Most live-event listeners of one server: each holds a connection.
pub const LIVE_LISTENERS: usize = 256;
/// How long a request may take before it is cut off, in seconds.
pub const REQUEST_SECONDS: u64 = 60;
/// How long a stop waits for requests under way, in seconds.
pub const DRAIN_SECONDS: u64 = 30;
/// How much of a command's output is kept, in bytes (its end).
pub const COMMAND_OUTPUT_BYTES: usize = 64 * 1024;
/// Longest name of an experiment, in characters, as its clients expect.
pub const EXPERIMENT_NAME_CHARS: usize = 500;
/// Longest key of a metric, parameter or tag, in characters.
pub const KEY_CHARS: usize = 250;
/// Longest value of a parameter, in characters; what is longer is cut, as clients expect.
pub const PARAM_VALUE_CHARS: usize = 6_000;
/// Longest value of a run's tag, in characters; what is longer is cut, as clients expect.
pub const TAG_VALUE_CHARS: usize = 8_000;
/// Longest name of a registered model, in characters.
pub const MODEL_NAME_CHARS: usize = 256;
/// Longest alias of a model version, in characters.
pub const ALIAS_CHARS: usize = 255;
/// Longest value of a tag in the registry, in characters: a prompt's text is one.
pub const REGISTRY_TAG_VALUE_CHARS: usize = 100_000;
/// Longest value of an experiment's tag, in characters.
pub const EXPERIMENT_TAG_VALUE_CHARS: usize = 20_000;
/// Most metrics, and most entities at all, of one batch.
pub const BATCH_METRICS: usize = 1_000;
/// Most parameters of one batch; most tags too.
pub const BATCH_PARAMS: usize = 100;
/// Longest name, digest and source of a logged dataset, in characters.
pub const LOGGED_DATASET_CHARS: (usize, usize, usize) = (500, 36, 65_535);
/// Longest schema and profile of a logged dataset, in characters.
pub const LOGGED_DATASET_TEXT_CHARS: (usize, usize) = (1_048_575, 16_777_215);
/// Longest key and value of a tag of a run's input, in characters.
pub const INPUT_TAG_CHARS: (usize, usize) = (255, 500);
/// Longest artifact location, in characters.
pub const ARTIFACT_LOCATION_CHARS: usize = 2_048;
/// Most runs or experiments that a search answers at once.
pub const SEARCH_ROWS: i64 = 50_000;
/// Most runs whose metric histories are read at once.
pub const HISTORY_RUNS: usize = 100;
/// Most points that a history over several runs answers at once.
pub const HISTORY_POINTS: usize = 25_000;
/// Most points per run that a sampled history answers.
pub const SAMPLED_POINTS: i64 = 2_500;
/// Largest body of a tracking request: a batch with the longest parameters and tags in four-byte characters, or a
/// dataset's profile.
pub const TRACKING_BODY_BYTES: usize = 80 * 1024 * 1024;
/// Largest body of spans as sent: what OpenTelemetry collectors accept by default.
pub const TRACE_BODY_BYTES: usize = 20 * 1024 * 1024;
/// Largest body of spans after decompression. Text that repeats itself shrinks five to ten times; more is an attack.
pub const TRACE_DECOMPRESSED_BYTES: usize = 64 * 1024 * 1024;
/// Most times that a compressed body of spans may grow (past its first megabyte).
pub const TRACE_DECOMPRESSION_RATIO: usize = 100;
/// Most spans of one request; the stock client sends 512 at once.
pub const TRACE_SPANS: usize = 20_000;
/// Most values (attributes, list entries, events, links) of one request: two bytes on the wire can be sixty in memory.
pub const TRACE_VALUES: usize = 1_000_000;
/// Most bytes of spans that one trace holds; a trace is read as a whole.
pub const TRACE_STORED_BYTES: usize = 64 * 1024 * 1024;
/// Most bytes of spans that one answer with several traces reads.
pub const TRACE_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Most traces that one request names.
pub const TRACE_IDS: usize = 1_000;
/// How long a request for a trace waits for spans that are still on their way, in seconds.
pub const TRACE_WAIT_SECONDS: u64 = 3;
/// Most characters of a preview of a request or response.
pub const TRACE_PREVIEW_CHARACTERS: usize = 1_000;
