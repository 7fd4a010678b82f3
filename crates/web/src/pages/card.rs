//! The card of a model version.

use askama::Template;
use serde::Serialize;

use crate::{Fact, Link, Shell, filters};

/// `/models/{name}/versions/{version}/card`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "card.html")]
pub struct CardPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The registered model.
    pub name: String,
    /// The version, leading to its page.
    pub version: Link,
    /// What is to be known of it.
    pub description: String,
    /// The card as Markdown.
    pub markdown: Link,
    /// Its sections, in order.
    pub sections: Vec<CardSection>,
}

/// A section of a card.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CardSection {
    /// What it is about.
    pub title: String,
    /// What is said and known, each with its label.
    pub facts: Vec<Fact>,
    /// What is best seen side by side; without a head there is none.
    pub table: CardTable,
}

/// A table of a card.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CardTable {
    /// The names of its columns.
    pub head: Vec<String>,
    /// Its rows, each with as many texts as there are columns.
    pub rows: Vec<Vec<String>>,
}
