//! Counterfactuals: the small changes to a row that would have changed the answer.
//!
//! Candidates come from rows that were really seen and from spheres that grow around the row until the answer changes
//! (Laugel et al., "Inverse Classification for Comparison-based Interpretability", 2018). Each is then made sparse: as
//! many features as possible go back to their own value, and the others as near to it as the answer allows.

use super::coalition::Predict;

/// How many candidates are asked of each sphere.
const SPHERE: usize = 128;
/// How many spheres grow, each twice as wide as the one before: from a hundredth of a feature's scale to ten of them.
const SPHERES: u32 = 11;
/// How many halvings bring a number near its own value: to a thousandth of the way.
const HALVINGS: usize = 10;
/// How many candidates are made sparse for each counterfactual that is wanted.
const CANDIDATES: usize = 4;

/// What a feature may become. Levels of a category are their codes 0, 1, ….
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// The feature stays what it is.
    Fixed,
    /// A number between `lowest` and `highest`. Only-upwards is a `lowest` of its present value, only-downwards a
    /// `highest` of it.
    Number {
        /// No counterfactual is below.
        lowest: f64,
        /// No counterfactual is above.
        highest: f64,
        /// A typical difference between two rows, above 0: distances and spheres are measured in it.
        scale: f64,
        /// Whether only whole numbers make sense.
        whole: bool,
    },
    /// One of these levels.
    Levels(Vec<f64>),
}

impl Domain {
    /// Whether a feature may have this value.
    fn allows(&self, value: f64) -> bool {
        match self {
            Self::Fixed => false,
            Self::Number { lowest, highest, whole, .. } => {
                (*lowest..=*highest).contains(&value) && (!whole || value.fract() == 0.0)
            }
            Self::Levels(levels) => levels.contains(&value),
        }
    }

    /// The nearest value to this one that is allowed; `None` if there is none.
    fn nearest(&self, value: f64) -> Option<f64> {
        let Self::Number { lowest, highest, whole, .. } = *self else { return self.allows(value).then_some(value) };
        let inside = if lowest <= highest { value.max(lowest).min(highest) } else { return None };
        let rounded = if whole { inside.round() } else { inside };
        Some(rounded).filter(|&value| self.allows(value))
    }

    /// How far apart two values are.
    fn distance(&self, own: f64, other: f64) -> f64 {
        match self {
            _ if same(own, other) => 0.0,
            Self::Number { scale, .. } if own.is_finite() && other.is_finite() => (own - other).abs() / scale,
            _ => 1.0,
        }
    }
}

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The row that was answered; NaN is missing.
    pub row: &'a [f64],
    /// What each of its features may become.
    pub domains: &'a [Domain],
    /// Rows that were really seen.
    pub seen: &'a [Vec<f64>],
    /// The scores of a changed answer: from, to.
    pub wanted: (f64, f64),
    /// How many counterfactuals, each with other changed features.
    pub count: usize,
}

/// A row that gets the wanted answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterfactual {
    /// Its values.
    pub values: Vec<f64>,
    /// What the model answers to it.
    pub score: f64,
    /// The positions of the features that differ.
    pub changed: Vec<usize>,
    /// The sum of the changes: numbers in their scale, a changed level as 1.
    pub distance: f64,
}

/// Equal, or both missing.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// Searches. `unit()` draws a number in [0, 1), `predict` scores a batch of rows. What is found was scored by the model and
/// is within its domains, fewest changes first; nothing may be found. `None` if the search makes no sense: rows of
/// different lengths, or a scale that is not above 0.
///
/// # Errors
/// What `predict` fails with.
pub fn counterfactuals<E>(
    search: &Search<'_>,
    unit: &mut dyn FnMut() -> f64,
    predict: &mut Predict<'_, f64, E>,
) -> Result<Option<Vec<Counterfactual>>, E> {
    let features = search.row.len();
    let sound = |domain: &Domain| !matches!(domain, Domain::Number { scale, .. } if scale.is_nan() || *scale <= 0.0);
    if search.domains.len() != features || !search.domains.iter().all(sound) {
        return Ok(None);
    }
    if search.seen.iter().any(|row| row.len() != features) {
        return Ok(None);
    }
    let mut asker = Asker { search, predict };
    let mut candidates = asker.valid(search.seen.iter().map(|row| search.toward(row)).collect())?;
    for sphere in 0..SPHERES {
        let radius = 0.01 * f64::from(1_u32 << sphere);
        let drawn = (0..SPHERE).map(|_| search.within(radius, unit)).collect();
        candidates.extend(asker.valid(drawn)?);
        if candidates.len() >= CANDIDATES * search.count {
            break;
        }
    }
    candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let mut found: Vec<Counterfactual> = Vec::new();
    for candidate in candidates.into_iter().take(CANDIDATES * search.count) {
        let sparse = asker.sparse(candidate)?;
        match found.iter_mut().find(|other| other.changed == sparse.changed) {
            Some(other) if other.distance <= sparse.distance => {}
            Some(other) => *other = sparse,
            None => found.push(sparse),
        }
    }
    found.sort_by(|a, b| a.changed.len().cmp(&b.changed.len()).then(a.distance.total_cmp(&b.distance)));
    found.truncate(search.count);
    Ok(Some(found))
}

