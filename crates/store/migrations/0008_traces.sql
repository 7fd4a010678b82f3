-- Traces of requests: one row each, spans packed beside.
CREATE TABLE traces (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    experiment_id BIGINT NOT NULL
);
