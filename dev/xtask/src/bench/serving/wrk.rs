//! wrk, the generator of a closed loop that costs the machine little.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::measure::Seen;
use crate::bench::{scratch, text};
use crate::run::output;

/// Requests of which one is taken by chance each time.
pub(super) struct Script {
    file: PathBuf,
    _folder: TempDir,
}

impl Script {
    /// Each request has a path and a body; all have the same headers.
    pub(super) fn new(headers: &[(&str, &str)], asked: &[(&str, &[u8])]) -> Result<Self> {
        let folder = scratch("wrk")?;
        let mut script = String::from("wrk.method = 'POST'\n");
        for (name, value) in headers {
            script.push_str(&format!("wrk.headers['{name}'] = '{value}'\n"));
        }
        script.push_str("local asked = {\n");
        for (number, (path, body)) in asked.iter().enumerate() {
            let file = folder.path().join(number.to_string());
            std::fs::write(&file, body)?;
            script.push_str(&format!("{{ '{path}', '{}' }},\n", text(&file)));
        }
        // The requests are put together before the first is sent.
        script.push_str(
            "}\nlocal requests = {}\n\
             function init()\n\
               for number, one in ipairs(asked) do\n\
                 local file = io.open(one[2], 'rb')\n\
                 requests[number] = wrk.format(nil, one[1], nil, file:read('*a'))\n\
                 file:close()\n\
               end\n\
             end\n\
             function request() return requests[math.random(#requests)] end\n",
        );
        let file = folder.path().join("script.lua");
        std::fs::write(&file, script)?;
        Ok(Self { file, _folder: folder })
    }

    /// Requests in JSON.
    pub(super) fn json(asked: &[(&str, &[u8])]) -> Result<Self> {
        Self::new(&[("Content-Type", "application/json")], asked)
    }

    /// Keeps `connections` busy for so many seconds; a refused request is an error.
    pub(super) fn run(&self, address: &str, connections: usize, seconds: f64) -> Result<Seen> {
        let mut load = Command::new("wrk");
        load.args(["-t1", "--latency", "--timeout", "60s", "-c", &connections.to_string(), "-d"]);
        load.arg(format!("{}s", seconds.round().max(1.0))).arg("-s").arg(&self.file).arg(format!("http://{address}/"));
        let printed = output(&mut load).context("wrk failed")?;
        if printed.contains("Non-2xx") || printed.contains("Socket errors") {
            bail!("some requests were refused:\n{printed}");
        }
        let (requests, took) = printed
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .context("wrk told no number of requests")?;
        let took = took.split(',').next().and_then(milliseconds).context("wrk told no time")?;
        let percentile = |name: &str| {
            let line = printed.lines().find(|line| line.trim().starts_with(name))?;
            milliseconds(line.split_whitespace().nth(1)?)
        };
        Ok(Seen {
            requests: requests.parse()?,
            seconds: took / 1e3,
            p50: percentile("50%").context("wrk told no median")?,
            p99: percentile("99%").context("wrk told no 99th percentile")?,
        })
    }
}

/// A time with its unit.
fn milliseconds(text: &str) -> Option<f64> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let value: f64 = text[..unit].parse().ok()?;
    let factor = match &text[unit..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        _ => return None,
    };
    Some(value * factor)
}
