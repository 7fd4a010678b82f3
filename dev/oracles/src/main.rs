//! `cargo xtask oracles DIR`: checks a folder of fixtures and prints the worst deviation of each file.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program talks on its standard streams")]

use std::path::Path;
use std::process::ExitCode;

use flyball_oracles::{Checks, check_folder};

/// How many failures of a file are printed.
const SHOWN: usize = 10;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("error: name the folder with the fixtures: cargo xtask oracles DIR");
        return ExitCode::from(2);
    };
    match check_folder(Path::new(&folder)) {
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
        Ok(reports) => {
            reports.iter().for_each(show);
            let sound = reports.iter().all(|checks| checks.failures.is_empty());
            if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn show(checks: &Checks) {
    let failed = checks.failures.len();
    let verdict = match (checks.compared, failed) {
        (0, _) => "nothing compared".to_owned(),
        (_, 0) => "all within tolerance".to_owned(),
        _ => format!("{failed} beyond tolerance"),
    };
    println!("{:<16} {:>6} compared, {verdict}", checks.name, checks.compared);
    if let Some(worst) = &checks.worst {
        println!(
            "{:<16} worst: {} ({:.3} of its tolerance; {} against {})",
            "", worst.what, worst.tolerances, worst.got, worst.expected
        );
    }
    for failure in checks.failures.iter().take(SHOWN) {
        println!("{:<16} FAILED: {}: {} is not {}", "", failure.what, failure.got, failure.expected);
    }
    if failed > SHOWN {
        println!("{:<16} … and {} more", "", failed - SHOWN);
    }
    for what in &checks.left_out {
        println!("{:<16} left out: {what}", "");
    }
}
