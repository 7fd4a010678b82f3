//! The card of a model version.

use askama::Template;
use serde::Serialize;

use crate::{Link, Panel, Shell, filters};

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
    pub sections: Vec<Panel>,
}
