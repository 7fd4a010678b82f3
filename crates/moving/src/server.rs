//! A running tracking server, read through its REST API as any client does.

pub(crate) mod api;
mod experiments;
mod files;
pub(crate) mod models;
mod read;
mod registry;
mod runs;

use flyball_core::{ErrorCode, Result};

pub use self::api::{Api, Credentials};
use crate::source::{LeftOut, Sink, Source, Wish};
use crate::tally::Kind;

/// A tracking server as a source.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) api: Api,
    origin: String,
}

impl Server {
    /// The server at an address such as `http://127.0.0.1:5000`.
    ///
    /// # Errors
    /// `InvalidInput` for what is no such address, `Unavailable` when no tracking server answers there.
    pub fn connect(address: &str, credentials: &Credentials) -> Result<Self> {
        let api = Api::new(address, credentials)?;
        api.greet()?;
        Ok(Self { origin: api.address().to_owned(), api })
    }

    /// The same server under another name than its address, for one whose address differs from call to call.
    #[must_use]
    pub fn called(self, origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), ..self }
    }
}

impl Source for Server {
    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn notes(&self) -> Vec<String> {
        vec!["a server tells nobody of deleted logged models, so there is nothing to say of them".to_owned()]
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut traces = false;
        let mut token = None;
        loop {
            let (experiments, next) = self.experiments(token)?;
            for experiment in experiments {
                let id = experiment.id.clone();
                if sink.experiment(experiment)? == Wish::Whole {
                    self.read_runs(sink, &id)?;
                    self.read_models(sink, &id)?;
                    traces = traces || self.has_traces(&id);
                }
            }
            token = next;
            if token.is_none() {
                break;
            }
        }
        self.read_registry(sink)?;
        if traces {
            sink.left_out(LeftOut { kind: Kind::Traces, id: "all".to_owned(), reason: "not carried".to_owned() });
        }
        Ok(())
    }
}

/// Passes on what concerns everything, and tells of what concerns one thing.
fn one<T>(outcome: Result<T>, sink: &mut dyn Sink, kind: Kind, id: &str) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.code(), ErrorCode::Unauthenticated | ErrorCode::Unavailable) => Err(error),
        Err(error) => {
            sink.left_out(LeftOut { kind, id: id.to_owned(), reason: error.message().to_owned() });
            Ok(None)
        }
    }
}
