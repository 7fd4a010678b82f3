-- Endpoints and what serves them, what was asked and answered, and what really happened.

CREATE TABLE endpoints (
    name TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    loop_name TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE revisions (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    artifact TEXT NOT NULL,
    loop_name TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX revisions_by_endpoint ON revisions (endpoint, created_at);

CREATE TABLE traffic (
    endpoint TEXT NOT NULL,
    position BIGINT NOT NULL,
    revision_id TEXT NOT NULL,
    per_mille BIGINT NOT NULL,
    PRIMARY KEY (endpoint, position)
);

-- A run of inference records, kept as one Parquet blob. `id_from` and `id_to` are the moments inside the prediction
-- ids, which is how a prediction is found again.
CREATE TABLE record_segments (
    endpoint TEXT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    at_from BIGINT NOT NULL,
    at_to BIGINT NOT NULL,
    id_from BIGINT NOT NULL,
    id_to BIGINT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (endpoint, first_sequence)
);
CREATE INDEX record_segments_by_time ON record_segments (endpoint, at_to);
CREATE INDEX record_segments_by_id ON record_segments (id_to);

-- Every value that was ever reported stays; the highest revision of a key holds.
CREATE TABLE ground_truths (
    endpoint TEXT NOT NULL,
    key TEXT NOT NULL,
    revision BIGINT NOT NULL,
    number DOUBLE PRECISION,
    class TEXT,
    happened_at BIGINT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (endpoint, key, revision)
);
CREATE INDEX ground_truths_by_time ON ground_truths (endpoint, happened_at);
