-- Registered models, their versions, and what is pinned to them.
CREATE TABLE registered_models (
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);
