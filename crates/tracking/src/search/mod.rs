//! The search language: filters, orders and pages.

mod token;

pub use token::{offset_of, page_token};
