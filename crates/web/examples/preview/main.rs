//! Renders every page with sample data into a folder, with the static files beside them, to look at in a browser:
//! `cargo run -p flyball-web --example preview -- FOLDER`, then serve the folder.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use flyball_web::assets::asset_paths;
use flyball_web::{Template, asset};

mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder to write to")?);
    let playing = sample::overview(0.71);
    write(&folder, "index.html", &playing.render()?)?;
    write(&folder, "done.html", &sample::overview(1.0).render()?)?;
    write(&folder, "empty.html", &flyball_web::OverviewPage::default().render()?)?;
    write(&folder, "several.html", &sample::several_loops().render()?)?;
    write(&folder, "loop.html", &sample::loop_page().render()?)?;
    write(&folder, "run.html", &sample::run().render()?)?;
    write(&folder, "version.html", &sample::model_version().render()?)?;
    write(&folder, "alert.html", &sample::alert().render()?)?;
    write(&folder, "labels.html", &sample::label_project().render()?)?;
    write(&folder, "annotate.html", &sample::annotate().render()?)?;
    write(&folder, "card.html", &sample::card().render()?)?;
    write(&folder, "evaluation.html", &sample::evaluation().render()?)?;
    write(&folder, "replay.html", &sample::replay().render()?)?;
    write(&folder, "remedies.html", &sample::remedies().render()?)?;
    write(&folder, "endpoint.html", &sample::endpoint().render()?)?;
    write(&folder, "monitor.html", &sample::monitor().render()?)?;
    write(&folder, "window.html", &sample::window().render()?)?;
    write(&folder, "dataset.html", &sample::dataset().render()?)?;
    write(&folder, "prediction.html", &sample::prediction().render()?)?;
    write(&folder, "list.html", &sample::list().render()?)?;
    write(&folder, "error.html", &sample::not_found().render()?)?;
    for path in asset_paths() {
        if let Some(file) = asset(&path) {
            let target = folder.join("assets").join(path.as_ref());
            fs::create_dir_all(target.parent().unwrap_or(&folder))?;
            fs::write(target, file.bytes)?;
        }
    }
    Ok(())
}

fn write(folder: &Path, name: &str, page: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), page)?;
    Ok(())
}
