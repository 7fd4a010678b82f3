//! Shapley values of any model, from its answers to mixtures of a row and background rows.

use std::sync::Arc;

use flyball_core::model::{Attributions, Method};
use flyball_core::rng::Rng;
use flyball_core::table::MISSING_CODE;
use flyball_core::{Column, Error, ErrorCode, FeatureKind, Result, Table, TextColumn};
use flyball_stats::explain::{Coalition, kernel_shap, permutation_shap};

use super::ask::Asked;
use super::background::{Source, of_kind};
use super::{Found, MOST_COALITIONS, SAMPLED_ROWS, WantedMethod, unit_of_answers};

/// Rows of mixtures that are made at once: enough for any model to be fast, few enough for memory.
const MIXED_ROWS: usize = 16_384;
/// With more features the regression of KernelSHAP costs more than the model.
const KERNEL_FEATURES: usize = 200;

/// Estimates the values of each row.
///
/// # Errors
/// `InvalidInput` when there is no background or the options make no sense, `LimitExceeded` for too many rows, and what the
/// model fails with.
pub(super) fn explain(asked: &Asked<'_>, rows: &Table, class: Option<usize>, source: &Source<'_>) -> Result<Found> {
    let options = source.options;
    if rows.rows() > SAMPLED_ROWS {
        let message = format!("the model is explained by sampling, at most {SAMPLED_ROWS} rows at once");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send fewer rows"));
    }
    if options.interactions {
        return Err(Error::invalid("only exact explanations have interactions").hint("ask without interactions"));
    }
    let features = rows.names().len();
    // What SHAP takes by default: enough for the main effects of any model.
    let budget = options.budget.unwrap_or(2 * features + 2_048);
    if budget == 0 || budget > MOST_COALITIONS {
        return Err(Error::invalid(format!(
            "the budget is {budget}; 1 to {MOST_COALITIONS} coalitions are asked a row"
        )));
    }
    let Some((background, from)) = source.table(rows)? else {
        return Err(Error::invalid("the model needs background rows to be explained, and there are none yet").hint(
            "name a dataset that has its features: \"background\": \"NAME\", or ask again after some predictions",
        ));
    };
    let kernel = match options.method {
        WantedMethod::Permutation => false,
        WantedMethod::Kernel => true,
        _ => features <= KERNEL_FEATURES,
    };
    let mut rng = Rng::seeded(options.seed);
    let mut found = Attributions {
        base: f64::NAN,
        features,
        amounts: Vec::with_capacity(rows.rows() * features),
        interactions: None,
        errors: None,
        exact: true,
        method: if kernel { Method::Kernel } else { Method::Permutation },
        unit: unit_of_answers(asked),
    };
    let mut errors = Vec::with_capacity(rows.rows() * features);
    for row in 0..rows.rows() {
        let mixtures = Mixtures::new(&rows.take(&[row]), &background)?;
        let mut game = |coalitions: &[Coalition]| mixtures.gains(asked, class, coalitions);
        let mut below = |n| rng.below(n);
        let estimate = if kernel {
            kernel_shap(features, budget, &mut below, &mut game)?
        } else {
            permutation_shap(features, budget, &mut below, &mut game)?
        };
        let estimate = estimate.ok_or_else(|| {
            Error::new(ErrorCode::InvalidData, "the model's answers do not determine an explanation")
                .hint("raise budget, or give other background rows")
        })?;
        found.base = estimate.base;
        found.exact &= estimate.exact;
        errors.extend(estimate.errors.unwrap_or_else(|| vec![if estimate.exact { 0.0 } else { f64::NAN }; features]));
        found.amounts.extend(estimate.values);
    }
    found.errors = (!found.exact).then_some(errors);
    Ok((found, Some((from, background.rows()))))
}

/// A row and a background, column by column.
struct Mixtures {
    names: Vec<String>,
    columns: Vec<Mixed>,
    rows: usize,
}

/// A feature's value in the row, and in the background.
enum Mixed {
    Number(f64, Vec<f64>),
    /// Codes into common levels.
    Text(u32, Vec<u32>, Arc<Vec<Arc<str>>>),
}

impl Mixtures {
    fn new(row: &Table, background: &Table) -> Result<Self> {
        let column = |(name, own): (&str, &Column)| {
            let kind = FeatureKind::from(own.kind());
            let theirs = of_kind(background.column(name)?, kind, name)?;
            Ok(match (own, theirs) {
                (Column::Text(own), Column::Text(theirs)) => {
                    let mut levels = theirs.levels.to_vec();
                    let code = own.get(0).map_or(MISSING_CODE, |text| {
                        levels.iter().position(|level| level == text).unwrap_or_else(|| {
                            levels.push(Arc::clone(text));
                            levels.len() - 1
                        }) as u32
                    });
                    Mixed::Text(code, theirs.codes, Arc::new(levels))
                }
                (own, theirs) => Mixed::Number(own.number(0), theirs.numbers()),
            })
        };
        let columns = row.columns().map(column).collect::<Result<_>>()?;
        Ok(Self { names: row.names().to_vec(), columns, rows: background.rows() })
    }

    /// What the model answers on average when the members of a coalition keep the row's values.
    fn gains(&self, asked: &Asked<'_>, class: Option<usize>, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let mut gains = Vec::with_capacity(coalitions.len());
        for some in coalitions.chunks((MIXED_ROWS / self.rows).max(1)) {
            let scores = asked.score(&self.table(some)?, class)?;
            gains.extend(scores.chunks_exact(self.rows).map(|own| own.iter().sum::<f64>() / own.len() as f64));
        }
        Ok(gains)
    }

    /// For each coalition the background rows with the row's values in the places of its members.
    fn table(&self, coalitions: &[Coalition]) -> Result<Table> {
        fn mixed<T: Copy>(own: T, theirs: &[T], members: impl Iterator<Item = bool>) -> Vec<T> {
            let mut values = Vec::new();
            for member in members {
                if member {
                    values.resize(values.len() + theirs.len(), own);
                } else {
                    values.extend_from_slice(theirs);
                }
            }
            values
        }
        let column = |(place, column): (usize, &Mixed)| {
            let members = coalitions.iter().map(|coalition| coalition[place]);
            let made = match column {
                Mixed::Number(own, theirs) => Column::Float(mixed(*own, theirs, members)),
                Mixed::Text(own, theirs, levels) => {
                    Column::Text(TextColumn { codes: mixed(*own, theirs, members), levels: Arc::clone(levels) })
                }
            };
            (self.names[place].clone(), made)
        };
        Table::new(self.columns.iter().enumerate().map(column).collect())
    }
}
