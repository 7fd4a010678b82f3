//! What an operator watches serving with: what a processor costs, and where spans go.

use flyball_serving::CountersSnapshot;

use crate::spans::Spans;

/// How serving is watched; by default it costs nothing and no spans are made.
#[derive(Default)]
pub struct Observe {
    /// What an hour of a processor costs, in the operator's currency; zero shows no costs.
    pub cpu_hour_cost: f64,
    /// Where spans of inference requests go.
    pub spans: Option<Spans>,
}

impl Observe {
    /// What a model's work has cost since the process started; `None` when there is no price.
    pub(crate) fn cost(&self, counters: &CountersSnapshot) -> Option<f64> {
        (self.cpu_hour_cost > 0.0).then(|| counters.busy_seconds() / 3600.0 * self.cpu_hour_cost)
    }

    /// What a thousand predictions have cost; `None` when there is no price, or no prediction.
    pub(crate) fn cost_per_1000(&self, counters: &CountersSnapshot) -> Option<f64> {
        let cost = self.cost(counters).filter(|_| counters.rows > 0)?;
        Some(cost * 1000.0 / counters.rows as f64)
    }
}
