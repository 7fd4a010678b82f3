-- Traces of requests, one row each. `chunks` counts the rows of trace_chunks, `span_bytes` their size when unpacked.
CREATE TABLE traces (
    no {AUTO_ID},
    id {TEXT} NOT NULL,
    workspace {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    duration BIGINT,
    state {TEXT} NOT NULL,
    client_request_id {TEXT},
    request_preview {TEXT},
    response_preview {TEXT},
    chunks BIGINT NOT NULL,
    span_bytes BIGINT NOT NULL
);
CREATE UNIQUE INDEX traces_by_id ON traces (workspace, id);
CREATE INDEX traces_by_start ON traces (experiment_id, started_at DESC, id);

-- Values are indexed by their beginning: PostgreSQL cannot index long texts.
CREATE TABLE trace_tags (
    trace_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (trace_no, key)
){CLUSTERED};
CREATE INDEX trace_tags_by_value ON trace_tags (key, substr(value, 1, 200), trace_no);

CREATE TABLE trace_metadata (
    trace_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (trace_no, key)
){CLUSTERED};
CREATE INDEX trace_metadata_by_value ON trace_metadata (key, substr(value, 1, 200), trace_no);

-- The spans as they came in together, packed; of spans with the same id the last one counts.
CREATE TABLE trace_chunks (
    trace_no BIGINT NOT NULL,
    chunk BIGINT NOT NULL,
    spans {BYTES} NOT NULL,
    PRIMARY KEY (trace_no, chunk)
){CLUSTERED};

-- What searches ask of spans.
CREATE TABLE trace_spans (
    trace_no BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    name {TEXT} NOT NULL,
    type {TEXT} NOT NULL,
    status {TEXT} NOT NULL,
    PRIMARY KEY (trace_no, span_id)
){CLUSTERED};
CREATE INDEX trace_spans_by_name ON trace_spans (substr(name, 1, 200), trace_no);
CREATE INDEX trace_spans_by_type ON trace_spans (substr(type, 1, 200), trace_no);

-- Runs and prompt versions (`name/version`) that a trace belongs to.
CREATE TABLE trace_links (
    trace_no BIGINT NOT NULL,
    kind {TEXT} NOT NULL,
    target {TEXT} NOT NULL,
    PRIMARY KEY (trace_no, kind, target)
){CLUSTERED};
CREATE INDEX trace_links_by_target ON trace_links (kind, target, trace_no);

-- Judgements of traces and spans. `kind` is feedback, expectation or issue; `value` and `error` are JSON; `number` is the
-- value when it is a number.
CREATE TABLE assessments (
    trace_no BIGINT NOT NULL,
    id {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    name {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    number DOUBLE PRECISION,
    error {TEXT},
    source_type {TEXT} NOT NULL,
    source_id {TEXT} NOT NULL,
    span_id {TEXT},
    rationale {TEXT},
    metadata {TEXT} NOT NULL,
    overrides {TEXT},
    valid BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (trace_no, id)
){CLUSTERED};
CREATE INDEX assessments_by_value ON assessments (kind, substr(name, 1, 200), substr(value, 1, 200), trace_no);
