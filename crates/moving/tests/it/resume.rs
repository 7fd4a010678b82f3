//! An import that is cut off anywhere is gone on with by the next call.

use std::io::Read;

use flyball_core::{Error, ErrorCode, Result};
use flyball_moving::import::{self, Options};
use flyball_moving::record::{Experiment, LoggedModel, ModelVersion, Point, RegisteredModel, Run};
use flyball_moving::{LeftOut, Sink, Source, Wish};
use flyball_testkit::on_both;

use crate::fixture::{Silent, Stock, home, import};

/// A source that breaks off after so many pushes.
struct Breaking<S> {
    source: S,
    pushes: usize,
}

struct Counting<'a> {
    sink: &'a mut dyn Sink,
    left: usize,
}

impl<S: Source> Source for Breaking<S> {
    fn origin(&self) -> String {
        self.source.origin()
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.source.read(&mut Counting { sink, left: self.pushes })
    }
}

impl Counting<'_> {
    fn step(&mut self) -> Result<&mut dyn Sink> {
        self.left = self.left.checked_sub(1).ok_or_else(|| Error::new(ErrorCode::Unavailable, "cut off"))?;
        Ok(self.sink)
    }
}

impl Sink for Counting<'_> {
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish> {
        self.step()?.experiment(experiment)
    }
    fn run(&mut self, run: Run) -> Result<Wish> {
        self.step()?.run(run)
    }
    fn points(&mut self, key: &str, points: &[Point]) -> Result<()> {
        self.step()?.points(key, points)
    }
    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish> {
        self.step()?.logged_model(model)
    }
    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()> {
        self.step()?.file(path, bytes)
    }
    fn incomplete(&mut self) {
        self.sink.incomplete();
    }
    fn end(&mut self) -> Result<()> {
        self.step()?.end()
    }
    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        self.step()?.registered_model(model)
    }
    fn model_version(&mut self, version: ModelVersion) -> Result<()> {
        self.step()?.model_version(version)
    }
    fn left_out(&mut self, left_out: LeftOut) {
        self.sink.left_out(left_out);
    }
}

#[test]
fn an_import_that_is_cut_off_is_gone_on_with() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        // Long enough that a part of it is written before its end.
        let points: Vec<String> = (0..1_000).map(|n| format!("('long', 0.5, {n}, 'a2', {n}, FALSE)")).collect();
        for hundred in 0..210 {
            let sql = format!(
                "INSERT INTO metrics SELECT key, value, timestamp + {hundred}000, run_uuid, step, is_nan \
                 FROM metrics WHERE key = 'long' AND timestamp < 1000"
            );
            if hundred == 0 {
                stock.run(&format!("INSERT INTO metrics VALUES {}", points.join(", ")));
            } else {
                stock.run(&sql);
            }
        }
        let home = home(db, folder.path());
        let mut cut = 0;
        for pushes in (0..).step_by(4) {
            let mut breaking = Breaking { source: stock.source(), pushes };
            match import::import(&home, &mut breaking, &Options::default(), &mut Silent) {
                Err(error) => assert_eq!(error.message(), "cut off"),
                Ok(report) => {
                    assert!(report.is_complete(), "{report:#?}");
                    break;
                }
            }
            cut += 1;
        }
        assert!(cut > 5, "it was cut off {cut} times");
        let report = import(&home, &mut stock.source(), &Options::default());
        assert!(report.is_complete() && report.moved.is_empty(), "{report:#?}");
        let fresh = tempfile::tempdir().unwrap();
        let other = flyball_testkit::TestDb::sqlite();
        let at_once = import(&crate::fixture::home(&other, fresh.path()), &mut stock.source(), &Options::default());
        assert_eq!(at_once.compared, report.compared);
    });
}