impl Search<'_> {
    /// The row with the values of another one, as far as they are allowed.
    fn toward(&self, other: &[f64]) -> Vec<f64> {
        let value = |((&own, &other), domain): ((&f64, &f64), &Domain)| domain.nearest(other).unwrap_or(own);
        self.row.iter().zip(other).zip(self.domains).map(value).collect()
    }

    /// A row in a sphere around the row. Half of the rows differ in all features, the others in a few.
    fn within(&self, radius: f64, unit: &mut dyn FnMut() -> f64) -> Vec<f64> {
        let chance = if unit() < 0.5 { 1.0 } else { 2.0 / self.row.len() as f64 };
        let value = |(&own, domain): (&f64, &Domain)| {
            if unit() >= chance {
                return own;
            }
            let moved = match domain {
                Domain::Fixed => return own,
                Domain::Number { scale, .. } => own + radius * scale * (2.0 * unit() - 1.0),
                Domain::Levels(levels) if unit() < radius => {
                    levels.get((unit() * levels.len() as f64) as usize).copied().unwrap_or(own)
                }
                Domain::Levels(_) => own,
            };
            // A missing value stays missing here: no sphere grows around it.
            if moved.is_nan() { own } else { domain.nearest(moved).unwrap_or(own) }
        };
        self.row.iter().zip(self.domains).map(value).collect()
    }

    fn changed(&self, values: &[f64]) -> Vec<usize> {
        (0..values.len()).filter(|&at| !same(values[at], self.row[at])).collect()
    }

    fn distance(&self, values: &[f64]) -> f64 {
        let apart = self.domains.iter().zip(self.row).zip(values);
        apart.map(|((domain, &own), &other)| domain.distance(own, other)).sum()
    }
}

/// Asks the model.
struct Asker<'a, 'b, 'c, E> {
    search: &'a Search<'a>,
    predict: &'b mut Predict<'c, f64, E>,
}

impl<E> Asker<'_, '_, '_, E> {
    /// Those of some rows that differ and get a wanted answer.
    fn valid(&mut self, mut rows: Vec<Vec<f64>>) -> Result<Vec<Counterfactual>, E> {
        rows.retain(|row| !self.search.changed(row).is_empty());
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (from, to) = self.search.wanted;
        let scores = (self.predict)(&rows)?;
        let wanted = rows.into_iter().zip(scores).filter(|(_, score)| (from..=to).contains(score));
        let counterfactual = |(values, score): (Vec<f64>, f64)| {
            let (changed, distance) = (self.search.changed(&values), self.search.distance(&values));
            Counterfactual { values, score, changed, distance }
        };
        Ok(wanted.map(counterfactual).collect())
    }

    /// Takes back changes as long as the answer stays wanted, the largest first, and shortens those that remain.
    fn sparse(&mut self, mut best: Counterfactual) -> Result<Counterfactual, E> {
        loop {
            let without = |&at: &usize| {
                let mut values = best.values.clone();
                values[at] = self.search.row[at];
                values
            };
            let rows = best.changed.iter().map(without).collect();
            let nearest = self.valid(rows)?.into_iter().min_by(|a, b| a.distance.total_cmp(&b.distance));
            match nearest {
                Some(nearer) => best = nearer,
                None => break,
            }
        }
        for at in best.changed.clone() {
            let own = self.search.row[at];
            if !matches!(self.search.domains[at], Domain::Number { .. }) || !own.is_finite() {
                continue;
            }
            let mut refused = own;
            for _ in 0..HALVINGS {
                let Some(middle) = self.search.domains[at].nearest(f64::midpoint(refused, best.values[at])) else {
                    break;
                };
                if middle == best.values[at] || middle == refused {
                    break;
                }
                let mut values = best.values.clone();
                values[at] = middle;
                match self.valid(vec![values])?.pop() {
                    Some(nearer) => best = nearer,
                    None => refused = middle,
                }
            }
        }
        Ok(best)
    }
}
