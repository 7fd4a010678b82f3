//! The pages of Flyball: view models, templates and static files. No SQL, no HTTP.
//!
//! Each page is a plain struct that implements [`Template`]: the server fills it and calls `render()`. Views hold
//! strings, numbers and [`flyball_core::Timestamp`]s; how they look is decided here ([`format`]). Addresses of pages are
//! made by [`links`] only, so that routes and links agree. Everything a page loads comes from [`assets`], and nothing is
//! inline, so that the policy `default-src 'self'` holds.

pub mod assets;
pub mod chart;
mod filters;
pub mod format;
mod highlight;
pub mod links;
pub mod pages;
pub mod svg;
pub mod view;

pub use askama::{Error as RenderError, Template};
pub use assets::{Asset, asset, asset_url};
pub use chart::{Chart, ChartData, Series};
pub use pages::*;
pub use view::*;
