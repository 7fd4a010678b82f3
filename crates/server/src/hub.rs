//! Live events: whoever has a page open hears what changed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::Event;
use flyball_core::{Error, ErrorCode, Result, limits};
use futures::Stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

/// How many events a slow listener may be behind before it is told to fetch everything anew.
const BACKLOG: usize = 256;

/// Something that a page shows has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// The name of the event, such as `loop` or `endpoint`.
    pub name: String,
    /// One line of data, such as the name of the loop.
    pub data: String,
}

/// Passes live events on to all listeners.
pub struct Hub {
    events: broadcast::Sender<LiveEvent>,
    closing: watch::Sender<bool>,
    places: Arc<Semaphore>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            events: broadcast::channel(BACKLOG).0,
            closing: watch::channel(false).0,
            places: Arc::new(Semaphore::new(limits::LIVE_LISTENERS)),
        }
    }
}

struct Listener {
    events: broadcast::Receiver<LiveEvent>,
    closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Hub {
    /// Tells all listeners. It never waits.
    pub fn publish(&self, name: impl Into<String>, data: impl Into<String>) {
        // Nobody listening is no error.
        drop(self.events.send(LiveEvent { name: name.into(), data: data.into() }));
    }

    /// Whether anybody listens.
    pub fn is_listened_to(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// Ends all streams, so that the server can stop.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// A stream of the events from now on.
    ///
    /// # Errors
    /// `Overloaded` when too many listen already.
    pub fn listen(&self) -> Result<impl Stream<Item = Result<Event, Infallible>> + Send + use<>> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message = format!("{} pages are open already", limits::LIVE_LISTENERS);
            Error::new(ErrorCode::Overloaded, message).hint("close some, or reload to see what is new")
        })?;
        let listener = Listener { events: self.events.subscribe(), closing: self.closing.subscribe(), _place: place };
        Ok(futures::stream::unfold(listener, |mut listener| async move {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        }))
    }
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            _ = self.closing.wait_for(|closing| *closing) => None,
            event = self.events.recv() => match event {
                // A line break would end the field early; data is one line by contract.
                Ok(event) => Some(Event::default().event(event.name).data(event.data.replace(['\r', '\n'], " "))),
                Err(RecvError::Lagged(_)) => Some(Event::default().event("refresh").data("behind")),
                Err(RecvError::Closed) => None,
            }
        }
    }
}
