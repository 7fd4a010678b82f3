//! `flyball.yaml`: from text to checked types, or to a report of everything that is wrong with it.
//!
//! The text becomes a tree of nodes with positions (`yaml`); the decoders read the tree with a `Reader`, which collects
//! problems instead of stopping at the first; `rules` then checks what concerns several keys. The keys, their order and
//! their descriptions are written once, in `grammar`, and both the decoders and the JSON Schema take them from there.
//!
//! No tags, anchors or aliases: what stands in the file is what counts.

mod check_grammar;
mod checks;
mod checks_text;
mod decode;
mod grammar;
mod monitor;
mod notify;
mod problem;
mod reader;
mod remedies;
mod rules;
mod schema;
mod suites;
mod template;
mod types;
mod values;
mod yaml;

pub use checks_text::yaml as checks_yaml;
pub use flyball_data::check::{Check, Rule as CheckRule, Severity};
pub use problem::{LoopFileError, Problem};
pub use schema::schema;
pub use suites::suite_of;
pub use template::template;
pub use types::*;

impl LoopFile {
    /// Reads a loop file; `file` is its name as messages show it.
    ///
    /// # Errors
    /// Every problem of the file, in the order of their places.
    pub fn parse(file: &str, text: &str) -> Result<LoopFile, LoopFileError> {
        let mut reader = reader::Reader::default();
        let found = yaml::tree(text, &mut reader.problems)
            .and_then(|root| decode::loop_file(&mut reader, &root).map(|found| (root, found)));
        // The rules across keys concern the sections data and train; what could not be read there would be missed twice.
        let unread = |path: &str| path.starts_with("data") || path.starts_with("train");
        if let Some((root, found)) = &found
            && !reader.problems.iter().any(|problem| unread(&problem.path))
        {
            rules::check(&mut reader, root, found);
        }
        match found {
            Some((_, found)) if reader.problems.is_empty() => Ok(found),
            _ => Err(LoopFileError::new(file, text, reader.problems)),
        }
    }
}
