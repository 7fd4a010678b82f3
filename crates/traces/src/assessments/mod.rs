//! Judgements of traces: feedback, what was expected, known issues.

use std::collections::BTreeMap;

use flyball_core::{Digest, Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_store::Tx;
use serde_json::Value;

use crate::labels::valid_value;
use crate::store::{self, assessments as rows};

/// Most assessments of a trace: its description carries all of them.
const PER_TRACE: usize = 1_000;
/// Most bytes of a value, a rationale or an error.
const TEXT_BYTES: usize = 256 * 1024;
/// Most characters of a name or an id.
const NAME_CHARACTERS: usize = 250;

/// Who judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceType {
    /// It was not said.
    #[default]
    Unspecified,
    /// A person.
    Human,
    /// A language model.
    LlmJudge,
    /// A program.
    Code,
}

impl SourceType {
    const ALL: [(SourceType, &'static str); 4] = [
        (SourceType::Unspecified, "SOURCE_TYPE_UNSPECIFIED"),
        (SourceType::Human, "HUMAN"),
        (SourceType::LlmJudge, "LLM_JUDGE"),
        (SourceType::Code, "CODE"),
    ];

    /// Its stable text.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(source, _)| *source == self).map_or("", |(_, text)| text)
    }

    /// The source with this text.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(source, _)| *source)
    }
}

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// How good it was: any JSON, or why that could not be told.
    Feedback {
        /// The value.
        value: Value,
        /// `error_code`, `error_message`, `stack_trace`.
        error: Option<Value>,
    },
    /// What should have come out: any JSON.
    Expectation(Value),
    /// The name of a known issue that it shows; the assessment is named after its id.
    Issue(String),
}

/// A judgement with where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Its id: `a-` and 32 hexadecimal digits; empty until it is stored.
    pub id: String,
    /// What is judged, such as `correctness`.
    pub name: String,
    /// What is said.
    pub judgement: Judgement,
    /// Who judged.
    pub source_type: SourceType,
    /// The name of the person, model or program.
    pub source_id: String,
    /// The span that it is about; the whole trace when absent.
    pub span_id: Option<String>,
    /// Why.
    pub rationale: Option<String>,
    /// Anything else.
    pub metadata: BTreeMap<String, String>,
    /// The assessment that it takes the place of.
    pub overrides: Option<String>,
    /// Whether no other has taken its place.
    pub valid: bool,
    /// When it was made; 0 for now.
    pub created_at: Timestamp,
    /// When it was last changed; 0 for now.
    pub updated_at: Timestamp,
}

/// What changes in an assessment; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The name.
    pub name: Option<String>,
    /// What is said, of the same kind.
    pub judgement: Option<Judgement>,
    /// Why.
    pub rationale: Option<String>,
    /// Metadata to be set; other entries stay.
    pub metadata: BTreeMap<String, String>,
}

/// Adds an assessment to a trace. The one that it overrides is no longer valid.
///
/// # Errors
/// `NotFound` without the trace or the overridden assessment; `LimitExceeded`, `InvalidInput` for its content.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    trace_id: &str,
    mut assessment: Assessment,
    now: Timestamp,
) -> Result<Assessment> {
    let trace = trace(tx, &permit.read(), trace_id)?;
    let count = rows::count(tx, trace)?;
    if count >= PER_TRACE {
        let message = format!("trace '{trace_id}' has {PER_TRACE} assessments already");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("delete some first"));
    }
    complete(&mut assessment, trace_id, count, now)?;
    if rows::find(tx, trace, &assessment.id)?.is_some() {
        return Err(Error::invalid(format!("assessment '{}' of trace '{trace_id}' is there already", assessment.id)));
    }
    if let Some(overridden) = &assessment.overrides
        && !rows::set_valid(tx, trace, overridden, false)?
    {
        return Err(missing(overridden, trace_id));
    }
    assessment.valid = true;
    rows::write(tx, trace, &assessment)?;
    Ok(assessment)
}

/// The assessment of a trace.
///
/// # Errors
/// `NotFound` without the trace or the assessment.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, trace_id: &str, id: &str) -> Result<Assessment> {
    let trace = trace(tx, permit, trace_id)?;
    rows::find(tx, trace, id)?.ok_or_else(|| missing(id, trace_id))
}

