use flyball_core::{Digest, ErrorCode};
use flyball_store::{DatabaseUrl, Db, params};
use flyball_testkit::{TestDb, on_both};

#[test]
fn opening_again_changes_nothing() {
    on_both(|db| {
        let versions = |db: &Db| {
            let rows = db.read(|tx| tx.query("SELECT version, name, digest FROM schema_version ORDER BY version", &[]));
            let rows = rows.unwrap();
            rows.iter()
                .map(|row| (row.get::<i64>("version").unwrap(), row.get::<Digest>("digest").unwrap()))
                .collect::<Vec<_>>()
        };
        let before = versions(db);
        assert!(!before.is_empty());
        assert_eq!(versions(&Db::open(db.url()).unwrap()), before);
    });
}

#[test]
fn processes_that_open_a_new_database_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    // Many rounds: who collides with whom is chance.
    for round in 0..20 {
        let url = DatabaseUrl::Sqlite(folder.path().join(format!("{round}.db")));
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..6).map(|_| scope.spawn(|| Db::open(&url).map(drop))).collect();
            openers.into_iter().for_each(|opener| opener.join().unwrap().unwrap());
        });
    }
}

#[test]
fn a_changed_or_newer_schema_is_refused_clearly() {
    on_both(|db| {
        let newer = params![9_999, "9999_future", Digest::of(b"future")];
        db.write(move |tx| {
            tx.execute("INSERT INTO schema_version (version, name, digest) VALUES ($1, $2, $3)", &newer)
        })
        .unwrap();
        let error = Db::open(db.url()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict);
        assert!(error.message().contains("newer Flyball"), "{error}");
        assert!(error.next_step().is_some());

        db.write(|tx| tx.execute("DELETE FROM schema_version WHERE version = 9999", &[])).unwrap();
        let other = params![Digest::of(b"edited")];
        db.write(move |tx| tx.execute("UPDATE schema_version SET digest = $1 WHERE version = 1", &other)).unwrap();
        let error = Db::open(db.url()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict);
        assert!(error.message().contains("0001_jobs"), "{error}");
    });
}

#[test]
fn an_unreachable_database_is_an_error_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let a_folder = DatabaseUrl::Sqlite(folder.path().to_owned());
    std::fs::write(folder.path().join("text.db"), "this is not a database, it is a text of some length".repeat(40))
        .unwrap();
    let not_a_database = DatabaseUrl::Sqlite(folder.path().join("text.db"));
    let nobody = DatabaseUrl::Postgres("postgres://me:secret@127.0.0.1:1/x".into());
    for url in [a_folder, not_a_database, nobody] {
        let error = Db::open(&url).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
        assert!(error.next_step().is_some());
        assert!(!format!("{error:?}").contains("secret"));
    }
    let nonsense = Db::open(&DatabaseUrl::Postgres("postgres://me:secret@host:notaport/x".into())).unwrap_err();
    assert_eq!(nonsense.code(), ErrorCode::InvalidInput);
    assert!(!format!("{nonsense:?}").contains("secret"));
}

#[cfg(unix)]
#[test]
fn the_files_of_a_database_belong_to_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let db = TestDb::sqlite();
    db.write(|tx| tx.execute("CREATE TABLE t (id BIGINT)", &[])).unwrap();
    let DatabaseUrl::Sqlite(path) = db.url() else { panic!("not SQLite") };
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "the database and its log: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}
