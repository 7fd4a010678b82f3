CREATE TABLE audit_events (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    workspace TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    experiment TEXT NOT NULL,
    cause TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    dataset_version TEXT NOT NULL,
    window_from BIGINT,
    window_to BIGINT,
    row_count BIGINT NOT NULL,
    rows_digest TEXT NOT NULL,
    code_commit TEXT,
    error TEXT,
    importance TEXT NOT NULL
);
CREATE INDEX runs_by_experiment ON runs (workspace, experiment, started_at);

CREATE TABLE run_params (
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);

CREATE TABLE run_metrics (
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (run_id, name, step)
);

CREATE TABLE model_versions (
    workspace TEXT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    artifact TEXT NOT NULL,
    signature TEXT NOT NULL,
    reference TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    PRIMARY KEY (workspace, model, version)
);
CREATE UNIQUE INDEX model_versions_by_run ON model_versions (run_id);

CREATE TABLE model_aliases (
    workspace TEXT NOT NULL,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, model, alias)
);

CREATE TABLE gate_reports (
    run_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    at BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    report TEXT NOT NULL
);

CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    from_revision TEXT,
    to_revision TEXT NOT NULL,
    plan TEXT NOT NULL,
    step BIGINT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    step_started_at BIGINT NOT NULL,
    ended_at BIGINT,
    decisions TEXT NOT NULL
);
CREATE INDEX rollouts_by_endpoint ON rollouts (workspace, endpoint, started_at);

CREATE TABLE monitor_windows (
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    window_from BIGINT NOT NULL,
    window_to BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    labelled BIGINT NOT NULL,
    drifted BIGINT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (workspace, loop_name, window_from)
);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    windows BIGINT NOT NULL,
    resolved_at BIGINT,
    summary TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX alerts_by_loop ON alerts (workspace, loop_name, state, kind);

CREATE TABLE remedy_actions (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    remedy BIGINT NOT NULL,
    action TEXT NOT NULL,
    at BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL
);
CREATE INDEX remedy_actions_by_loop ON remedy_actions (workspace, loop_name, at);

CREATE TABLE loops (
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    file TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    datasets TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE simulations (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    period_from BIGINT NOT NULL,
    period_to BIGINT NOT NULL,
    served_to BIGINT NOT NULL,
    state TEXT NOT NULL,
    progress TEXT NOT NULL
);
