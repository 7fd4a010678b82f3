//! `flyball demo`: a model lives through a year of real New York flights, told on the terminal and in the browser.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use flyball_core::{Digest, Error, ErrorCode, Result, Timestamp};
use flyball_governance::identity;
use flyball_jobs::Runner;
use flyball_loops::declared::Variant;
use flyball_loops::file::LoopFile;
use flyball_loops::highlights::{self, Highlights};
use flyball_loops::jobs::LoopJobs;
use flyball_loops::simulate::{Plan, Progress, Simulation};
use flyball_server::Observe;
use serde::Serialize;

use super::{Context, serve, simulate};
use crate::args::DemoOptions;
use crate::comparison;
use crate::output::print_json;
use crate::story::Story;
use crate::wire::{Places, Product};

/// The project of the demo: examples/flights, carried in the binary.
const FILES: [(&str, &[u8]); 5] = [
    ("flyball.yaml", include_bytes!("../../../../examples/flights/flyball.yaml")),
    ("features.sql", include_bytes!("../../../../examples/flights/features.sql")),
    ("data/README.md", include_bytes!("../../../../examples/flights/data/README.md")),
    ("data/flights.parquet", include_bytes!("../../../../examples/flights/data/flights.parquet")),
    ("data/weather.csv", include_bytes!("../../../../examples/flights/data/weather.csv")),
];
/// 2013-03-01: January and February are there to learn from.
const FROM: Timestamp = Timestamp(1_362_096_000_000);
/// 2014-01-01.
const TO: Timestamp = Timestamp(1_388_534_400_000);

/// What the demo prints as JSON.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    progress: Progress,
    highlights: Highlights,
}

/// Plays the year, or shows one that was played before.
pub(crate) fn run(context: &Context, options: &DemoOptions) -> Result<()> {
    let places = Places {
        project: options.dir.clone(),
        data_dir: options.dir.join(".flyball").join(version_of_files()),
        ..context.places.clone()
    };
    if options.fresh {
        // Nobody may lose a demo that is being looked at.
        drop(crate::wire::lock(&places)?);
        simulate::forget(&places.data_dir)?;
    }
    write_project(&options.dir)?;
    let text = String::from_utf8_lossy(FILES[0].1).into_owned();
    let file = LoopFile::parse("flyball.yaml", &text)?;
    let variants = vec![Variant::Declared, Variant::NeverRetrain, Variant::RetrainMonthly];
    let plan = Plan { text, from: FROM, to: TO, variants };

    let (Product { platform, jobs, runner, lock }, clock) = Product::simulated(&places, FROM)?;
    let listener = listen(options.port)?;
    let url = serve::url_of(&listener)?;
    lock.set_info(&serde_json::json!({ "pid": std::process::id(), "address": url }))?;
    let app = serve::app_of(platform.clone(), jobs.clone(), None, Observe::default())?;
    let mut server = serve::serve(app, listener, url)?;
    if !context.json {
        println!("A model for late flights lives through 2013 in New York. Watch it at {}\n", server.address());
    }
    let mut story = Story::new(file.name.as_str(), context.json);
    let watched = platform.clone();
    let looking = Runner::new(jobs.clone(), vec![Arc::new(LoopJobs::new(platform.clone()))]);
    let mut simulation = Simulation::open(platform, clock, jobs, runner, plan)?;
    let progress = simulation.run(&mut story)?;
    story.end();
    let done = progress.done;
    let permit = identity::local_user()?.edit().read();
    let shown = highlights::of(&watched, &permit, file.name.as_str(), (FROM, progress.now))?;
    if context.json {
        print_json(&Told { progress, highlights: shown })?;
    } else {
        println!("{}", comparison::render(&progress, &file));
        println!("{}", crate::highlights::render(&shown)?);
    }
    if !options.exit && done {
        if !context.json {
            println!("The pages stay at {} until you press Ctrl-C.", server.address());
        }
        // The year is over and its clock stands still; what somebody who looks asks for, as an evaluation, is made.
        let workers = looking.spawn(1)?;
        serve::wait_for_signal()?;
        workers.stop();
    }
    server.stop()?;
    drop(lock);
    Ok(())
}

/// The usual port, or any free one when somebody else has it.
fn listen(port: u16) -> Result<std::net::TcpListener> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    serve::bind(SocketAddr::new(loopback, port)).or_else(|_| serve::bind(SocketAddr::new(loopback, 0)))
}

/// A name for what the demo plays, so that another version of it does not go on with an old state.
fn version_of_files() -> String {
    Digest::of_parts(FILES.iter().map(|(_, bytes)| *bytes)).short()
}

/// Writes the demo's project, so that it can be looked at and played with.
fn write_project(dir: &Path) -> Result<()> {
    for (name, bytes) in FILES {
        let path = dir.join(name);
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::Unavailable, format!("cannot write {}: {error}", path.display()))
                .hint("name another folder with --dir")
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&path, bytes).map_err(failed)?;
    }
    Ok(())
}
