//! `flyball simulate`: what would this policy have cost us?

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flyball_core::{Digest, Error, ErrorCode, Result, VirtualClock, limits};
use flyball_data::source;
use flyball_governance::audit;
use flyball_loops::declared::Variant;
use flyball_loops::file::{LoopFile, Origin, Sql};
use flyball_loops::simulate::{Plan, Progress, Simulation};
use flyball_store::Db;

use super::Context;
use crate::args::{PolicyArgument, SimulateOptions};
use crate::comparison;
use crate::output::print_json;
use crate::story::Story;
use crate::wire::{Places, Product};

/// Plays the period and prints the comparison.
pub(crate) fn run(context: &Context, options: &SimulateOptions) -> Result<()> {
    let text = super::project::read_loop_file(&context.places, &options.file)?;
    let file = LoopFile::parse(&options.file.to_string_lossy(), &text)?;
    let mut variants = vec![Variant::Declared];
    variants.extend(options.compare.iter().filter_map(|policy| match policy {
        PolicyArgument::Never => Some(Variant::NeverRetrain),
        PolicyArgument::Monthly => Some(Variant::RetrainMonthly),
        PolicyArgument::None => None,
    }));
    let plan = Plan { text, from: options.from, to: options.to, variants };
    let places = folder_of(&context.places, &file, &plan)?;
    if options.fresh {
        forget(&places.data_dir)?;
    }
    let mut story = Story::new(file.name.as_str(), context.json);
    let (product, clock) = Product::simulated(&places, options.from)?;
    let db = product.platform.db.clone();
    let progress = play(product, clock, plan, &mut story)?;
    if let Some(path) = &options.events {
        write_events(&db, path)?;
    }
    if context.json {
        return print_json(&progress);
    }
    print!("{}", comparison::render(&progress, &file));
    if !progress.done {
        println!("\nstopped at {}; the same command goes on from there", progress.now);
    }
    Ok(())
}

/// Plays a plan to its end.
pub(crate) fn play(product: Product, clock: Arc<VirtualClock>, plan: Plan, story: &mut Story) -> Result<Progress> {
    let Product { platform, jobs, runner, lock } = product;
    let mut simulation = Simulation::open(platform, clock, jobs, runner, plan)?;
    let progress = simulation.run(story)?;
    story.end();
    drop(lock);
    Ok(progress)
}

/// A simulation has a data folder of its own, named by all that goes in, the data included, so that it touches nothing,
/// can be gone on with, and begins anew when anything is different.
fn folder_of(places: &Places, file: &LoopFile, plan: &Plan) -> Result<Places> {
    let mut inputs = vec![format!("{}\0{}\0{}\0{:?}", plan.text, plan.from, plan.to, plan.variants)];
    for (_, dataset) in &file.data {
        match &dataset.origin {
            Origin::From(from) => {
                let loaded = source::load(&places.project, from.as_str())?;
                inputs.extend(loaded.files.iter().map(|(file, _)| format!("{}\0{}", file.path, file.digest)));
            }
            Origin::Sql(Sql::File(path)) => inputs.push(source::read_text(&places.project, path, limits::SQL_BYTES)?),
            // Inline SQL is part of the text.
            Origin::Sql(Sql::Inline(_)) => {}
        }
    }
    let name = Digest::of_parts(inputs.iter().map(String::as_bytes)).short();
    Ok(Places { data_dir: places.data_dir.join("simulations").join(name), ..places.clone() })
}

/// Removes the state of an earlier simulation.
pub(crate) fn forget(data_dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(data_dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::new(ErrorCode::Unavailable, format!("cannot remove {}: {error}", data_dir.display()))),
    }
}

/// Writes the whole audit log, one event a line.
fn write_events(db: &Db, path: &Path) -> Result<()> {
    let failed =
        |error: std::io::Error| Error::new(ErrorCode::Unavailable, format!("cannot write {}: {error}", path.display()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?);
    let mut seq = 0;
    loop {
        let events = db.read(|tx| audit::since(tx, seq, 1000))?;
        let Some(last) = events.last() else { break };
        seq = last.seq;
        for event in &events {
            serde_json::to_writer(&mut file, event).map_err(Error::internal)?;
            file.write_all(b"\n").map_err(failed)?;
        }
    }
    file.flush().map_err(failed)
}
