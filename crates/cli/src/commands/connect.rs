//! Finds the server of the project, or brings one up for the length of a command.

use flyball_client::Client;
use flyball_core::{Error, ErrorCode, Result};
use flyball_store::DataDirLock;

use crate::commands::serve::{self, Running};
use crate::wire::Places;

/// A server to talk to: the one that runs on the data folder, or one of our own.
pub(crate) struct Connection {
    /// Talks to it.
    pub(crate) client: Client,
    /// Held as long as it is needed, when it is our own.
    _own: Option<Running>,
}

/// Connects to the server that holds the data folder. When there is none, one is started in this process on a free
/// loopback port, so that every command takes the same way through the same API.
pub(crate) fn connect(places: &Places) -> Result<Connection> {
    if let Some(info) = DataDirLock::read_info(&places.data_dir) {
        let Some(address) = info["address"].as_str() else {
            return Err(Error::new(
                ErrorCode::Locked,
                format!("the data folder {} is in use by process {}", places.data_dir.display(), info["pid"]),
            )
            .hint("wait until it has ended, or name another folder with --data-dir"));
        };
        return Ok(Connection { client: Client::new(address), _own: None });
    }
    let running = serve::start(places, serve::ANY_PORT)?;
    Ok(Connection { client: Client::new(running.address()), _own: Some(running) })
}
