//! `flyball import` and `flyball export`: whole tracking stores in and out.

use std::collections::BTreeMap;
use std::path::Path;

use flyball_core::{Error, ErrorCode, Result};
use flyball_governance::identity;
use flyball_moving::database::{self, Database};
use flyball_moving::folder::{self, Folder};
use flyball_moving::import::{self, Compared, Home, Options};
use flyball_moving::server::{Credentials, Server};
use flyball_moving::tally::{Kind, Totals};
use flyball_moving::{LeftOut, Source, export};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::Context;
use super::connect::connect;
use crate::args::{ExportVerb, ImportMlflow, ImportVerb, Login};
use crate::output::aligned;
use crate::story::grouped;
use crate::wire::Product;

/// Brings a store in.
pub(crate) fn import(context: &Context, verb: &ImportVerb) -> Result<()> {
    let ImportVerb::Mlflow(options) = verb;
    let mut source = source(options)?;
    let product = Product::live(&context.places, None)?;
    let platform = &product.platform;
    let home = Home {
        db: platform.db.clone(),
        blobs: platform.blobs.clone(),
        clock: platform.clock.clone(),
        permit: identity::local_user()?.edit(),
    };
    let wanted = Options { experiments: options.experiment.clone(), rename_suffix: options.rename_suffix.clone() };
    let mut told = Told::new(context.json);
    let outcome = import::import(&home, source.as_mut(), &wanted, &mut told);
    told.bar.finish_and_clear();
    let report = outcome?;
    end(
        context,
        &Ended {
            moved: &report.moved,
            compared: &report.compared,
            left_out: &report.left_out,
            differences: &report.differences,
            notes: &report.notes,
            complete: report.is_complete(),
        },
    )
}

fn source(options: &ImportMlflow) -> Result<Box<dyn Source>> {
    let from = options.from.as_str();
    if from.starts_with("http://") || from.starts_with("https://") {
        if options.from_artifacts.is_some() {
            return Err(Error::invalid("a server hands out its artifacts itself")
                .hint("leave out --from-artifacts, or name the server's database with --from"));
        }
        return Ok(Box::new(Server::connect(from, &credentials(&options.login))?));
    }
    if !from.contains(':') || Path::new(from).is_dir() {
        return Ok(Box::new(Folder::open(Path::new(from))?));
    }
    let folder = options.from_artifacts.as_deref();
    let local = database::address(from).map_err(|error| {
        error.hint("write http://HOST:PORT, sqlite:PATH, postgresql://USER@HOST/DATABASE or the folder of an export")
    })?;
    Ok(Box::new(Database::open(&local, folder.map(Path::new))?))
}

/// Who one is at the other server.
fn credentials(login: &Login) -> Credentials {
    let user = login.tracking_username.clone().map(|user| (user, login.tracking_password.clone().unwrap_or_default()));
    Credentials { user, token: login.tracking_token.clone() }
}

/// Carries everything out, read through the API of the server that runs on the data folder, or of one of our own.
pub(crate) fn export(context: &Context, verb: &ExportVerb) -> Result<()> {
    let ExportVerb::Mlflow(options) = verb;
    let connection = connect(&context.places)?;
    let place = std::path::absolute(&context.places.data_dir).map_err(Error::internal)?;
    let mut own = Server::connect(connection.client.address(), &Credentials::default())?
        .called(format!("flyball:{}", place.display()));
    let mut told = Told::new(context.json);
    let to = options.to.as_str();
    let outcome = if to.starts_with("http://") || to.starts_with("https://") {
        let target = Server::connect(to, &credentials(&options.login))?;
        export::to_server(&mut own, target, &mut told)
    } else {
        folder::export(&mut own, Path::new(to), &mut told)
    };
    told.bar.finish_and_clear();
    let report = outcome?;
    let moved = report.compared.iter().map(|(kind, compared)| (*kind, compared.here.count)).collect();
    end(
        context,
        &Ended {
            moved: &moved,
            compared: &report.compared,
            left_out: &report.left_out,
            differences: &report.differences,
            notes: &report.notes,
            complete: report.is_complete(),
        },
    )
}

/// How a move ended.
#[derive(Serialize)]
struct Ended<'a> {
    complete: bool,
    moved: &'a Totals,
    compared: &'a BTreeMap<Kind, Compared>,
    differences: &'a [LeftOut],
    left_out: &'a [LeftOut],
    notes: &'a [String],
}

/// Prints the report; an incomplete move is a failure.
fn end(context: &Context, report: &Ended<'_>) -> Result<()> {
    if context.json {
        println!("{}", json!({ "report": report }));
    } else {
        print_report(report);
    }
    if report.complete {
        return Ok(());
    }
    let message = match report.differences.len() {
        0 => format!("{} things were not carried", report.left_out.len()),
        some => format!("{} things were not carried, {some} differ", report.left_out.len()),
    };
    Err(Error::new(ErrorCode::InvalidData, message).hint("the list says why; the same command carries what is missing"))
}

fn print_report(report: &Ended<'_>) {
    for (title, list) in [("not carried", report.left_out), ("different", report.differences)] {
        for item in list {
            println!("{title}: {} {}: {}", item.kind.words(), item.id, item.reason);
        }
    }
    for note in report.notes {
        println!("note: {note}");
    }
    let mut rows = vec![["", "now", "in all", "BLAKE3", "compared"].map(str::to_owned).to_vec()];
    for (kind, compared) in report.compared {
        let same = if compared.read == compared.here { "equal" } else { "DIFFERENT" };
        rows.push(vec![
            kind.words().to_owned(),
            grouped(report.moved.get(kind).copied().unwrap_or(0)),
            grouped(compared.here.count),
            compared.here.digest.short(),
            same.to_owned(),
        ]);
    }
    print!("{}", aligned(&rows));
}

/// Tells how far it is: a bar for people, a line each for programs.
struct Told {
    bar: ProgressBar,
    json: bool,
}

impl Told {
    fn new(json: bool) -> Self {
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        Self { bar, json }
    }
}

impl export::Progress for Told {
    fn moved(&mut self, done: &Totals) {
        self.tell(done);
    }

    fn left_out(&mut self, left_out: &LeftOut) {
        self.tell_left_out(left_out);
    }
}

impl import::Progress for Told {
    fn moved(&mut self, done: &Totals) {
        self.tell(done);
    }

    fn left_out(&mut self, left_out: &LeftOut) {
        self.tell_left_out(left_out);
    }

    fn verified(&mut self, things: u64, of: u64) {
        if self.json {
            println!("{}", json!({ "verified": things, "of": of }));
        } else {
            self.bar.set_message(format!("comparing {} of {}", grouped(things), grouped(of)));
            self.bar.tick();
        }
    }
}

impl Told {
    fn tell(&self, done: &Totals) {
        if self.json {
            println!("{}", json!({ "moved": done }));
            return;
        }
        let count = |kind: Kind| grouped(done.get(&kind).copied().unwrap_or(0));
        self.bar.set_message(format!(
            "{} runs, {} metric points, {} files",
            count(Kind::Runs),
            count(Kind::MetricPoints),
            count(Kind::Artifacts)
        ));
        self.bar.tick();
    }

    fn tell_left_out(&self, left_out: &LeftOut) {
        if self.json {
            println!("{}", json!({ "left_out": left_out }));
        }
    }
}
