"""Where Flyball answers differently on purpose. Rendered into docs/reference/mlflow-differences.md."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from compare import Finding


@dataclass(frozen=True)
class Difference:
    """One difference by intent; it excuses what it matches, and each of its patterns must match something."""

    what: str
    """What a user sees, in one sentence."""
    why: str
    cases: tuple[str, ...]
    """Patterns over the ids of cases; a number of the step may follow after `#`."""
    at: str = "*"
    """A pattern over the place of the departure."""
    was: str = "*"
    """A pattern over what MLflow answers there."""
    now: str = "*"
    """A pattern over what Flyball answers there."""

    def covers(self, finding: Finding) -> bool:
        """Whether it excuses this finding."""
        return any(self.matches(pattern, finding) for pattern in self.cases)

    def matches(self, pattern: str, finding: Finding) -> bool:
        """Whether one of its patterns excuses this finding."""
        name, _, step = pattern.partition("#")
        sides = ((self.at, finding.at), (self.was, finding.reference), (self.now, finding.subject))
        is_there = fnmatchcase(finding.case, name) and step in ("", str(finding.step))
        return is_there and all(fnmatchcase(str(value), pattern) for pattern, value in sides)


GUESSES = "MLflow drops the field, or all that follow, and goes on; what was meant is lost without a word."
FAULTS = "Clients retry answers of 5xx for minutes; a fault of the request is answered at once, with what to do."
DATABASE = "MLflow passes an error of its database on, with its SQL; the code and the text here say what was wrong."

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "A field of a wrong type is refused with 400.",
        GUESSES,
        (
            "*/wrong type: *",
            "logged-models/finalize as an unknown status",
        ),
        at="status",
        was="200",
        now="400 *",
    ),
    Difference(
        "A request that lacks a required field of a nested object is refused with 400.",
        "MLflow stores an object with holes, which then fails elsewhere.",
        ("inputs/missing: *", "runs/create with a tag without a key"),
        at="status",
        was="200",
        now="400 *",
    ),
    Difference(
        "Lists that must not be empty are refused with 400 when they are.",
        "The same requests without the list are refused by MLflow too.",
        ("traces/no infos", "traces/link of no traces", "search-traces/no locations"),
        at="status",
        was="200",
        now="400 *",
    ),
    Difference(
        "Faults of a request are answered with 400 or 404 where MLflow answers 500.",
        FAULTS,
        (
            "artifacts/path attack: *",
            "artifacts/put *",
            "batches/metric that is no object",
            "evaluation-datasets/records that are no JSON",
            "evaluation-datasets/tags that are no JSON",
            "experiments/id is too large",
            "experiments/rename a deleted one",
            "metrics/value as a list",
            "registry/archiving with a stage that is not active",
            "registry/version of an unknown logged model",
            "search-logged-models/page by no token",
            "search-logged-models/unknown keys",
            "search-logged-models/wrong literals",
            "search-registry/models: wrong comparators",
            "search-registry/versions: wrong comparators",
            "search-runs/lists of wrong form",
            "search-runs-order/order by one key twice",
            "search-runs-order/tokens that are none",
            "traces/start without a location",
            "traces/start without an info",
            "traces/version 2: without an experiment",
            "webhooks/event *",
            "wire/body is a number",
            "wire/body is a text",
            "wire/wrong type: time is *",
        ),
        at="status",
        was="500*",
        now="4*",
    ),
    Difference(
        "…and with the code that fits.",
        FAULTS,
        (
            "artifacts/path attack: *",
            "experiments/id is too large",
            "experiments/rename a deleted one",
            "registry/archiving with a stage that is not active",
            "search-logged-models/unknown keys",
            "search-logged-models/wrong literals",
            "search-runs/lists of wrong form",
            "search-runs-order/order by one key twice",
            "search-runs-order/tokens that are none",
            "traces/*",
            "registry/version of an unknown logged model",
        ),
        at="body.error_code",
        was="IN*_*",
    ),
    Difference(
        "Refusals that come from constraints of MLflow's database have the code `INVALID_PARAMETER_VALUE`, "
        "`RESOURCE_ALREADY_EXISTS` or `RESOURCE_DOES_NOT_EXIST` instead of `BAD_REQUEST`.",
        DATABASE,
        (
            "experiments/rename to a taken name",
            "logged-models/file without a path",
            "logged-models/repeated param",
            "metrics/of an unknown logged model",
            "runs/create without an experiment",
            "search-logged-models/wrong literals",
            "search-runs/lists of wrong form",
            "traces/tag of an unknown trace",
            "wire/*",
        ),
        at="body.error_code",
        was="BAD_REQUEST",
    ),
    Difference(
        "Tagging an unknown trace is answered with 404.",
        DATABASE,
        ("traces/tag of an unknown trace",),
        at="status",
        was="400*",
        now="404*",
    ),
    Difference(
        "Of a tag that is given twice in one request the last value holds, as in log-batch; outputs, params of a "
        "logged model and events of a webhook may be sent again.",
        DATABASE,
        (
            "experiments/created with the same tag twice",
            "inputs/model output twice",
            "logged-models/params again",
            "logged-models/repeated tag",
            "runs/create with the same tag twice",
            "webhooks/repeated event",
        ),
        at="status",
        was="400*",
        now="200",
    ),
    Difference(
        "A model that is an output of a run again has the later step.",
        "MLflow refuses the second call.",
        ("inputs/model output twice",),
        at="body.outputs.*",
    ),
    Difference(
        "Tag values over 8,000 characters are cut at the creation of a run too.",
        "MLflow keeps them on SQLite and fails on PostgreSQL; everywhere else it cuts them.",
        ("runs/create with a long tag value",),
        at="body*",
    ),
    Difference(
        "More spellings are accepted: camelCase in queries and of required fields, `run_uuid` in log-batch, a content "
        "type in capitals, `null` for a list, one text where a list of texts is wanted, a FieldMask in snake_case.",
        "What is meant is plain; MLflow is of two minds about it from one endpoint to the next.",
        (
            "batches/by the old name of the id",
            "batches/lists of null",
            "search-runs-order/order as one text",
            "wire/camel case in a query",
            "wire/camel case of a required field",
            "wire/content type in capitals",
        ),
        at="status",
        now="200",
    ),
    Difference(
        "A FieldMask in snake_case changes what it names.",
        "MLflow answers 200 and changes nothing.",
        ("assessments/change by a mask in snake case",),
        at="body.assessment.assessment_name",
    ),
    Difference(
        "A key that a query repeats although it takes one value is refused.",
        "MLflow takes the first; a request that says two things is a mistake.",
        ("wire/repeated key in a query",),
        at="status",
    ),
    Difference(
        "Bodies with a bare `NaN` or a byte order mark are refused.",
        'Neither is JSON. The client sends `"NaN"`, which is accepted.',
        ("wire/body with a byte order mark", "wire/body with a literal NaN"),
        at="status",
        now="400*",
    ),
    Difference(
        "Filters are read the same everywhere: operators in any letter case, and nothing that only looks like a filter "
        "(a missing key, a trailing comparison, a text where a number belongs, an empty list) is accepted.",
        "MLflow has four parsers; what they accept by accident returns wrong results instead of a message.",
        (
            "evaluation-datasets/sloppy: *",
            "search-experiments/comparators in lower case",
            "search-logged-models/sloppy: *",
            "search-logged-models/statuses",
            "search-logged-models/times with the word for the entity",
            "search-runs/only blanks",
            "search-runs-order/order by a name with capitals",
            "search-runs-order/order with blanks around",
            "search-runs-order/sloppy: *",
            "search-traces/names in a list",
            "search-traces/order by attributes",
            "search-traces/sloppy: *",
        ),
        at="status",
    ),
    Difference(
        "`max_results` of zero or less is refused in every search.",
        "MLflow's logged models and registered models answer a page of none with a token to the next.",
        (
            "search-logged-models/page sizes",
            "search-registry/models: page sizes",
            "search-registry/sloppy: negative page size",
        ),
        at="status",
        now="400*",
    ),
    Difference(
        "A dataset without a digest in `logged-models/search` means every digest of that name.",
        "MLflow's documentation says so; its server finds nothing.",
        ("search-logged-models/datasets without a digest",),
        at="body.names",
    ),
    Difference(
        "Artifacts stay in the server's own store: an `artifact_location` elsewhere (`s3://…`, a path) is refused.",
        "A location that a client names lets it read and write with the server's rights. "
        "Where blobs live is set with `flyball serve --artifacts`.",
        ("experiments/artifact location of a bucket", "experiments/artifact location ends with a slash"),
        at="status",
    ),
    Difference(
        "Artifact paths that hold a backslash, a drive, a zero byte or a scheme are refused, also for deletion.",
        "Such names become other paths on other machines.",
        ("artifacts/odd path: *",),
        at="status",
        now="400*",
    ),
    Difference(
        "Path attacks are told as such (400) where MLflow says that nothing is there (404).",
        "One rule for all paths, before any look at the store.",
        ("artifacts/path attack: *",),
        at="status",
        was="404*",
        now="400*",
    ),
    Difference(
        "…and with the code `INVALID_PARAMETER_VALUE`.",
        "One rule for all paths, before any look at the store.",
        ("artifacts/path attack: an encoded slash at the start", "artifacts/path attack: a file URI"),
        at="body.error_code",
    ),
    Difference(
        "An upload and a deletion answer `{}` instead of an empty body.",
        "Every answer of the interface is JSON; clients read neither.",
        ("artifacts/*", "logged-models/files", "wire/twins of the proxy"),
        at="body",
        was="",
        now="{}",
    ),
    Difference(
        "`upload-artifact` answers `{}` instead of an empty text that claims to be JSON.",
        "It is JSON.",
        ("artifacts/upload by a page",),
        at="body.not JSON",
    ),
    Difference(
        "Files of no bytes have `file_size` 0 in listings.",
        "MLflow leaves the field out, as it does for directories.",
        ("artifacts/put of nothing",),
        at="body.files.0.file_size",
    ),
    Difference(
        "The plain file name beside the encoded one shows `_` for letters beyond ASCII; `.tar.gz` is "
        "`application/gzip`.",
        "MLflow drops the letters, and names the type of what is inside the compressed file.",
        ("artifacts/*",),
        at="headers.content-*",
    ),
    Difference(
        "`get-artifact` without a run is refused with 400.",
        "The run is what is missing, not the file.",
        ("artifacts/raw download without a run",),
    ),
    Difference(
        "`/model-versions/get-artifact` serves files of proxied artifacts.",
        "MLflow's server fails on them.",
        ("artifacts/download of a version's file",),
        at="status",
    ),
    Difference(
        "The history of an unknown run is answered with 404, also for its metrics and records of an unknown evaluation "
        "dataset.",
        "MLflow answers as if it were there and empty.",
        ("metrics/history of an unknown run", "evaluation-datasets/records of an unknown one"),
        at="status",
        was="200",
        now="404*",
    ),
    Difference(
        "The tag `mlflow.log-model.history` holds what the client sent.",
        "MLflow rewrites each entry and adds empty fields.",
        ("runs/legacy model*",),
        at="body.run.data.tags.*.value",
    ),
    Difference(
        "`POST traces` answers with the trace as it is then stored.",
        "MLflow's answer lacks the tags that the call has just added.",
        ("otlp/info after spans", "traces/start again replaces and merges"),
        at="body.trace.trace_info.tags.*",
    ),
    Difference(
        "Times of a trace that its client has told stay, whatever spans come later.",
        "MLflow widens them when the spans come second, and not when they come first.",
        ("otlp/info before spans", "otlp/info is not widened by later spans"),
        at="body.trace.trace_info.*",
    ),
    Difference(
        "Spans of a trace that keeps them as an artifact are answered with 404.",
        "MLflow answers 500. The client looks at the trace's tags first and asks for the artifact.",
        ("traces/get with spans that are not here",),
        at="status",
        was="500*",
    ),
    Difference(
        "The workspace `default` may be named.",
        "There is one workspace, and it has this name; any other is refused with 400.",
        ("wire/workspace header",),
    ),
    Difference(
        "Answers carry no `X-Frame-Options`.",
        "They are JSON; the pages have a content security policy.",
        ("wire/answers are not sniffed",),
        at="headers.x-frame-options",
    ),
)
"""All of them."""
