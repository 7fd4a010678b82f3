//! Figures of two products side by side.

use serde_json::{Value, json};

/// What is good.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Better {
    Less,
    More,
}

/// What is wanted of a figure.
#[derive(Clone, Copy, Default)]
pub(super) struct Goal {
    /// At least so many times better than the peer.
    pub(super) times: Option<f64>,
    /// At most so much.
    pub(super) most: Option<f64>,
}

impl Goal {
    pub(super) fn times(times: f64) -> Self {
        Self { times: Some(times), most: None }
    }

    pub(super) fn most(most: f64) -> Self {
        Self { times: None, most: Some(most) }
    }

    fn shown(&self) -> String {
        let times = self.times.map(|times| format!("≥ {times}×"));
        let most = self.most.map(|most| format!("≤ {most}"));
        times.into_iter().chain(most).collect::<Vec<_>>().join(", ")
    }
}

/// One figure of one product.
#[derive(Clone)]
pub(super) struct Figure {
    pub(super) case: String,
    /// With its unit.
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) better: Better,
    pub(super) goal: Goal,
}

/// A figure of both products; the peer has none where only Flyball was measured.
pub(super) struct Row {
    database: &'static str,
    figure: Figure,
    peer: Option<f64>,
}

impl Row {
    /// Flyball's figures, each with the peer's of the same case and name.
    pub(super) fn pairs(database: &'static str, own: Vec<Figure>, peer: &[Figure]) -> Vec<Self> {
        let beside = |figure: &Figure| {
            let same = |other: &&Figure| (&other.case, &other.name) == (&figure.case, &figure.name);
            peer.iter().find(same).map(|other| other.value)
        };
        own.into_iter().map(|figure| Self { database, peer: beside(&figure), figure }).collect()
    }

    /// How many times better Flyball is.
    fn ratio(&self) -> Option<f64> {
        let (own, peer) = (self.figure.value, self.peer?);
        let ratio = if self.figure.better == Better::More { own / peer } else { peer / own };
        ratio.is_finite().then_some(ratio)
    }

    /// Whether the goal is reached; nothing when there is none, or no peer to compare with.
    fn is_reached(&self) -> Option<bool> {
        let goal = self.figure.goal;
        let times = goal.times.and_then(|times| Some(self.ratio()? >= times));
        let most = goal.most.map(|most| self.figure.value <= most);
        times.into_iter().chain(most).reduce(|a, b| a && b)
    }

    fn json(&self) -> Value {
        json!({
            "database": self.database,
            "case": self.figure.case,
            "figure": self.figure.name,
            "better": if self.figure.better == Better::More { "more" } else { "less" },
            "goal": { "times": self.figure.goal.times, "most": self.figure.goal.most },
            "flyball": self.figure.value,
            "mlflow": self.peer,
            "ratio": self.ratio(),
            "reached": self.is_reached(),
        })
    }

    fn cells(&self) -> [String; 7] {
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("{}×", short(ratio)));
        let reached = self.is_reached().map_or("", |reached| if reached { "reached" } else { "missed" });
        [
            self.figure.case.clone(),
            self.figure.name.clone(),
            self.figure.goal.shown(),
            short(self.figure.value),
            self.peer.map_or("–".to_owned(), short),
            ratio,
            reached.to_owned(),
        ]
    }
}

/// The rows as data.
pub(super) fn json(rows: &[Row]) -> Value {
    rows.iter().map(Row::json).collect()
}

/// The rows as an aligned table for each database.
pub(super) fn text(rows: &[Row]) -> String {
    let head = ["", "figure", "goal", "Flyball", "MLflow", "ratio", ""].map(str::to_owned);
    let cells: Vec<[String; 7]> = std::iter::once(head.clone()).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |cells: &[String; 7], is_new: bool| {
        let pad = |(column, cell): (usize, &String)| match column {
            0 if !is_new => " ".repeat(widths[0]),
            0..=2 | 6 => format!("{cell:<0$}", widths[column]),
            _ => format!("{cell:>0$}", widths[column]),
        };
        let padded: Vec<String> = cells.iter().enumerate().map(pad).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = String::new();
    let (mut database, mut case) = ("", "");
    for (row, cells) in rows.iter().zip(&cells[1..]) {
        if row.database != database {
            (database, case) = (row.database, "");
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{database}\n{}", line(&head, true)));
        }
        text.push_str(&line(cells, row.figure.case != case));
        case = &row.figure.case;
    }
    text
}

/// Three digits that count.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
