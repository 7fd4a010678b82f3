//! Background rows: what the values of features outside a coalition are taken from.

use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::{Column, Error, ErrorCode, FeatureKind, Permit, Read, Result, Table, TextColumn};
use flyball_data::DatasetVersion;
use flyball_monitoring::Reference;
use flyball_registry::packages as registry;
use flyball_serving::model::Revision;
use flyball_serving::record_columns;

use super::{BACKGROUND_ROWS, ExplainOptions, MOST_BACKGROUND_ROWS};
use crate::platform::Platform;
use crate::train::load_reference;

/// Where rows come from.
pub(super) struct Source<'a> {
    pub(super) platform: &'a Platform,
    pub(super) permit: &'a Permit<Read>,
    pub(super) revision: &'a Arc<Revision>,
    pub(super) options: &'a ExplainOptions,
}

impl Source<'_> {
    /// Background rows with the columns of `rows`, and where they came from. `None` when nobody asked for any in
    /// particular and there are none.
    ///
    /// # Errors
    /// `NotFound` and `InvalidInput` with the next step for those that were asked for.
    pub(super) fn table(&self, rows: &Table) -> Result<Option<(Table, String)>> {
        let most = self.options.max_rows.unwrap_or(BACKGROUND_ROWS);
        if most == 0 || most > MOST_BACKGROUND_ROWS {
            return Err(Error::invalid(format!(
                "max_rows is {most}; a background has 1 to {MOST_BACKGROUND_ROWS} rows"
            )));
        }
        let Some((table, from)) = self.whole(rows)? else { return Ok(None) };
        if table.rows() == 0 {
            return Err(Error::invalid(format!("the background '{from}' has no rows"))
                .hint("name a dataset: \"background\": \"NAME@NUMBER\""));
        }
        Ok(Some((sample(&table, most, self.options.seed), from)))
    }

    /// All rows that there are.
    pub(super) fn whole(&self, rows: &Table) -> Result<Option<(Table, String)>> {
        let told = |table: Table, from: &str| Some((table, from.to_owned()));
        match self.options.background.as_deref() {
            Some("reference") => {
                let table = self.reference(rows)?.ok_or_else(|| {
                    Error::not_found("training sample", format!("{}/{}", self.revision.model, self.revision.version))
                        .hint("versions that loops train keep one; ask with \"background\": \"records\" or a dataset")
                })?;
                Ok(told(table, "reference"))
            }
            Some("records") => {
                let table = self.records(rows)?.ok_or_else(|| {
                    Error::not_found("recorded request", &self.revision.endpoint)
                        .hint("records are written some seconds after they were made; or name a dataset")
                })?;
                Ok(told(table, "records"))
            }
            Some(name) => {
                let version = self.version(name)?;
                let table = self.platform.datasets.table(self.permit, &version.id)?;
                Ok(Some((like(&table, rows)?, version.label())))
            }
            None => match self.reference(rows)? {
                Some(table) => Ok(told(table, "reference")),
                None => Ok(self.records(rows)?.and_then(|table| told(table, "records"))),
            },
        }
    }

    /// A dataset's version by NAME or NAME@NUMBER.
    fn version(&self, asked: &str) -> Result<DatasetVersion> {
        let (name, number) = asked.split_once('@').unwrap_or((asked, "latest"));
        let (datasets, name) = (&self.platform.datasets, name.parse()?);
        let found = match number {
            "latest" => datasets.latest(self.permit, &name)?,
            number => {
                let mut versions = datasets.versions(self.permit, &name)?.into_iter();
                versions.find(|version| version.version.to_string() == number)
            }
        };
        found.ok_or_else(|| {
            Error::not_found("dataset", asked)
                .hint("a background is 'reference', 'records', or a dataset as NAME@NUMBER")
        })
    }

    /// What the version keeps of its training.
    pub(super) fn kept(&self) -> Result<Option<Reference>> {
        let (model, version) = (&self.revision.model, self.revision.version);
        let packaged = self.platform.db.read(|tx| registry::find(tx, self.permit, model, version))?;
        packaged.map(|packaged| load_reference(self.platform, &packaged)).transpose()
    }

    fn reference(&self, rows: &Table) -> Result<Option<Table>> {
        self.kept()?.map(|kept| like(&kept.learnt, rows)).transpose()
    }

    fn records(&self, rows: &Table) -> Result<Option<Table>> {
        let records = self.platform.serving.newest_records(&self.revision.endpoint, MOST_BACKGROUND_ROWS)?;
        let columns = rows.names().iter().map(|name| {
            let position = records.position(&record_columns::of_feature(name))?;
            Some((name.clone(), records.at(position).clone()))
        });
        let Some(columns) = columns.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let table = Table::new(columns)?;
        if table.rows() == 0 { Ok(None) } else { like(&table, rows).map(Some) }
    }
}

/// The columns of `rows` from another table, numbers as numbers and texts as texts.
///
/// # Errors
/// `InvalidInput` that names a column that is missing or of another kind.
pub(super) fn like(table: &Table, rows: &Table) -> Result<Table> {
    let column = |(name, own): (&str, &Column)| {
        let position = table.position(name).ok_or_else(|| {
            Error::invalid(format!("the background lacks the column '{name}'"))
                .hint("it needs every feature of the model; labels and other columns do no harm")
        })?;
        Ok((name.to_owned(), of_kind(table.at(position), FeatureKind::from(own.kind()), name)?))
    };
    Table::new(rows.columns().map(column).collect::<Result<_>>()?)
}

/// A column as numbers or texts.
pub(super) fn of_kind(column: &Column, kind: FeatureKind, name: &str) -> Result<Column> {
    match (kind, column) {
        (FeatureKind::Text, Column::Text(_)) => Ok(column.clone()),
        (FeatureKind::Text, other) => {
            let texts: Vec<Option<String>> = (0..other.len()).map(|row| other.value(row).text()).collect();
            Ok(Column::Text(TextColumn::from_texts(texts.iter().map(Option::as_deref))))
        }
        (FeatureKind::Number, Column::Text(texts)) if (0..column.len()).any(|row| texts.get(row).is_some()) => {
            Err(Error::new(ErrorCode::InvalidInput, format!("the column '{name}' of the background holds texts"))
                .hint("the model takes it as a number"))
        }
        (FeatureKind::Number, other) => Ok(Column::Float(other.numbers())),
    }
}

/// At most so many rows, drawn at random, in their order.
pub(super) fn sample(table: &Table, most: usize, seed: u64) -> Table {
    if table.rows() <= most {
        return table.clone();
    }
    let mut rows: Vec<usize> = (0..table.rows()).collect();
    Rng::seeded(seed).shuffle(&mut rows);
    rows.truncate(most);
    rows.sort_unstable();
    table.take(&rows)
}
