//! Silences: alerts that nobody is told of for a while. Planned ahead, or coming back, a silence is a maintenance window.

use std::collections::BTreeMap;
use std::fmt;

use flyball_core::{Duration, Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use regex::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::model::Alert;

/// Most matchers of a silence: more than there are labels.
const MATCHERS: usize = 32;
/// Longest matcher.
const MATCHER_BYTES: usize = 1024;
/// Longest comment.
const COMMENT_CHARS: usize = 1000;
/// What a compiled expression may take; an expression of a silence names a few words.
const EXPRESSION_BYTES: usize = 64 * 1024;
/// Most silences that are looked at for an alert: the newest that have not ended.
const CONSIDERED: usize = 1000;

/// A condition on a label, written as in Alertmanager: `kind=drift`, `loop!=a`, `subject=~"dep_.*"`, `subject!~x`.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    value: String,
    equal: bool,
    expression: Option<Regex>,
}

impl Matcher {
    /// Reads a matcher. A label that an alert lacks is empty.
    ///
    /// # Errors
    /// `InvalidInput` that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let shown: String = text.chars().take(80).collect();
            Error::invalid(format!("the matcher '{}' is not understood: {why}", shown.escape_debug()))
                .hint("write kind=drift, loop!=flights, or subject=~\"dep_.*\"")
        };
        if text.len() > MATCHER_BYTES {
            return Err(wrong("it is too long"));
        }
        let at = text.find(['=', '!']).ok_or_else(|| wrong("it has no ="))?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let (operator, value) = ["=~", "!~", "!=", "="]
            .iter()
            .find_map(|operator| rest.strip_prefix(operator).map(|value| (*operator, value.trim())))
            .ok_or_else(|| wrong("it has no ="))?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(wrong("the label's name has letters, digits and _"));
        }
        let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value).to_owned();
        let expression = operator.ends_with('~').then(|| {
            // The whole value is meant, as in Prometheus.
            let built = RegexBuilder::new(&format!("^(?:{value})$")).size_limit(EXPRESSION_BYTES).build();
            built.map_err(|_| wrong("the expression cannot be read"))
        });
        Ok(Self {
            name: name.to_owned(),
            value,
            equal: !operator.starts_with('!'),
            expression: expression.transpose()?,
        })
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.name).map(String::as_str).unwrap_or_default();
        let hit = self.expression.as_ref().map_or_else(|| found == self.value, |expression| expression.is_match(found));
        hit == self.equal
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (not, like) = (if self.equal { "" } else { "!" }, if self.expression.is_some() { "~" } else { "" });
        let operator = match (not, like) {
            ("", like) => format!("={like}"),
            (not, "") => format!("{not}="),
            (not, like) => format!("{not}{like}"),
        };
        write!(f, "{}{operator}\"{}\"", self.name, self.value)
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A silence to be made.
#[derive(Clone, Debug)]
pub struct NewSilence {
    /// What an alert's labels have to be; all of them.
    pub matchers: Vec<Matcher>,
    /// From.
    pub starts_at: Timestamp,
    /// To.
    pub ends_at: Timestamp,
    /// For maintenance that comes back: how long from one start to the next.
    pub every: Option<Duration>,
    /// Why.
    pub comment: String,
}

/// A silence.
#[derive(Clone, Debug, Serialize)]
pub struct Silence {
    /// The id.
    pub id: String,
    /// What an alert's labels have to be; all of them.
    pub matchers: Vec<Matcher>,
    /// From.
    pub starts_at: Timestamp,
    /// To; of the first time when it comes back.
    pub ends_at: Timestamp,
    /// How long from one start to the next, when it comes back.
    pub every: Option<Duration>,
    /// Why.
    pub comment: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When somebody ended it.
    pub expired_at: Option<Timestamp>,
}

impl Silence {
    /// Until when it is silent at `now`; `None` when it is not.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        if self.expired_at.is_some_and(|expired| expired <= now) || now < self.starts_at {
            return None;
        }
        let length = self.ends_at - self.starts_at;
        let begun = match self.every {
            None => self.starts_at,
            Some(every) => now - Duration((now - self.starts_at).0.rem_euclid(every.0.max(1))),
        };
        (now < begun + length).then(|| begun + length)
    }

    /// Whether it can still be silent after `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expired_at.is_some() || (self.every.is_none() && self.ends_at <= now)
    }

    /// Whether it is about this alert.
    pub fn concerns(&self, alert: &Alert) -> bool {
        let labels = alert.all_labels();
        self.matchers.iter().all(|matcher| matcher.matches(&labels))
    }
}

/// Until when an alert is silenced; `None` when it is not.
pub fn silenced_until(silences: &[Silence], alert: &Alert, now: Timestamp) -> Option<Timestamp> {
    silences.iter().filter(|silence| silence.concerns(alert)).filter_map(|silence| silence.until(now)).max()
}

