//! Answers many rows at once: each goes to its revision, each revision predicts its rows in one call.

use std::sync::Arc;

use flyball_core::model::Interface;
use flyball_core::{Error, ErrorCode, Feature, Predictions, Result, Table, limits};

use crate::capture::{InferenceRecord, RowValues};
use crate::contract;
use crate::live::{Identity, LiveEndpoint, LiveRevision, check_scores, guard, takes_tensors};
use crate::model::{Answers, TableRequest};
use crate::shadow::Asked;

impl LiveEndpoint {
    /// Answers some rows. Rows with keys follow their keys; rows without stay together.
    ///
    /// # Errors
    /// As [`LiveEndpoint::infer_row`]; `LimitExceeded` for too many rows. Either all rows are answered or none.
    pub fn infer(&self, request: TableRequest<'_>) -> Result<Answers> {
        self.ready()?;
        if self.contract.tensors.is_some() {
            self.refuse();
            return Err(takes_tensors());
        }
        self.check_shape(&request).inspect_err(|_| self.refuse())?;
        let ruled = self.contract.rules.table(request.rows).inspect_err(|_| self.refuse())?;
        let request = TableRequest { rows: &ruled, ..request };
        let rows = request.rows.rows();
        let identities: Vec<Identity> = (0..rows)
            .map(|row| {
                let key = request.keys.map(|keys| keys[row].as_str());
                self.identify(key, request.times.map(|times| times[row]))
            })
            .collect();
        let groups = self.group(&request, &identities)?;
        let exact = groups
            .iter()
            .map(|group| contract::check_table(group.features(), request.rows))
            .collect::<Result<Vec<bool>>>()
            .inspect_err(|_| self.refuse())?;
        let width = self.contract.signature.width();
        let mut answers = Answers {
            prediction_ids: Vec::new(),
            revisions: groups.iter().map(|group| Arc::clone(&group.live.revision)).collect(),
            answered_by: vec![0; rows],
            classes: Arc::clone(&self.contract.classes),
            scores: vec![0.0; rows * width],
        };
        let mut failure = None;
        for (position, (group, exact)) in groups.iter().zip(exact).enumerate() {
            let outcome = self.answer_group(group, &request, &identities, exact);
            self.capture_group(group, &request, &identities, &outcome);
            match outcome {
                Ok(predictions) => {
                    self.mirror_group(group, &request, &identities, &predictions);
                    for (&row, scores) in group.rows.iter().zip(predictions.scores.chunks_exact(width)) {
                        answers.scores[row * width..(row + 1) * width].copy_from_slice(scores);
                        answers.answered_by[row] = position as u32;
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        answers.prediction_ids = identities.into_iter().map(|identity| identity.prediction_id).collect();
        failure.map_or(Ok(answers), Err)
    }

    /// The rows as a revision's model of features sees them: checked against the contract, changed by the endpoint's rules,
    /// with exactly its features in order. Rows for a model of tensors are given back as they are.
    ///
    /// # Errors
    /// `InvalidInput` that names the column, `LimitExceeded` for too many rows.
    pub fn fit(&self, live: &LiveRevision, rows: &Table) -> Result<Table> {
        let Interface::Rows(signature) = &live.interface else { return Ok(rows.clone()) };
        let request = TableRequest { rows, keys: None, times: None, version: None };
        self.check_shape(&request).inspect_err(|_| self.refuse())?;
        let ruled = self.contract.rules.table(rows).inspect_err(|_| self.refuse())?;
        contract::check_table(&signature.features, &ruled).inspect_err(|_| self.refuse())?;
        contract::fitted(&signature.features, &ruled)
    }

    fn check_shape(&self, request: &TableRequest<'_>) -> Result<()> {
        let rows = request.rows.rows();
        if rows == 0 {
            return Err(match self.contract.signature.features.first() {
                Some(feature) if request.rows.position(&feature.name).is_none() => contract::missing_column(feature),
                _ => Error::invalid("the request has no rows"),
            });
        }
        if rows > limits::INFER_ROWS {
            let message = format!("the request has {rows} rows, at most {} are answered at once", limits::INFER_ROWS);
            return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests"));
        }
        let counts = [("keys", request.keys.map(<[_]>::len)), ("times", request.times.map(<[_]>::len))];
        for (what, count) in counts {
            if let Some(count) = count.filter(|&count| count != rows) {
                return Err(Error::invalid(format!("there are {count} {what} for {rows} rows")));
            }
        }
        Ok(())
    }

    fn group(&self, request: &TableRequest<'_>, identities: &[Identity]) -> Result<Vec<Group<'_>>> {
        let Some(keys) = request.keys.filter(|_| request.version.is_none()) else {
            let first = identities.first().map_or("", |identity| identity.prediction_id.as_str());
            let live = self.route(request.version, first)?;
            return Ok(vec![Group { live, rows: (0..identities.len()).collect() }]);
        };
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            let live = self.route(None, key)?;
            match groups.iter_mut().find(|group| Arc::ptr_eq(group.live, live)) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { live, rows: vec![row] }),
            }
        }
        Ok(groups)
    }

    fn answer_group(
        &self,
        group: &Group<'_>,
        request: &TableRequest<'_>,
        identities: &[Identity],
        exact: bool,
    ) -> Result<Predictions> {
        let features = group.features();
        let model = group.live.rows(&self.shared);
        let whole = group.rows.len() == request.rows.rows();
        let own: Option<Table> = match (exact, whole) {
            (true, true) => None,
            (true, false) => Some(request.rows.take(&group.rows)),
            (false, _) => Some(contract::fitted(features, request.rows)?.take(&group.rows)),
        };
        let started = self.shared.clock.monotonic_nanos();
        let outcome = model.and_then(|model| {
            let predictions = guard(|| model.predict(own.as_ref().unwrap_or(request.rows)))?;
            check_scores(&predictions.scores, group.rows.len() * self.contract.signature.width())?;
            Ok(predictions)
        });
        if let Some(&first) = group.rows.first() {
            self.observe(group.live, &identities[first], group.rows.len(), started, outcome.as_ref().err());
        }
        outcome
    }

    fn capture_group(
        &self,
        group: &Group<'_>,
        request: &TableRequest<'_>,
        identities: &[Identity],
        outcome: &Result<Predictions>,
    ) {
        let positions: Vec<Option<usize>> =
            self.contract.signature.features.iter().map(|feature| request.rows.position(&feature.name)).collect();
        for (position, &row) in group.rows.iter().enumerate() {
            let identity = &identities[row];
            self.runtime.capture.push(
                &self.contract,
                &InferenceRecord {
                    prediction_id: &identity.prediction_id,
                    sequence: identity.sequence,
                    at: identity.at,
                    key: request.keys.map(|keys| keys[row].as_str()),
                    revision: &group.live.revision.id,
                    values: RowValues::Table(request.rows, &positions, row),
                    outcome: outcome.as_ref().map(|predictions| predictions.row(position)).map_err(Error::message),
                    answer: None,
                },
            );
        }
    }

    fn mirror_group(
        &self,
        group: &Group<'_>,
        request: &TableRequest<'_>,
        identities: &[Identity],
        predictions: &Predictions,
    ) {
        let Some(first) = group.rows.first() else { return };
        let asked = || Asked::Table { rows: request.rows.take(&group.rows), scores: predictions.scores.clone() };
        self.mirror(group.live, identities[*first].sequence, asked);
    }
}

/// The rows that one revision answers.
struct Group<'a> {
    live: &'a Arc<LiveRevision>,
    rows: Vec<usize>,
}

impl Group<'_> {
    fn features(&self) -> &[Feature] {
        match &self.live.interface {
            Interface::Rows(signature) => &signature.features,
            Interface::Tensors(_) => &[],
        }
    }
}
