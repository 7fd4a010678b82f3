//! A PostgreSQL server of one bench, with PostgreSQL's own settings: a commit is on disk before it is answered.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::bench::process::{Server, is_root};
use crate::bench::scratch;
use crate::run;

/// A running server. Fields go in this order: the server ends before its folder is removed.
pub(super) struct Cluster {
    pub(super) server: Server,
    /// As psycopg2 and SQLAlchemy write it.
    pub(super) url: String,
    _folder: TempDir,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub(super) fn start() -> Result<Self> {
        let programs = programs()?;
        let account = if is_root() { Some(account()?) } else { None };
        let folder = scratch("postgres")?;
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let made = command(&programs.join("initdb"), account)
            .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let port = free_port()?;
        let log = File::create(folder.path().join("log"))?;
        let mut start = command(&programs.join("postgres"), account);
        start.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        start.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        let server = Server::interrupted(start.stdout(log.try_clone()?).stderr(log))?;
        let cluster = Self { server, url: format!("postgresql://postgres@127.0.0.1:{port}/postgres"), _folder: folder };
        let ready = programs.join("pg_isready");
        let asked = Instant::now();
        while run::output(Command::new(&ready).args(["-h", "127.0.0.1", "-p", &port.to_string()])).is_none() {
            if asked.elapsed() > Duration::from_secs(60) {
                bail!("PostgreSQL did not start: {}", fs::read_to_string(cluster._folder.path().join("log"))?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(cluster)
    }
}

/// A port that nobody listens on.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn command(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

/// The folder with the server's programs: Debian keeps it apart by version and out of the path.
fn programs() -> Result<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = debian.map(|entry| entry.path().join("bin")).chain(std::env::split_paths(&path));
    let complete =
        |folder: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).exists());
    folders.find(complete).context("PostgreSQL is not installed; on Debian: sudo apt-get install -y postgresql")
}

/// User and group of the server when this process is root, which PostgreSQL refuses to run as.
fn account() -> Result<(u32, u32)> {
    let id = |which| run::output(Command::new("id").args([which, "postgres"]))?.trim().parse().ok();
    id("-u").zip(id("-g")).context("PostgreSQL cannot run as root, and there is no user 'postgres' to run it as")
}
