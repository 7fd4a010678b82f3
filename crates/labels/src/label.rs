//! The answer to a task, and whether it fits the project.

use flyball_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Kind, Settings};

/// Most spans or boxes of one answer: more is a mistake of whoever wrote the file.
pub const REGIONS: usize = 10_000;

/// An answer; which one it is follows from the kind of the project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// A class.
    Choice(String),
    /// Classes, in the order of the project, each once.
    Choices(Vec<String>),
    /// A number.
    Number(f64),
    /// Spans of the text, in their order.
    Spans(Vec<Span>),
    /// Boxes in the image.
    Boxes(Vec<BoundingBox>),
    /// Which of two is better.
    Preferred(Side),
}

/// A part of a text. Positions count characters (Unicode code points), as Python does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first character.
    pub start: usize,
    /// The one after the last.
    pub end: usize,
    /// The class.
    pub class: String,
}

/// A box in an image. All four are shares of the image's width and height, from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// The class.
    pub class: String,
    /// The width of the image in pixels, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_width: Option<u32>,
    /// Its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_height: Option<u32>,
}

/// Which of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
    /// Neither is better.
    Tie,
}

impl Side {
    /// All of them, in the order of their classes.
    pub const ALL: [Side; 3] = [Side::Left, Side::Right, Side::Tie];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
            Side::Tie => "tie",
        }
    }
}

impl Label {
    /// The answer as the project keeps it: of its kind, with its classes, inside the task. Boxes are cut at the image's edge,
    /// regions and classes are put in order.
    ///
    /// # Errors
    /// `InvalidInput` with what does not fit.
    pub fn checked(self, settings: &Settings, data: &Value) -> Result<Label> {
        match (settings.kind, self) {
            (Kind::Classification, Label::Choice(class)) => {
                known(settings, &class)?;
                Ok(Label::Choice(class))
            }
            (Kind::MultiLabel, Label::Choices(chosen)) => {
                chosen.iter().try_for_each(|class| known(settings, class).map(drop))?;
                let kept = settings.classes.iter().map(|class| &class.name).filter(|name| chosen.contains(name));
                Ok(Label::Choices(kept.cloned().collect()))
            }
            (Kind::Regression, Label::Number(number)) => {
                let outside = settings.range.is_some_and(|range| number < range.min || number > range.max);
                if !number.is_finite() || outside {
                    let range = settings.range.map(|range| format!("write one from {} to {}", range.min, range.max));
                    let error = Error::invalid(format!("{number} is no number that can be answered"));
                    return Err(error.hint(range.unwrap_or_else(|| "write a finite number".to_owned())));
                }
                Ok(Label::Number(number))
            }
            (Kind::Spans, Label::Spans(spans)) => checked_spans(settings, spans, text_of(settings, data)?),
            (Kind::Boxes, Label::Boxes(boxes)) => checked_boxes(settings, boxes),
            (Kind::Pairwise, Label::Preferred(side)) => Ok(Label::Preferred(side)),
            (kind, other) => Err(Error::invalid(format!("{} is no answer of {}", other.key(), kind.as_str()))
                .hint(format!("write {}", example(kind)))),
        }
    }

    /// The key of the answer in JSON.
    pub fn key(&self) -> &'static str {
        match self {
            Label::Choice(_) => "choice",
            Label::Choices(_) => "choices",
            Label::Number(_) => "number",
            Label::Spans(_) => "spans",
            Label::Boxes(_) => "boxes",
            Label::Preferred(_) => "preferred",
        }
    }

    /// The position of the one class that it names; pairs have three: left, right, tie.
    pub fn class(&self, settings: &Settings) -> Option<usize> {
        match self {
            Label::Choice(class) => settings.class(class),
            Label::Preferred(side) => Side::ALL.iter().position(|other| other == side),
            _ => None,
        }
    }

    /// The answer that names the class at a position.
    pub fn of_class(settings: &Settings, class: usize) -> Option<Label> {
        match settings.kind {
            Kind::Classification => settings.classes.get(class).map(|class| Label::Choice(class.name.clone())),
            Kind::Pairwise => Side::ALL.get(class).map(|side| Label::Preferred(*side)),
            _ => None,
        }
    }
}

/// How many classes answers of one of a few have.
pub fn class_count(settings: &Settings) -> usize {
    if settings.kind == Kind::Pairwise { Side::ALL.len() } else { settings.classes.len() }
}

/// The text whose spans are asked for.
///
/// # Errors
/// `InvalidData` when the task has none.
pub fn text_of<'a>(settings: &Settings, data: &'a Value) -> Result<&'a str> {
    let column = settings.text.as_deref().unwrap_or("text");
    data[column].as_str().ok_or_else(|| {
        Error::new(flyball_core::ErrorCode::InvalidData, format!("the task has no text in '{column}'"))
            .hint("name the column with the text in the project's settings")
    })
}

fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Classification => "{\"choice\": \"CLASS\"}",
        Kind::MultiLabel => "{\"choices\": [\"CLASS\"]}",
        Kind::Regression => "{\"number\": 1.5}",
        Kind::Spans => "{\"spans\": [{\"start\": 0, \"end\": 4, \"class\": \"CLASS\"}]}",
        Kind::Boxes => {
            "{\"boxes\": [{\"x\": 0.1, \"y\": 0.1, \"width\": 0.5, \"height\": 0.5, \"class\": \"CLASS\"}]}, in shares of the image"
        }
        Kind::Pairwise => "{\"preferred\": \"left\"}, right or tie",
    }
}

