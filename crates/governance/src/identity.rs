//! Identities and the permits that they get.
//!
//! The server is in local mode (one user, on the loopback address) until authentication arrives; parts of Flyball that
//! act by themselves, such as a loop, act under their own name.

use flyball_core::{Manage, Name, Permit, Result};

/// The workspace of a server in local mode.
pub const LOCAL_WORKSPACE: &str = "default";
/// The one user of a server in local mode.
pub const LOCAL_USER: &str = "user:local";

/// The permit of the local user.
pub fn local_user() -> Result<Permit<Manage>> {
    issue(LOCAL_USER)
}

/// The permit of a loop, which acts on its own in the workspace where it was declared.
pub fn for_loop(name: &Name) -> Result<Permit<Manage>> {
    issue(&format!("loop:{name}"))
}

/// The permit of an endpoint, whose rollouts go on by themselves.
pub fn for_endpoint(name: &Name) -> Result<Permit<Manage>> {
    issue(&format!("endpoint:{name}"))
}

#[expect(clippy::disallowed_methods, reason = "governance is where permits are made")]
fn issue(actor: &str) -> Result<Permit<Manage>> {
    Ok(Permit::issue(LOCAL_WORKSPACE.parse()?, actor.to_owned()))
}
