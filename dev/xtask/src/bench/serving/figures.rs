//! Figures of Flyball beside those of several peers.

use serde_json::{Value, json};

use super::peers::Peer;
use crate::bench::table::{Better, short};

/// One figure of one server.
#[derive(Clone)]
pub(super) struct Figure {
    case: String,
    /// With its unit.
    name: String,
    value: f64,
    better: Better,
    /// At most so much.
    most: Option<f64>,
    /// Whether Flyball must be better by the factor of each peer.
    is_compared: bool,
}

impl Figure {
    pub(super) fn less(case: &str, name: &str, value: f64) -> Self {
        Self {
            case: case.to_owned(),
            name: name.to_owned(),
            value,
            better: Better::Less,
            most: None,
            is_compared: false,
        }
    }

    pub(super) fn more(case: &str, name: &str, value: f64) -> Self {
        Self { better: Better::More, ..Self::less(case, name, value) }
    }

    pub(super) fn most(self, most: f64) -> Self {
        Self { most: Some(most), ..self }
    }

    pub(super) fn compared(self) -> Self {
        Self { is_compared: true, ..self }
    }
}

/// What could not be measured, and why.
pub(super) struct Missing {
    pub(super) case: String,
    pub(super) reason: String,
}

/// Everything that came out.
#[derive(Default)]
pub(super) struct Report {
    own: Vec<Figure>,
    peers: Vec<(Peer, Vec<Figure>)>,
    pub(super) missing: Vec<Missing>,
}

/// A figure of Flyball, alone or beside one peer.
struct Row<'a> {
    figure: &'a Figure,
    beside: Option<(Peer, f64)>,
}

impl Row<'_> {
    /// How many times better Flyball is.
    fn ratio(&self) -> Option<f64> {
        let (own, peer) = (self.figure.value, self.beside?.1);
        let ratio = if self.figure.better == Better::More { own / peer } else { peer / own };
        ratio.is_finite().then_some(ratio)
    }

    /// The factor that is wanted beside this peer.
    fn times(&self) -> Option<f64> {
        self.beside.filter(|_| self.figure.is_compared).map(|(peer, _)| peer.times())
    }

    /// Whether the goal is reached; nothing when there is none.
    fn is_reached(&self) -> Option<bool> {
        match self.beside {
            None => self.figure.most.map(|most| self.figure.value <= most),
            Some(_) => Some(self.ratio()? >= self.times()?),
        }
    }

    fn cells(&self) -> [String; 8] {
        let goal = match self.beside {
            None => self.figure.most.map(|most| format!("≤ {most}")),
            Some(_) => self.times().map(|times| format!("≥ {times}×")),
        };
        let reached = self.is_reached().map_or("", |reached| if reached { "reached" } else { "missed" });
        [
            self.figure.case.clone(),
            self.figure.name.clone(),
            goal.unwrap_or_default(),
            short(self.figure.value),
            self.beside.map_or("", |(peer, _)| peer.name()).to_owned(),
            self.beside.map_or(String::new(), |(_, value)| short(value)),
            self.ratio().map_or(String::new(), |ratio| format!("{}×", short(ratio))),
            reached.to_owned(),
        ]
    }
}

impl Report {
    /// Adds figures of Flyball.
    pub(super) fn add(&mut self, figures: impl IntoIterator<Item = Figure>) {
        self.own.extend(figures);
    }

    pub(super) fn add_peer(&mut self, peer: Peer, figures: Vec<Figure>) {
        self.peers.push((peer, figures));
    }

    /// Notes that a part was not measured.
    pub(super) fn miss(&mut self, case: &str, reason: String) {
        eprintln!("  {case}: {reason}");
        self.missing.push(Missing { case: case.to_owned(), reason });
    }

    /// Each figure of Flyball, alone and beside every peer that has it.
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.own.iter().flat_map(|figure| {
            let same = |other: &&Figure| (&other.case, &other.name) == (&figure.case, &figure.name);
            let beside = self.peers.iter().filter_map(move |(peer, figures)| {
                Some(Row { figure, beside: Some((*peer, figures.iter().find(same)?.value)) })
            });
            std::iter::once(Row { figure, beside: None }).chain(beside)
        })
    }

    /// The report as data.
    pub(super) fn json(&self) -> Value {
        let row = |row: Row<'_>| {
            json!({
                "case": row.figure.case,
                "figure": row.figure.name,
                "better": if row.figure.better == Better::More { "more" } else { "less" },
                "goal": { "times": row.times(), "most": row.figure.most.filter(|_| row.beside.is_none()) },
                "flyball": row.figure.value,
                "peer": row.beside.map(|(peer, _)| peer.name()),
                "value": row.beside.map(|(_, value)| value),
                "ratio": row.ratio(),
                "reached": row.is_reached(),
            })
        };
        let missing = |missing: &Missing| json!({ "case": missing.case, "reason": missing.reason });
        json!({
            "figures": self.rows().map(row).collect::<Vec<_>>(),
            "missing": self.missing.iter().map(missing).collect::<Vec<_>>(),
        })
    }

    /// The report as an aligned table.
    pub(super) fn text(&self) -> String {
        let head = ["", "figure", "goal", "Flyball", "beside", "peer", "ratio", ""].map(str::to_owned);
        let cells: Vec<[String; 8]> = std::iter::once(head).chain(self.rows().map(|row| row.cells())).collect();
        let widths: [usize; 8] =
            std::array::from_fn(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
        let mut text = String::new();
        let (mut case, mut figure) = (String::new(), String::new());
        for row in &cells {
            let is_case = row[0] != case;
            let is_figure = is_case || row[1] != figure;
            let pad = |(column, cell): (usize, &String)| match column {
                0 if !is_case => " ".repeat(widths[0]),
                1 | 3 if !is_figure => " ".repeat(widths[column]),
                0..=2 | 4 | 7 => format!("{cell:<0$}", widths[column]),
                _ => format!("{cell:>0$}", widths[column]),
            };
            let padded: Vec<String> = row.iter().enumerate().map(pad).collect();
            text.push_str(&format!("{}\n", padded.join("  ").trim_end()));
            case.clone_from(&row[0]);
            figure.clone_from(&row[1]);
        }
        for missing in &self.missing {
            text.push_str(&format!("\n{}: {}", missing.case, missing.reason));
        }
        if !self.missing.is_empty() {
            text.push('\n');
        }
        text
    }
}
