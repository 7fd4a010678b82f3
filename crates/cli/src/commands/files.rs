//! The files of a run: listed, fetched, kept and removed.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use flyball_client::{Client, segment};
use flyball_core::{Error, ErrorCode, Result};
use serde_json::Value;

use super::Context;
use super::list::print_list;
use crate::args::FilesVerb;
use crate::output::print_json;

pub(super) fn run(context: &Context, client: &Client, verb: &FilesVerb) -> Result<()> {
    match verb {
        FilesVerb::List { id, folder } => {
            let found = entries(client, id, folder.as_deref().unwrap_or_default())?;
            print_list(context, &found, &[("name", "/name"), ("bytes", "/size")])
        }
        FilesVerb::Get { id, path, to } => {
            let name = Path::new(path).file_name().map(PathBuf::from);
            let to = to.clone().or(name).ok_or_else(|| Error::invalid("the path has no name").hint("say --to PATH"))?;
            let below = entries(client, id, path)?;
            let fetched = match below.as_array().is_some_and(|entries| !entries.is_empty()) {
                true => fetch_folder(client, id, path, &to)?,
                false => {
                    fetch(client, id, path, &to)?;
                    1
                }
            };
            if !context.json {
                println!("{fetched} file{} in {}", if fetched == 1 { "" } else { "s" }, to.display());
                return Ok(());
            }
            print_json(&serde_json::json!({ "files": fetched, "to": to }))
        }
        FilesVerb::Put { id, file, to } => {
            let name = file.file_name().and_then(|name| name.to_str());
            let to = to.as_deref().or(name).ok_or_else(|| Error::invalid("the file has no name"))?;
            let opened = File::open(file).map_err(|error| cannot("read", file, error))?;
            let kept: Value = client.upload(&at(id, to), opened)?;
            if context.json {
                return print_json(&kept);
            }
            println!("{to} is kept, {} bytes, digest {}", kept["size"], kept["digest"].as_str().unwrap_or_default());
            Ok(())
        }
        FilesVerb::Delete { id, path } => {
            let removed: Value = client.delete(&at(id, path))?;
            if context.json {
                return print_json(&removed);
            }
            println!("{} removed", removed["removed"]);
            Ok(())
        }
    }
}

/// The route of a file.
fn at(id: &str, path: &str) -> String {
    let path: Vec<String> = path.split('/').map(segment).collect();
    format!("/api/v1/runs/{}/artifacts/{}", segment(id), path.join("/"))
}

fn entries(client: &Client, id: &str, folder: &str) -> Result<Value> {
    let path = format!("/api/v1/runs/{}/artifacts", segment(id));
    client.search(&path, &[("path", folder.to_owned())]).map(|(entries, _)| entries)
}

/// Fetches a folder and tells how many files came. Names come from the server, so none may lead elsewhere.
fn fetch_folder(client: &Client, id: &str, path: &str, to: &Path) -> Result<u64> {
    fs::create_dir_all(to).map_err(|error| cannot("make", to, error))?;
    let mut fetched = 0;
    for entry in entries(client, id, path)?.as_array().into_iter().flatten() {
        let name = entry["name"].as_str().filter(|name| is_plain(name));
        let name = name.ok_or_else(|| Error::invalid(format!("the server names a file {}", entry["name"])))?;
        let (below, place) = (format!("{}/{name}", path.trim_end_matches('/')), to.join(name));
        if entry["folder"].as_bool().unwrap_or_default() {
            fetched += fetch_folder(client, id, &below, &place)?;
        } else {
            fetch(client, id, &below, &place)?;
            fetched += 1;
        }
    }
    Ok(fetched)
}

/// Fetches a file under another name first, so that a broken one is never taken for it.
fn fetch(client: &Client, id: &str, path: &str, to: &Path) -> Result<()> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    // Whatever has that name is not ours to write over.
    let mut file = File::create_new(&partial).map_err(|error| cannot("write", &partial, error))?;
    let fetched = client.download(&at(id, path), &mut file);
    let fetched = fetched.and_then(|_| fs::rename(&partial, to).map_err(|error| cannot("write", to, error)));
    if fetched.is_err()
        && let Err(error) = fs::remove_file(&partial)
    {
        tracing::warn!(%error, path = %partial.display(), "what was fetched of the file stays");
    }
    fetched
}

/// Whether a name is that of something in a folder, and leads nowhere else.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::NotFound,
        std::io::ErrorKind::StorageFull => ErrorCode::StorageFull,
        _ => ErrorCode::Unavailable,
    };
    Error::new(code, format!("cannot {what} {}: {error}", path.display()))
}
