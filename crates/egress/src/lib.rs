//! The one way out: every call that Flyball makes to an address that a user gave goes through [`Egress`].
//!
//! A name is resolved once, every address that it has is checked, and a checked address is dialled, so that nothing can
//! change between the check and the call. Redirects are not followed, proxies of the environment are not asked.

mod address;
mod client;
mod download;
mod mail;
pub mod signature;

pub use address::is_public;
pub use client::{Answer, Egress, Reach};
pub use download::{Download, Fetched};
pub use mail::{Mail, MailSecurity, MailServer};
