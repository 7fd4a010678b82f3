//! Keeps secrets sealed: what lies in the database is of no use without the key in the data folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use flyball_core::{Digest, Error, ErrorCode, Result};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The key of an installation.
#[derive(Clone)]
pub struct SecretKey([u8; KEY_BYTES]);

impl SecretKey {
    /// A key from bytes that nobody can guess.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key in a file; when there is none, `fresh` becomes it, readable by its owner only.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be read or made, `InvalidData` when it holds no key.
    pub fn of_file(path: &Path, fresh: [u8; KEY_BYTES]) -> Result<Self> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let outcome = match made {
            Ok(mut file) => file.write_all(&fresh).and_then(|()| file.sync_all()).map(|()| fresh.to_vec()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
            Err(error) => Err(error),
        };
        let bytes = outcome.map_err(|error| {
            Error::new(ErrorCode::Unavailable, "the key file of the data folder cannot be read or made").cause(error)
        })?;
        let bytes = bytes.try_into().map_err(|_| {
            Error::new(ErrorCode::InvalidData, "the key file of the data folder does not hold a key")
                .hint("put the file back from a backup; without it, secrets have to be entered anew")
        })?;
        Ok(Self(bytes))
    }

    /// Seals a secret. It opens again only with the same key and the same context, such as the id of what it belongs to.
    ///
    /// # Errors
    /// `Internal` when it is longer than the cipher takes.
    pub fn seal(&self, context: &str, secret: &str) -> Result<Vec<u8>> {
        // A nonce that follows from key, context and secret needs no source of randomness and is never used for two texts.
        let digest = Digest::of_parts([self.0.as_slice(), b"nonce", context.as_bytes(), secret.as_bytes()]);
        let nonce = &digest.bytes()[..NONCE_BYTES];
        let payload = Payload { msg: secret.as_bytes(), aad: context.as_bytes() };
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let sealed = cipher.encrypt(&nonce_of(nonce)?, payload).map_err(|error| Error::internal(error.to_string()))?;
        Ok([nonce, &sealed].concat())
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// `Unavailable` when it was sealed with another key, or changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<String> {
        let lost = || {
            Error::new(ErrorCode::Unavailable, "a secret cannot be opened with the key of this data folder")
                .hint("enter the secret anew, or put the key file back")
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(lost)?;
        let payload = Payload { msg: sealed, aad: context.as_bytes() };
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let bytes = cipher.decrypt(&nonce_of(nonce)?, payload).map_err(|_| lost())?;
        String::from_utf8(bytes).map_err(|_| lost())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

fn nonce_of(bytes: &[u8]) -> Result<XNonce> {
    XNonce::try_from(bytes).map_err(|_| Error::internal("a nonce of the wrong length"))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than a key has shows a file that is too long.
    OpenOptions::new().read(true).open(path)?.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_context_only() {
        let key = SecretKey::new([7; 32]);
        let sealed = key.seal("webhook a", "täp").unwrap();
        assert!(!sealed.windows(2).any(|pair| pair == b"t\xc3"), "the text does not show");
        assert_eq!(key.open("webhook a", &sealed).unwrap(), "täp");
        assert!(key.open("webhook b", &sealed).is_err());
        assert!(SecretKey::new([8; 32]).open("webhook a", &sealed).is_err());
        for broken in [&sealed[..10], &sealed[..sealed.len() - 1], &[]] {
            assert_eq!(key.open("webhook a", broken).unwrap_err().code(), ErrorCode::Unavailable);
        }
        assert_eq!(format!("{key:?}"), "SecretKey");
    }

    #[test]
    fn the_key_file_is_made_once_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let sealed = SecretKey::of_file(&path, [1; 32]).unwrap().seal("c", "s").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SecretKey::of_file(&path, [2; 32]).unwrap().open("c", &sealed).unwrap(), "s");
        std::fs::write(&path, "short").unwrap();
        assert_eq!(SecretKey::of_file(&path, [3; 32]).unwrap_err().code(), ErrorCode::InvalidData);
    }
}
