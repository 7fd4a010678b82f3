//! A plain list: loops, runs, models, endpoints, monitors, data, alerts, audit events.

use askama::Template;
use serde::Serialize;

use crate::{Badge, Link, Shell, filters, links};

/// `/loops`, `/runs`, …
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "list.html")]
pub struct ListPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The heading.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; each has one cell per column.
    pub rows: Vec<Vec<ListCell>>,
    /// What to say, and to do next, when there are no rows.
    pub empty_text: String,
    /// Where the next page is, if there is one.
    pub next_page: Option<String>,
}

/// A column of a list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Column {
    /// Its name.
    pub title: String,
    /// Whether it holds numbers, which stand at the right.
    pub numeric: bool,
}

impl Column {
    /// A column of texts.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), numeric: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), numeric: true }
    }
}

/// Texts of at most so many bytes are not broken into lines.
const SHORT: usize = 24;

/// A cell of a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ListCell {
    /// A text, which may lead somewhere.
    Link(Link),
    /// A state.
    Badge(Badge),
}

impl ListCell {
    /// Whether it is so short that a line of its own is not needed: a name, a moment, a state.
    pub(crate) fn is_short(&self) -> bool {
        !matches!(self, ListCell::Link(link) if link.text.len() > SHORT)
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, ListCell::Link(link) if link.text.is_empty())
    }
}

impl From<&str> for ListCell {
    fn from(text: &str) -> Self {
        ListCell::Link(Link::plain(text))
    }
}

impl From<String> for ListCell {
    fn from(text: String) -> Self {
        ListCell::Link(Link::plain(text))
    }
}

impl From<Link> for ListCell {
    fn from(link: Link) -> Self {
        ListCell::Link(link)
    }
}

impl From<Badge> for ListCell {
    fn from(badge: Badge) -> Self {
        ListCell::Badge(badge)
    }
}

impl ListPage {
    pub(crate) fn is_numeric(&self, at: &usize) -> bool {
        self.columns.get(*at).is_some_and(|column| column.numeric)
    }

    pub(crate) fn next(&self) -> Option<&str> {
        self.next_page.as_deref().filter(|href| links::is_local(href))
    }
}