fn known(settings: &Settings, class: &str) -> Result<usize> {
    settings.class(class).ok_or_else(|| {
        let shown: String = class.chars().take(60).flat_map(char::escape_debug).collect();
        let near = settings.classes.iter().map(|known| (strsim::jaro_winkler(&known.name, class), &known.name));
        let nearest = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.8);
        let error = Error::invalid(format!("there is no class '{shown}'"));
        match nearest {
            Some((_, name)) => error.hint(format!("did you mean '{name}'?")),
            None => {
                let names: Vec<&str> = settings.classes.iter().take(20).map(|class| class.name.as_str()).collect();
                error.hint(format!("the classes are: {}", names.join(", ")))
            }
        }
    })
}

fn few_enough(regions: usize) -> Result<()> {
    if regions <= REGIONS {
        return Ok(());
    }
    Err(Error::new(flyball_core::ErrorCode::LimitExceeded, format!("an answer has at most {REGIONS} regions")))
}

fn checked_spans(settings: &Settings, mut spans: Vec<Span>, text: &str) -> Result<Label> {
    few_enough(spans.len())?;
    let length = text.chars().count();
    for Span { start, end, class } in &spans {
        known(settings, class)?;
        if start >= end || *end > length {
            return Err(Error::invalid(format!("the span {start}..{end} is not in the text of {length} characters"))
                .hint("positions count characters from 0, the end is exclusive"));
        }
    }
    spans.sort();
    spans.dedup();
    Ok(Label::Spans(spans))
}

fn checked_boxes(settings: &Settings, boxes: Vec<BoundingBox>) -> Result<Label> {
    few_enough(boxes.len())?;
    let mut kept = Vec::with_capacity(boxes.len());
    for mut own in boxes {
        known(settings, &own.class)?;
        let (right, bottom) = ((own.x + own.width).min(1.0), (own.y + own.height).min(1.0));
        (own.x, own.y) = (own.x.max(0.0), own.y.max(0.0));
        (own.width, own.height) = (right - own.x, bottom - own.y);
        // Written so that a NaN is refused too.
        if !(own.width > 0.0 && own.height > 0.0) {
            return Err(Error::invalid(format!("a box of '{}' has no area in the image", own.class))
                .hint("x, y, width and height are shares of the image, from 0 to 1"));
        }
        kept.push(own);
    }
    Ok(Label::Boxes(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Range};
    use serde_json::json;

    fn settings(kind: Kind) -> Settings {
        let class = |name: &str| Class { name: name.to_owned(), hot_key: None };
        Settings { classes: vec![class("cat"), class("dog")], ..Settings::of(kind) }
    }

    fn checked(kind: Kind, label: Value) -> Result<Label> {
        let label: Label = serde_json::from_value(label).unwrap();
        label.checked(&settings(kind), &json!({ "text": "año nuevo" }))
    }

    #[test]
    fn answers_fit_their_project() {
        assert!(checked(Kind::Classification, json!({ "choice": "cat" })).is_ok());
        let error = checked(Kind::Classification, json!({ "choice": "catt" })).unwrap_err();
        assert_eq!((error.message(), error.next_step()), ("there is no class 'catt'", Some("did you mean 'cat'?")));
        assert!(checked(Kind::Classification, json!({ "number": 1 })).is_err());
        let chosen = checked(Kind::MultiLabel, json!({ "choices": ["dog", "cat", "dog"] })).unwrap();
        assert_eq!(chosen, Label::Choices(vec!["cat".to_owned(), "dog".to_owned()]));
        assert!(checked(Kind::Pairwise, json!({ "preferred": "tie" })).is_ok());
        let range = Settings { range: Some(Range { min: 0.0, max: 5.0 }), ..settings(Kind::Regression) };
        assert!(Label::Number(5.0).checked(&range, &Value::Null).is_ok());
        assert!(Label::Number(5.1).checked(&range, &Value::Null).is_err());
        assert!(Label::Number(f64::NAN).checked(&settings(Kind::Regression), &Value::Null).is_err());
    }

    #[test]
    fn regions_lie_in_what_is_labelled() {
        let span = |start: usize, end: usize| json!({ "spans": [{ "start": start, "end": end, "class": "cat" }] });
        assert!(checked(Kind::Spans, span(4, 9)).is_ok());
        assert!(checked(Kind::Spans, span(4, 10)).is_err(), "characters are counted, not bytes");
        assert!(checked(Kind::Spans, span(4, 4)).is_err());
        let area = |x: f64, width: f64| json!({ "boxes": [{ "x": x, "y": 0.1, "width": width, "height": 0.2, "class": "dog" }] });
        let Label::Boxes(cut) = checked(Kind::Boxes, area(0.9, 0.5)).unwrap() else { panic!("boxes") };
        assert!((cut[0].width - 0.1).abs() < 1e-12);
        assert!(checked(Kind::Boxes, area(1.2, 0.5)).is_err());
        assert!(checked(Kind::Boxes, area(0.2, 0.0)).is_err());
    }
}
