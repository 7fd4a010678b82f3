//! Fresh databases for tests.

use std::ops::Deref;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flyball_store::{DatabaseUrl, Db};
use postgres::NoTls;
use tempfile::TempDir;

use crate::postgres_server::Server;

/// A fresh, empty database with the current schema; gone when dropped. Use it as a [`Db`].
pub struct TestDb {
    // First of the fields, so that it closes before what it lives in goes away.
    db: Db,
    url: DatabaseUrl,
    _home: Home,
}

enum Home {
    Folder { _folder: TempDir },
    Server { _database: Database },
}

impl TestDb {
    /// A SQLite database in a temporary folder.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("flyball.db"));
        Self::open(url, Home::Folder { _folder: folder })
    }

    /// A database of its own on a real PostgreSQL server: the one that the environment variable `FLYBALL_TEST_POSTGRES`
    /// names (its URL ends with a slash and no database), otherwise one that the tests of this machine share.
    ///
    /// # Panics
    /// When PostgreSQL is not installed: a test that needs it must not pass without it.
    pub fn postgres() -> Self {
        let database = Database::create(Server::shared());
        Self::open(DatabaseUrl::Postgres(database.url()), Home::Server { _database: database })
    }

    fn open(url: DatabaseUrl, home: Home) -> Self {
        let db = Db::open(&url).unwrap_or_else(|error| panic!("the test database cannot be opened: {error:?}"));
        Self { db, url, _home: home }
    }

    /// Where it is, to open it a second time.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

/// Runs a test on SQLite and on PostgreSQL, each time on a fresh database.
pub fn on_both(test: impl Fn(&TestDb)) {
    for (engine, open) in [("SQLite", TestDb::sqlite as fn() -> TestDb), ("PostgreSQL", TestDb::postgres)] {
        // Printed output is shown for a test that fails, and then says on which engine.
        announce(engine);
        test(&open());
    }
}

#[expect(clippy::print_stdout, reason = "the test runner shows it with a failure")]
fn announce(engine: &str) {
    println!("on {engine}");
}

/// A database of a server.
struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    fn create(server: Arc<Server>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database
            .admin(&[("DROP DATABASE IF EXISTS", "WITH (FORCE)"), ("CREATE DATABASE", "")])
            .expect("a database for the test");
        database
    }

    fn url(&self) -> String {
        format!("{}{}", self.server.url, self.name)
    }

    fn admin(&self, commands: &[(&str, &str)]) -> Result<(), postgres::Error> {
        let mut client = postgres::Client::connect(&format!("{}postgres", self.server.url), NoTls)?;
        commands.iter().try_for_each(|(verb, how)| client.batch_execute(&format!("{verb} {} {how}", self.name)))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // One that stays behind costs space only, until the server's folder is removed.
        drop(self.admin(&[("DROP DATABASE IF EXISTS", "WITH (FORCE)")]));
    }
}
