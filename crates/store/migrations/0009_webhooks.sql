-- Who wants to be told of changes in the registry. The secret is sealed with the key of the installation.
CREATE TABLE webhooks (
    id {TEXT} PRIMARY KEY,
    workspace {TEXT} NOT NULL,
    name {TEXT} NOT NULL,
    description {TEXT},
    url {TEXT} NOT NULL,
    secret {BYTES},
    status {TEXT} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deliveries BIGINT NOT NULL          -- how many were begun: numbers them
);
CREATE INDEX webhooks_by_creation ON webhooks (workspace, created_at DESC, id);

CREATE TABLE webhook_events (
    webhook_id {TEXT} NOT NULL,
    entity {TEXT} NOT NULL,
    action {TEXT} NOT NULL,
    PRIMARY KEY (webhook_id, entity, action)
){CLUSTERED};
CREATE INDEX webhook_events_by_event ON webhook_events (entity, action, webhook_id);
