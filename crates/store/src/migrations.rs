//! Brings the schema up to date: numbered SQL files, each applied once, none ever changed.

use flyball_core::{Digest, Error, ErrorCode, Result};

use crate::db::DatabaseKind;
use crate::db::connection::{Access, Connection};
use crate::db::values::Values;
use crate::params;

/// A step of the schema. Its version is its place in the list, counted from 1.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(Migration { name: $name, sql: include_str!(concat!("../migrations/", $name, ".sql")) }),*]
    };
}

/// All migrations, in order. New ones go to the end.
const MIGRATIONS: &[Migration] = migrations![
    "0001_jobs",
    "0002_lifecycle",
    "0003_data",
    "0004_serving",
    "0005_tracking",
    "0006_artifacts",
    "0007_registry",
    "0008_traces",
    "0009_webhooks",
    "0010_imports",
    "0011_rollouts",
    "0012_alerts",
    "0013_evaluations",
    "0014_remedies",
    "0015_windows",
    "0016_labels",
];

/// Applies what is missing, in one transaction, while no other process writes.
pub(crate) fn run(connection: &mut Connection, kind: DatabaseKind) -> Result<()> {
    connection.begin(Access::Write)?;
    let outcome = apply(connection, kind).and_then(|()| connection.batch("COMMIT"));
    if outcome.is_err() {
        connection.rollback();
    }
    outcome
}

fn apply(connection: &mut Connection, kind: DatabaseKind) -> Result<()> {
    connection.batch(
        "CREATE TABLE IF NOT EXISTS schema_version \
         (version BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)",
    )?;
    let applied =
        connection.query("SELECT version, name, digest FROM schema_version ORDER BY version", Values::List(&[]))?;
    for (row, version) in applied.iter().zip(1_i64..) {
        let known = MIGRATIONS.get(row.get::<usize>("version")?.wrapping_sub(1));
        let Some(known) = known else { return Err(newer()) };
        if row.get::<i64>("version")? != version || row.get::<Digest>("digest")? != Digest::of(known.sql.as_bytes()) {
            return Err(changed(&row.get::<String>("name")?));
        }
    }
    for (migration, version) in MIGRATIONS.iter().zip(1_i64..).skip(applied.len()) {
        connection.batch(&for_engine(migration.sql, kind))?;
        let digest = Digest::of(migration.sql.as_bytes());
        connection.execute(
            "INSERT INTO schema_version (version, name, digest) VALUES ($1, $2, $3)",
            Values::List(&params![version, migration.name, digest]),
        )?;
        tracing::info!(migration = migration.name, "the schema was brought up to date");
    }
    Ok(())
}

fn newer() -> Error {
    Error::new(ErrorCode::Conflict, "the database was made by a newer Flyball")
        .hint("start that version of Flyball, or restore a backup from before the update")
}

fn changed(name: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("the schema step '{name}' in the database differs from the one of this Flyball"),
    )
    .hint("start the version of Flyball that made the database; a development build may need a fresh data folder")
}

fn for_engine(sql: &str, kind: DatabaseKind) -> String {
    let (bytes, text, auto_id, clustered) = match kind {
        // A table without row ids is its primary key: rows that are read together lie together.
        DatabaseKind::Sqlite => ("BLOB", "TEXT", "INTEGER PRIMARY KEY", " WITHOUT ROWID"),
        // Texts that order search results do so by their bytes, as in SQLite, whatever the language of the server.
        DatabaseKind::Postgres => {
            ("BYTEA", "TEXT COLLATE \"C\"", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "")
        }
    };
    sql.replace("{BYTES}", bytes)
        .replace("{TEXT}", text)
        .replace("{AUTO_ID}", auto_id)
        .replace("{CLUSTERED}", clustered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_the_types_of_the_engine() {
        let sql = "CREATE TABLE t (id {AUTO_ID}, body {BYTES})";
        assert_eq!(for_engine(sql, DatabaseKind::Sqlite), "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
        assert!(for_engine(sql, DatabaseKind::Postgres).contains("IDENTITY PRIMARY KEY, body BYTEA"));
        assert!(MIGRATIONS.iter().zip(1..).all(|(m, version)| m.name.starts_with(&format!("{version:04}_"))));
    }
}