/// Makes a silence.
///
/// # Errors
/// `InvalidInput` when it says nothing, ends before it begins, or overlaps itself.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewSilence, now: Timestamp) -> Result<Silence> {
    if new.matchers.is_empty() || new.matchers.len() > MATCHERS {
        return Err(
            Error::invalid(format!("a silence has 1 to {MATCHERS} matchers")).hint("add kind=drift, or loop=NAME")
        );
    }
    if new.ends_at <= new.starts_at || (new.every.is_none() && new.ends_at <= now) {
        return Err(Error::invalid("the silence ends before it begins, or has ended already"));
    }
    if new.every.is_some_and(|every| every < new.ends_at - new.starts_at) {
        return Err(
            Error::invalid("the silence comes back before it ends").hint("make 'every' longer than the silence")
        );
    }
    let comment = new.comment.trim();
    if comment.is_empty() || comment.chars().count() > COMMENT_CHARS {
        return Err(Error::invalid(format!("a silence needs a comment of at most {COMMENT_CHARS} characters"))
            .hint("say why, for whoever wonders why nobody was told"));
    }
    let matchers: Vec<String> = new.matchers.iter().map(Matcher::to_string).collect();
    let count =
        tx.query_one("SELECT COUNT(*) AS n FROM silences WHERE workspace = $1", &params![permit.workspace()])?;
    let count = count.map_or(Ok(0), |row| row.get::<i64>("n"))?.unsigned_abs();
    let id = id::derived_at("sil", &format!("{}/{}", permit.workspace(), matchers.join(",")), now, count);
    tx.execute(
        "INSERT INTO silences (id, workspace, matchers, starts_at, ends_at, every, comment, created_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &params![
            &id,
            permit.workspace(),
            json!(matchers).to_string(),
            new.starts_at,
            new.ends_at,
            new.every.map(|every| every.0),
            comment,
            permit.actor(),
            now
        ],
    )?;
    let details = json!({ "matchers": matchers, "from": new.starts_at, "to": new.ends_at, "comment": comment });
    audit::record(tx, &Event::done(permit, now, "silence.create", format!("silence/{id}")).details(details))?;
    get(tx, &permit.read(), &id)
}

/// Ends a silence.
///
/// # Errors
/// `NotFound` when there is none, `Conflict` when it has ended.
pub fn expire(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<Silence> {
    if get(tx, &permit.read(), id)?.is_over(now) {
        return Err(Error::new(ErrorCode::Conflict, "the silence has ended already"));
    }
    tx.execute("UPDATE silences SET expired_at = $2 WHERE id = $1", &params![id, now])?;
    audit::record(tx, &Event::done(permit, now, "silence.expire", format!("silence/{id}")))?;
    get(tx, &permit.read(), id)
}

const COLUMNS: &str = "id, matchers, starts_at, ends_at, every, comment, created_by, created_at, expired_at";

fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Silence> {
    let sql = format!("SELECT {COLUMNS} FROM silences WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?;
    from_row(&row.ok_or_else(|| Error::not_found("silence", id.escape_debug()))?)
}

/// The newest silences.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, limit: usize) -> Result<Vec<Silence>> {
    let sql = format!("SELECT {COLUMNS} FROM silences WHERE workspace = $1 ORDER BY created_at DESC, id LIMIT $2");
    tx.query(&sql, &params![permit.workspace(), limit])?.iter().map(from_row).collect()
}

/// The silences that are silent at `now`, or may come back.
pub(crate) fn standing(tx: &mut Tx<'_>, permit: &Permit<Read>, now: Timestamp) -> Result<Vec<Silence>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM silences WHERE workspace = $1 AND expired_at IS NULL AND starts_at <= $2 \
         AND (every IS NOT NULL OR ends_at > $2) ORDER BY created_at DESC, id LIMIT $3"
    );
    tx.query(&sql, &params![permit.workspace(), now, CONSIDERED])?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Silence> {
    let matchers: Vec<String> = serde_json::from_str(&row.get::<String>("matchers")?).map_err(Error::internal)?;
    Ok(Silence {
        id: row.get("id")?,
        matchers: matchers.iter().map(|text| Matcher::parse(text)).collect::<Result<_>>()?,
        starts_at: row.get("starts_at")?,
        ends_at: row.get("ends_at")?,
        every: row.get::<Option<i64>>("every")?.map(Duration),
        comment: row.get("comment")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        expired_at: row.get("expired_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(matcher: &str) -> bool {
        let labels = [("kind", "drift"), ("subject", "dep_delay"), ("loop", "flights")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Matcher::parse(matcher).unwrap().matches(&labels)
    }

    #[test]
    fn matchers_are_those_of_alertmanager() {
        for yes in
            ["kind=drift", "kind = \"drift\"", "kind!=page", "subject=~dep_.*", "loop!~\"x|y\"", "team=", "team!=a"]
        {
            assert!(hit(yes), "{yes}");
        }
        for no in ["kind=page", "kind!=drift", "subject=~dep", "subject!~\"dep.*\"", "team=a"] {
            assert!(!hit(no), "{no}");
        }
        for bad in ["", "kind", "=x", "a b=c", "subject=~(", "subject=~\"(a{9999}){9999}\"", &"k=v".repeat(1000)] {
            assert!(Matcher::parse(bad).is_err(), "{bad}");
        }
        for text in ["kind=\"drift\"", "kind!=\"a\"", "s=~\"x.*\"", "s!~\"y\""] {
            assert_eq!(Matcher::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn maintenance_comes_back() {
        let silence = Silence {
            id: "s".into(),
            matchers: Vec::new(),
            starts_at: Timestamp(1000),
            ends_at: Timestamp(1100),
            every: Some(Duration(500)),
            comment: String::new(),
            created_by: String::new(),
            created_at: Timestamp(0),
            expired_at: None,
        };
        for (at, until) in [(999, None), (1000, Some(1100)), (1099, Some(1100)), (1100, None), (1560, Some(1600))] {
            assert_eq!(silence.until(Timestamp(at)), until.map(Timestamp), "{at}");
        }
        let once = Silence { every: None, ..silence.clone() };
        assert!(
            once.until(Timestamp(1560)).is_none() && once.is_over(Timestamp(1100)) && !silence.is_over(Timestamp(9999))
        );
        assert!(Silence { expired_at: Some(Timestamp(1050)), ..silence }.until(Timestamp(1560)).is_none());
    }
}
