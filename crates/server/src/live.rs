//! Tells open pages what changed: the parts of the overview, as soon as they differ from what was sent last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::{Error, Result};
use flyball_web::EVENT_METRICS;

use crate::app::App;
use crate::routes::api::reader;
use crate::{blocking, pages};

/// How often the overview is looked at while somebody watches it.
const LOOK: Duration = Duration::from_millis(500);

/// What was sent last.
#[derive(Default)]
struct Sent {
    fragments: HashMap<&'static str, String>,
    /// How many points the curves have.
    points: usize,
}

/// Publishes changes for as long as it is polled.
pub(crate) async fn publish(app: Arc<App>) {
    let mut sent = Sent::default();
    loop {
        tokio::time::sleep(LOOK).await;
        if !app.hub.is_listened_to() {
            continue;
        }
        let looked = Arc::clone(&app);
        match blocking(move || look(&looked)).await {
            Ok(now) => tell(&app, &mut sent, now),
            Err(error) => tracing::error!(?error, "the overview could not be looked at"),
        }
    }
}

/// The parts of the overview now.
fn look(app: &App) -> Result<Sent> {
    let page = pages::overview::page(&app.platform, &reader()?)?;
    let points = page.simulation.as_ref().map_or(0, |simulation| simulation.chart.data.labels.len());
    let fragments = page.fragments().map_err(Error::internal)?;
    Ok(Sent { fragments: fragments.into_iter().collect(), points })
}

fn tell(app: &App, sent: &mut Sent, now: Sent) {
    for (name, fragment) in &now.fragments {
        if sent.fragments.get(name) != Some(fragment) {
            app.hub.publish(*name, fragment.as_str());
        }
    }
    if sent.points != now.points {
        app.hub.publish(EVENT_METRICS, now.points.to_string());
    }
    *sent = now;
}
