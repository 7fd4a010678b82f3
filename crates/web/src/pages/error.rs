//! What is shown when a page cannot be.

use askama::Template;
use serde::Serialize;

use crate::{Section, Shell, filters, format};

/// Any page that failed.
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for the user.
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
    /// The error code of the API.
    pub code: String,
    /// What to look for in the log; may be empty.
    pub request_id: String,
}

impl ErrorPage {
    /// The page for an address where nothing is.
    pub fn not_found(shell: Shell, path: &str) -> Self {
        Self {
            shell: Shell { section: Section::Elsewhere, ..shell },
            status: 404,
            message: format!("there is nothing at {}", format::clip(path, 200)),
            hint: "go to the overview, or choose a section above".to_owned(),
            code: "not_found".to_owned(),
            request_id: String::new(),
        }
    }

    pub(crate) fn heading(&self) -> &'static str {
        match self.status {
            404 => "Not found",
            401 | 403 => "Not allowed",
            400..=499 => "This request cannot be answered",
            _ => "Something went wrong here",
        }
    }
}
