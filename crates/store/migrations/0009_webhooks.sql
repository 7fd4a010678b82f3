-- Who wants to be told of changes in the registry.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL
);
