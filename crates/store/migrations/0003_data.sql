-- Immutable snapshots of datasets. `recipe` is the digest of what a version was made from, `content` of what it holds.
CREATE TABLE dataset_versions (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    dataset TEXT NOT NULL,
    version BIGINT NOT NULL,
    content TEXT NOT NULL,
    recipe TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    columns_json TEXT NOT NULL,
    origin TEXT NOT NULL,
    broken_rows BIGINT NOT NULL,
    quarantine TEXT,
    profile TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX dataset_versions_by_number ON dataset_versions (workspace, dataset, version);

-- Which versions a derived version was made from.
CREATE TABLE dataset_inputs (
    output_id TEXT NOT NULL,
    input_id TEXT NOT NULL,
    PRIMARY KEY (output_id, input_id)
);
CREATE INDEX dataset_inputs_by_input ON dataset_inputs (input_id);

CREATE TABLE validation_reports (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    version_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    passed BIGINT NOT NULL,
    outcomes TEXT NOT NULL,
    failing_rows TEXT
);
CREATE INDEX validation_reports_by_version ON validation_reports (version_id, at);
