//! Who may call what.

use std::net::SocketAddr;

use flyball_core::{Error, ErrorCode, Result};

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Nothing.
    Public,
    /// To look, and to ask for predictions.
    Read,
    /// To change.
    Edit,
    /// To grant and to administer.
    Manage,
}

impl Policy {
    /// The word for it, as in the OpenAPI document.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Public => "public",
            Policy::Read => "read",
            Policy::Edit => "edit",
            Policy::Manage => "manage",
        }
    }
}

/// What a caller without credentials is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Only what is public.
    Nothing,
    /// To look.
    Read,
    /// To look and change.
    Edit,
    /// Everything.
    Manage,
}

/// Who may come in.
#[derive(Clone, Debug)]
pub struct Access {
    /// What a caller without credentials may do.
    pub anonymous: Grant,
    /// The names by which this server may be called; requests for other hosts are refused, so that a foreign page cannot
    /// reach it through a name that it makes resolve to here.
    pub hosts: Vec<String>,
}

impl Access {
    /// Local mode: whoever reaches the loopback address is the one local user.
    pub fn local() -> Self {
        let hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        Self { anonymous: Grant::Manage, hosts }
    }

    /// Whether a caller without credentials passes a policy.
    ///
    /// # Errors
    /// `Unauthenticated` when saying who it is could help, `Forbidden` when it is known and may not.
    pub fn check(&self, policy: Policy) -> Result<()> {
        let passes = match policy {
            Policy::Public => true,
            Policy::Read => self.anonymous >= Grant::Read,
            Policy::Edit => self.anonymous >= Grant::Edit,
            Policy::Manage => self.anonymous >= Grant::Manage,
        };
        match (passes, self.anonymous) {
            (true, _) => Ok(()),
            (false, Grant::Nothing) => Err(Error::new(ErrorCode::Unauthenticated, "say who you are")),
            (false, _) => Err(Error::new(ErrorCode::Forbidden, "this needs more rights than you have")),
        }
    }
}

/// Refuses to listen where others can reach a server that knows nobody.
///
/// # Errors
/// `Forbidden` for an address that is not loopback while no authentication is set up.
pub fn check_bind(address: SocketAddr, authentication: bool) -> Result<()> {
    if address.ip().is_loopback() || authentication {
        return Ok(());
    }
    let message = format!("{} can be reached by others, and no authentication is set up", address.ip());
    Err(Error::new(ErrorCode::Forbidden, message).hint("listen on 127.0.0.1 and put a tunnel in front"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open_without_authentication() {
        for good in ["127.0.0.1:5050", "[::1]:5050", "127.8.8.8:1"] {
            assert!(check_bind(good.parse().unwrap(), false).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:5050", "[::]:5050", "192.168.0.2:1"] {
            assert!(check_bind(bad.parse().unwrap(), false).is_err(), "{bad}");
            assert!(check_bind(bad.parse().unwrap(), true).is_ok());
        }
    }

    #[test]
    fn grants_open_exactly_their_policies() {
        let policies = [Policy::Public, Policy::Read, Policy::Edit, Policy::Manage];
        for (anonymous, open) in [(Grant::Nothing, 1), (Grant::Read, 2), (Grant::Edit, 3), (Grant::Manage, 4)] {
            let access = Access { anonymous, hosts: Vec::new() };
            assert_eq!(policies.iter().filter(|policy| access.check(**policy).is_ok()).count(), open);
        }
    }
}
