//! Signatures of what is sent: the receiver knows who sent it and that nobody changed it (Standard Webhooks).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{Error, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins whose rest is the key in base64.
const ENCODED_KEY: &str = "whsec_";

/// The signature of a message: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, with the bytes of `secret`.
///
/// # Errors
/// `Internal` when the secret cannot be a key.
pub fn sign(secret: &[u8], id: &str, timestamp: &str, body: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(Error::internal)?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The key that a secret of Standard Webhooks stands for: what follows `whsec_` in base64, otherwise its own bytes.
///
/// # Errors
/// `InvalidInput` when what follows `whsec_` is not base64.
pub fn key_of(secret: &str) -> Result<Vec<u8>> {
    match secret.strip_prefix(ENCODED_KEY) {
        None => Ok(secret.as_bytes().to_vec()),
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| Error::invalid("the secret begins with whsec_ and is not base64 after it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_protocol() {
        // Computed with Python's hmac and base64 modules.
        let signature = sign(b"secret", "id", "1700000000", "{}").unwrap();
        assert_eq!(signature, "v1,GBemBzTgbKoVEGKycqyY3615LbdJbhFLE1oQk+zZ+lo=");
        // The example of the specification.
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(key_of("plain").unwrap(), b"plain");
        assert!(key_of("whsec_***").is_err());
    }
}
