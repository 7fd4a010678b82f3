-- Labelling projects; what is asked and how is JSON.
CREATE TABLE label_projects (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name {TEXT} NOT NULL,
    settings TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (workspace, name)
);

-- What is labelled, in the order of the queue. `answered` counts the annotations that stand.
CREATE TABLE label_tasks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    task_key TEXT NOT NULL,
    data TEXT NOT NULL,
    version_id TEXT,
    version_row BIGINT,
    priority DOUBLE PRECISION NOT NULL,
    answered BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, task_key)
);
CREATE INDEX label_tasks_by_queue ON label_tasks (project_id, state, priority, position);
CREATE INDEX label_tasks_by_position ON label_tasks (project_id, position);

-- Who works on a task now, and until when nobody else is given it.
CREATE TABLE label_leases (
    task_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    annotator TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (task_id, annotator)
);
CREATE INDEX label_leases_by_annotator ON label_leases (project_id, annotator);

-- Every answer of every annotator; an answer that is changed stays, as superseded. No row is ever removed.
CREATE TABLE annotations (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    annotator {TEXT} NOT NULL,
    revision BIGINT NOT NULL,
    state TEXT NOT NULL,
    label TEXT,
    note TEXT NOT NULL,
    taken_ms BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    reviewed_at BIGINT,
    reviewed_by TEXT,
    review_note TEXT,
    UNIQUE (task_id, annotator, revision)
);
CREATE INDEX annotations_by_project ON annotations (project_id, state, created_at);

-- What was said about a task.
CREATE TABLE label_comments (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX label_comments_by_task ON label_comments (task_id, created_at);

-- What a model or the labelling functions say of a task; the probabilities of the classes are JSON.
CREATE TABLE label_predictions (
    task_id TEXT NOT NULL,
    source {TEXT} NOT NULL,
    project_id TEXT NOT NULL,
    version TEXT NOT NULL,
    label TEXT NOT NULL,
    score DOUBLE PRECISION,
    probabilities TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (task_id, source)
);
CREATE INDEX label_predictions_by_project ON label_predictions (project_id, source);

-- Rules that vote for a class: an SQL condition, or an expression that gives a class or NULL.
CREATE TABLE label_functions (
    project_id TEXT NOT NULL,
    name {TEXT} NOT NULL,
    sql TEXT NOT NULL,
    class TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
);

-- Annotations that became dataset versions.
CREATE TABLE label_commits (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    summary TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX label_commits_by_project ON label_commits (project_id, created_at);
