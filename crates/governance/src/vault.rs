//! Secrets by name: kept sealed, used by what calls out, shown to nobody.

use flyball_core::{Edit, Error, ErrorCode, Name, Permit, Read, Result, Timestamp};
use flyball_store::{Row, Tx, params};
use serde::Serialize;

use crate::audit::{self, Event};
use crate::secrets::SecretKey;

/// Longest name of a secret, as of a variable of the environment.
const NAME_BYTES: usize = 64;
/// Longest secret: four times a private key in PEM form.
const SECRET_BYTES: usize = 16 * 1024;

/// What may be known of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretInfo {
    /// The name.
    pub name: String,
    /// When it was set.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

/// The secrets of an installation; cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    key: SecretKey,
}

impl Vault {
    /// Secrets that are sealed with `key`.
    pub fn new(key: SecretKey) -> Self {
        Self { key }
    }

    /// Sets a secret; an earlier one of the name is gone.
    ///
    /// # Errors
    /// `InvalidName` for a name that is none, `InvalidInput` for an empty or far too long secret.
    pub fn set(&self, tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &str, secret: &str, now: Timestamp) -> Result<()> {
        check_name(name)?;
        if secret.is_empty() || secret.len() > SECRET_BYTES {
            return Err(Error::invalid(format!("a secret has 1 to {SECRET_BYTES} bytes")));
        }
        tx.execute(
            "INSERT INTO secrets (workspace, name, sealed, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace, name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at, \
             changed_by = excluded.changed_by",
            &params![
                permit.workspace(),
                name,
                self.key.seal(&context(permit.workspace(), name), secret)?,
                now,
                permit.actor()
            ],
        )?;
        audit::record(tx, &Event::done(permit, now, "secret.set", format!("secret/{name}")))
    }

    /// A secret, for whoever calls out with it.
    ///
    /// # Errors
    /// `NotFound` when it was never set, `Unavailable` when it was sealed with another key.
    pub fn open(&self, tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<String> {
        let row = tx.query_one(
            "SELECT sealed FROM secrets WHERE workspace = $1 AND name = $2",
            &params![permit.workspace(), name],
        )?;
        let sealed: Vec<u8> = row.ok_or_else(|| missing(name))?.get("sealed")?;
        self.key.open(&context(permit.workspace(), name), &sealed)
    }
}

/// The secrets that there are, by name.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<SecretInfo>> {
    let rows = tx.query(
        "SELECT name, changed_at, changed_by FROM secrets WHERE workspace = $1 ORDER BY name",
        &params![permit.workspace()],
    )?;
    let info = |row: &Row| {
        Ok(SecretInfo {
            name: row.get("name")?,
            changed_at: row.get("changed_at")?,
            changed_by: row.get("changed_by")?,
        })
    };
    rows.iter().map(info).collect()
}

/// Forgets a secret.
///
/// # Errors
/// `NotFound` when there is none of the name.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &str, now: Timestamp) -> Result<()> {
    let gone =
        tx.execute("DELETE FROM secrets WHERE workspace = $1 AND name = $2", &params![permit.workspace(), name])?;
    if gone == 0 {
        return Err(missing(name));
    }
    audit::record(tx, &Event::done(permit, now, "secret.delete", format!("secret/{name}")))
}

/// Whether a text can be the name of a secret: capital and small letters, digits and `_`, no digit at the start.
pub fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty()
        && name.len() <= NAME_BYTES
        && name.chars().all(inside)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn check_name(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES).collect();
    Err(Error::new(ErrorCode::InvalidName, format!("'{}' cannot be the name of a secret", shown.escape_debug()))
        .hint("use letters, digits and _, as in SLACK_URL"))
}

fn context(workspace: &Name, name: &str) -> String {
    format!("secret/{workspace}/{name}")
}

fn missing(name: &str) -> Error {
    let shown: String = name.chars().take(NAME_BYTES).collect();
    Error::not_found("secret", shown.escape_debug())
        .hint(format!("set it with `flyball secrets set {}`", shown.escape_debug()))
}

#[cfg(test)]
mod tests {
    use flyball_testkit::on_both;

    use super::*;
    use crate::identity;

    #[test]
    fn secrets_are_set_opened_listed_and_forgotten() {
        on_both(|db| {
            let vault = Vault::new(SecretKey::new([3; 32]));
            let permit = || identity::local_user().unwrap().edit();
            let set = |name: &'static str, secret: &'static str| {
                let vault = vault.clone();
                db.write(move |tx| vault.set(tx, &permit(), name, secret, Timestamp(5)))
            };
            let open = |vault: &Vault| db.read(|tx| vault.open(tx, &permit().read(), "A_URL"));
            assert_eq!(open(&vault).unwrap_err().code(), ErrorCode::NotFound);
            set("A_URL", "first").unwrap();
            set("A_URL", "second").unwrap();
            assert_eq!(open(&vault).unwrap(), "second");
            let other = Vault::new(SecretKey::new([4; 32]));
            assert_eq!(open(&other).unwrap_err().code(), ErrorCode::Unavailable, "another key");
            let listed = db.read(|tx| list(tx, &permit().read())).unwrap();
            let known = SecretInfo { name: "A_URL".into(), changed_at: Timestamp(5), changed_by: "user:local".into() };
            assert_eq!(listed, [known]);
            for bad in ["", "1A", "A-B", "a b", "é"] {
                assert_eq!(set(bad, "x").unwrap_err().code(), ErrorCode::InvalidName, "{bad}");
            }
            assert!(set("EMPTY", "").is_err());
            let events = db.read(|tx| audit::newest(tx, None, 10)).unwrap();
            assert!(events.len() == 2 && !format!("{events:?}").contains("second"));
            let forget = || db.write(move |tx| delete(tx, &permit(), "A_URL", Timestamp(6)));
            forget().unwrap();
            assert_eq!(forget().unwrap_err().code(), ErrorCode::NotFound);
        });
    }
}
