-- Evaluations that were asked for, made at training, or replayed from traffic; request and report are JSON.
CREATE TABLE evaluations (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    subject TEXT NOT NULL,
    passed BIGINT,
    error TEXT,
    request TEXT NOT NULL,
    report TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX evaluations_by_time ON evaluations (workspace, created_at);
CREATE INDEX evaluations_by_version ON evaluations (workspace, model, version, created_at);
