//! A PostgreSQL server for tests: one for all test processes of a machine, started by the first, stopped a few seconds
//! after the last. (`cargo nextest` runs each test in a process of its own; a server for each would cost a second.)

#![expect(clippy::disallowed_methods, reason = "tests start a server and are configured by the environment")]

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use postgres::{Client, NoTls};

/// The account that runs the server when the tests run as root, which PostgreSQL refuses to run as.
const ACCOUNT: &str = "postgres";
/// How many ports are tried: another process may take a free port before the server does.
const PORTS_TRIED: usize = 5;
/// No flush to disk: the data of a test need not survive a power cut.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "autovacuum=off",
    "max_connections=300",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];
/// Stops the server once no process holds the lock of its users ($1), then removes its folder ($3). It keeps the lock
/// meanwhile, so that a new user waits and then starts a new server.
const GUARD: &str =
    r#"exec 9<"$1"; until sleep 5; flock -n 9; do :; done; "$2" stop -s -m immediate -D "$3/data"; rm -rf "$3""#;

/// A running server.
pub(crate) struct Server {
    /// The URL up to the slash before the database's name.
    pub(crate) url: String,
    /// Held as long as this process uses the server.
    _user: Option<File>,
}

impl Server {
    /// The server that the environment variable `FLYBALL_TEST_POSTGRES` names, otherwise the shared one.
    pub(crate) fn shared() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let given = std::env::var("FLYBALL_TEST_POSTGRES").map(|url| Self { url, _user: None });
            let server = Arc::new(given.unwrap_or_else(|_| Self::join()));
            *current = Arc::downgrade(&server);
            server
        })
    }

    /// Becomes a user of the machine's test server, and starts it when there is none.
    fn join() -> Self {
        let programs = programs();
        let home = home();
        let users = File::create(home.join("users")).expect("to write to the temporary folder");
        users.lock_shared().expect("a lock of a temporary file");
        let starting = File::create(home.join("starting")).expect("to write to the temporary folder");
        starting.lock().expect("a lock of a temporary file");
        let folder = home.join("server");
        let port = running(&folder).unwrap_or_else(|| start(&programs, &home, &folder));
        Self { url: url(port), _user: Some(users) }
    }
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/")
}

/// The port of the server in `folder`, when it answers and is the one that was started there.
fn running(folder: &Path) -> Option<u16> {
    let port = fs::read_to_string(folder.join("port")).ok()?.parse().ok()?;
    let mut client = Client::connect(&format!("{}postgres", url(port)), NoTls).ok()?;
    let data: String = client.query_one("SHOW data_directory", &[]).ok()?.get(0);
    (Path::new(&data) == folder.join("data")).then_some(port)
}

#[expect(clippy::zombie_processes, reason = "the guard outlives this process, by design")]
fn start(programs: &Path, home: &Path, folder: &Path) -> u16 {
    drop(fs::remove_dir_all(folder)); // left by a server that did not end in order
    fs::create_dir(folder).expect("to write to the temporary folder");
    fs::set_permissions(folder, Permissions::from_mode(0o700)).expect("to close the folder");
    let account = account();
    if let Some((user, group)) = account {
        chown(folder, Some(user), Some(group)).expect("to give the folder to the server's account");
    }
    let data = folder.join("data");
    let made = command(&programs.join("initdb"), account)
        .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .expect("to run initdb");
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    let control = programs.join("pg_ctl");
    let port = (0..PORTS_TRIED).find_map(|_| {
        let port = free_port();
        let options = SETTINGS.iter().fold(format!("-p {port}"), |options, setting| format!("{options} -c {setting}"));
        let mut start = command(&control, account);
        start.args(["start", "-w", "-s", "-o", &options, "-l"]).arg(folder.join("log")).arg("-D").arg(&data);
        start.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        start.status().expect("to run pg_ctl").success().then_some(port)
    });
    let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
    let port = port.unwrap_or_else(|| panic!("the PostgreSQL server did not start: {}", log()));
    let mut file = File::create(folder.join("port")).expect("to write to the temporary folder");
    file.write_all(port.to_string().as_bytes()).expect("to write to the temporary folder");
    let mut guard = command(Path::new("/bin/sh"), account);
    guard.args(["-c", GUARD, "guard"]).arg(home.join("users")).arg(&control).arg(folder);
    // A group of its own, so that it outlives an interrupted test run and cleans up after it.
    guard.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    guard.spawn().expect("to start the server's guard");
    port
}

/// The folder that the test processes of this user share.
fn home() -> PathBuf {
    let me = effective_user();
    let home = std::env::temp_dir().join(format!("flyball-test-postgres-{me}"));
    let made = DirBuilder::new().mode(0o711).create(&home);
    let owner = fs::symlink_metadata(&home).expect("a temporary folder").uid();
    assert!(made.is_ok() || owner == me, "{} belongs to somebody else", home.display());
    home
}

fn command(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The folder with the server's programs: Debian keeps it apart by version and out of the path.
fn programs() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.map(|entry| entry.path().join("bin")).chain(std::env::split_paths(&path));
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(complete).unwrap_or_else(|| {
        panic!("PostgreSQL is not installed, and this test needs a real one; on Debian: apt-get install postgresql")
    })
}

fn effective_user() -> u32 {
    fs::metadata("/proc/self").expect("the proc file system").uid()
}

/// User and group of the server when this process is root.
fn account() -> Option<(u32, u32)> {
    (effective_user() == 0).then(|| {
        let users = fs::read_to_string("/etc/passwd").expect("the list of users");
        let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == ACCOUNT);
        let ids = user.and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
        ids.expect("the user 'postgres' to run the server as, because tests run as root")
    })
}