/// Changes an assessment and returns it.
///
/// # Errors
/// `NotFound` without the trace or the assessment; `InvalidInput` when feedback would become an expectation or the reverse.
pub fn update(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    trace_id: &str,
    id: &str,
    changes: Changes,
    now: Timestamp,
) -> Result<Assessment> {
    let trace = trace(tx, &permit.read(), trace_id)?;
    let mut assessment = rows::find(tx, trace, id)?.ok_or_else(|| missing(id, trace_id))?;
    if let Some(judgement) = changes.judgement {
        assessment.judgement = match (&assessment.judgement, judgement) {
            (Judgement::Feedback { .. }, Judgement::Expectation(_)) => {
                return Err(Error::invalid("Cannot update expectation value on a Feedback assessment."));
            }
            (Judgement::Feedback { .. }, new @ Judgement::Feedback { .. })
            | (Judgement::Expectation(_), new @ Judgement::Expectation(_))
            | (Judgement::Issue(_), new @ Judgement::Issue(_)) => new,
            _ => return Err(Error::invalid("Cannot update feedback value on an Expectation assessment.")),
        };
    }
    assessment.name = changes.name.unwrap_or(assessment.name);
    // Expectations have no rationale.
    if !matches!(assessment.judgement, Judgement::Expectation(_)) {
        assessment.rationale = changes.rationale.or(assessment.rationale);
    }
    assessment.metadata.extend(changes.metadata);
    assessment.updated_at = now;
    check(&mut assessment)?;
    rows::write(tx, trace, &assessment)?;
    Ok(assessment)
}

/// Deletes an assessment; what it overrode is valid again. One that is not there is fine.
///
/// # Errors
/// `NotFound` without the trace.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, trace_id: &str, id: &str) -> Result<()> {
    let trace = trace(tx, &permit.read(), trace_id)?;
    let Some(assessment) = rows::find(tx, trace, id)? else { return Ok(()) };
    if let Some(overridden) = &assessment.overrides {
        rows::set_valid(tx, trace, overridden, true)?;
    }
    rows::remove(tx, trace, id)
}

/// Gives an assessment what it lacks: an id and its times; `count` tells those of one moment apart.
pub(crate) fn complete(assessment: &mut Assessment, trace_id: &str, count: usize, now: Timestamp) -> Result<()> {
    if assessment.id.is_empty() {
        let digest = Digest::of_parts([
            trace_id.as_bytes(),
            &now.0.to_le_bytes(),
            &count.to_le_bytes(),
            assessment.name.as_bytes(),
        ]);
        assessment.id = digest.bytes()[..16].iter().fold(String::from("a-"), |id, byte| id + &format!("{byte:02x}"));
    }
    for time in [&mut assessment.created_at, &mut assessment.updated_at] {
        if time.0 == 0 {
            *time = now;
        }
    }
    check(assessment)
}

/// Checks the limits, and makes all texts such as databases keep.
fn check(assessment: &mut Assessment) -> Result<()> {
    let long = |text: &str| text.chars().count() > NAME_CHARACTERS;
    if long(&assessment.name) || long(&assessment.id) || long(&assessment.source_id) {
        return Err(Error::invalid(format!(
            "the name, id or source of an assessment exceeds the maximum length of {NAME_CHARACTERS} characters"
        )));
    }
    let value = match &assessment.judgement {
        Judgement::Feedback { value, error } => {
            value.to_string().len().max(error.as_ref().map_or(0, |error| error.to_string().len()))
        }
        Judgement::Expectation(value) => value.to_string().len(),
        Judgement::Issue(name) => name.len(),
    };
    if value.max(assessment.rationale.as_ref().map_or(0, String::len)) > TEXT_BYTES
        || assessment.metadata.len() > NAME_CHARACTERS
    {
        return Err(Error::invalid(format!("an assessment holds more than {TEXT_BYTES} bytes of text"))
            .hint("keep large values as artifacts"));
    }
    for value in assessment.metadata.values_mut() {
        *value = valid_value(value);
    }
    for text in [&mut assessment.rationale, &mut assessment.span_id].into_iter().flatten() {
        *text = text.replace('\0', "\u{fffd}");
    }
    Ok(())
}

fn trace(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<i64> {
    let row = store::find(tx, permit, id)?;
    row.map(|row| row.no).ok_or_else(|| crate::read::missing(id))
}

fn missing(id: &str, trace_id: &str) -> Error {
    let message = format!("Assessment with ID '{id}' not found for trace '{trace_id}'");
    Error::new(ErrorCode::NotFound, message)
}
