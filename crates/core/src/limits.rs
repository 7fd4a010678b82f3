//! Every limit of the product, in one place, each with its reason.

/// Longest name: fits a path segment, a metric label and a table column without wrapping.
pub const NAME_BYTES: usize = 128;
/// Longest relative path: the common limit of file systems is 4,096 with the root; half of it leaves room for the root.
pub const PATH_BYTES: usize = 2048;
/// Largest loop file: a hundred times a long one; parsing stays under a millisecond.
pub const LOOP_FILE_BYTES: usize = 256 * 1024;
/// Largest SQL text of a dataset.
pub const SQL_BYTES: usize = 256 * 1024;
/// Most columns of a table: the profile and the pages stay readable and bounded.
pub const TABLE_COLUMNS: usize = 2_000;
/// Largest source file that is read as a whole into memory.
pub const SOURCE_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
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
