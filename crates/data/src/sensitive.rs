//! Values that tell who somebody is, found by their form: what should be masked before it is shown or learned from.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// A kind of value that tells who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitive {
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Numbers of payment cards, with the right check digit.
    Card,
    /// Numbers that a state gives people: of the United States, the United Kingdom, Spain, France, Poland.
    NationalNumber,
    /// Bank accounts (IBAN), with the right check digits.
    BankAccount,
    /// Internet addresses.
    IpAddress,
    /// Names of people.
    PersonName,
}

impl Sensitive {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Sensitive::Email => "e-mail addresses",
            Sensitive::Phone => "telephone numbers",
            Sensitive::Card => "card numbers",
            Sensitive::NationalNumber => "national numbers",
            Sensitive::BankAccount => "bank accounts",
            Sensitive::IpAddress => "IP addresses",
            Sensitive::PersonName => "names of people",
        }
    }
}

/// The share of the values that must have the form: some entries are always empty words.
const ENOUGH: f64 = 0.8;
/// With fewer different values than this a column of names is a column of classes.
const FEWEST_NAMES: usize = 10;

/// Whether a value has a form.
type Is<'a> = &'a dyn Fn(&str) -> bool;

/// What the values of a column tell; `values` are different ones, `numeric` says that they are numbers.
pub(crate) fn find(column: &str, values: &[&str], numeric: bool) -> Option<Sensitive> {
    if values.is_empty() {
        return None;
    }
    let share = |is: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| is(value.trim())).count() as f64 / values.len() as f64 >= ENOUGH
    };
    let words = words(column);
    let named = |hints: &[&str]| hints.iter().any(|hint| words.iter().any(|word| word == hint));
    let is_phone_column = named(&["phone", "telephone", "tel", "mobile", "cell", "fax"]);
    let forms: &[(Sensitive, Is<'_>)] = &[
        (Sensitive::Card, &is_card),
        (Sensitive::NationalNumber, &|text| is_national(text, &named)),
        (Sensitive::Email, &|text| EMAIL.is_match(text)),
        (Sensitive::IpAddress, &|text| text.parse::<std::net::IpAddr>().is_ok()),
        (Sensitive::BankAccount, &is_iban),
        (Sensitive::Phone, &|text| is_phone(text, is_phone_column)),
    ];
    // A number is a card or a national number by its check digit, and a telephone by the name of its column.
    let found = forms
        .iter()
        .filter(|(kind, _)| !numeric || matches!(kind, Sensitive::Card | Sensitive::NationalNumber) || is_phone_column);
    let found = found.into_iter().find(|(_, is)| share(*is)).map(|(kind, _)| *kind);
    found.or_else(|| (!numeric && is_names(&words, values)).then_some(Sensitive::PersonName))
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^@\s]+@[^@\s]+\.[\p{L}]{2,}$"));
static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\+|00)?[0-9(][0-9 ()./-]{5,22}[0-9]$"));
static SSN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d{3})-(\d{2})-(\d{4})$"));
static NINO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]$"));
static PERSON: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\p{Lu}[\p{L}'’.-]*( \p{Lu}[\p{L}'’.-]*){0,3}$"));

/// A pattern of this file.
#[expect(clippy::expect_used, reason = "the patterns stand above and the tests use each")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are valid")
}

/// The words of a column's name: `customerPhone_no` is customer, phone, no.
fn words(column: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in column.chars() {
        let starts = character.is_uppercase() && was_lower;
        if (!character.is_alphanumeric() || starts) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    words
}

/// The digits of a text of digits, spaces and hyphens.
fn digits(text: &str) -> Option<Vec<u32>> {
    let kept: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    kept.iter().map(|c| c.to_digit(10)).collect()
}

/// A number of 13 to 19 digits of a card network, with Luhn's check digit.
fn is_card(text: &str) -> bool {
    let Some(digits) = digits(text).filter(|digits| (13..=19).contains(&digits.len())) else { return false };
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let odd =
        digits.iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit });
    matches!(digits[0], 2..=6) && odd.sum::<u32>() % 10 == 0
}

fn is_national(text: &str, named: &dyn Fn(&[&str]) -> bool) -> bool {
    if let Some(parts) = SSN.captures(text) {
        let area = &parts[1];
        return !matches!(area, "000" | "666") && !area.starts_with('9') && &parts[2] != "00" && &parts[3] != "0000";
    }
    if NINO.is_match(text) {
        return true;
    }
    let digits = digits(text).unwrap_or_default();
    // Eleven or fifteen digits are many things; their check digits alone are right once in ten or a hundred times.
    match digits.len() {
        11 => named(&["pesel", "id", "national", "personal"]) && is_pesel(&digits),
        15 => is_nir(&digits),
        _ => is_dni(text),
    }
}

fn is_pesel(digits: &[u32]) -> bool {
    let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 10 == 0
}

fn is_nir(digits: &[u32]) -> bool {
    let number = |digits: &[u32]| digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(*digit));
    matches!(digits[0], 1 | 2) && 97 - number(&digits[..13]) % 97 == number(&digits[13..])
}

fn is_dni(text: &str) -> bool {
    let Some((number, letter)) = text.split_at_checked(8) else { return false };
    let letters = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let is_right = |number: usize| letters.get(number % 23).is_some_and(|right| letter.as_bytes() == [*right]);
    number.bytes().all(|byte| byte.is_ascii_digit()) && number.parse().is_ok_and(is_right)
}

/// An account of ISO 13616: moved, spelled in digits, and 1 when divided by 97.
fn is_iban(text: &str) -> bool {
    let kept: String = text.chars().filter(|c| *c != ' ').collect();
    let is_plain =
        kept.is_ascii() && (15..=34).contains(&kept.len()) && kept.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_plain || !kept[..2].chars().all(|c| c.is_ascii_uppercase()) {
        return false;
    }
    let moved = kept[4..].chars().chain(kept[..4].chars());
    let rest = moved
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 });
    rest == 1
}

fn is_phone(text: &str, is_phone_column: bool) -> bool {
    let count = text.chars().filter(char::is_ascii_digit).count();
    let is_written_so = text.starts_with('+') || text.starts_with("00") || text.contains(['(', ' ', '-', '/']);
    let is_date = text.len() == 10 && text.matches(['-', '/', '.']).count() == 2;
    (7..=15).contains(&count)
        && PHONE.is_match(text)
        && (is_phone_column || (is_written_so && !is_date && text.starts_with(['+', '(', '0'])))
}

/// First names that are common in many countries.
const FIRST_NAMES: &[&str] = &[
    "james",
    "john",
    "robert",
    "michael",
    "david",
    "william",
    "richard",
    "joseph",
    "thomas",
    "charles",
    "mary",
    "patricia",
    "jennifer",
    "linda",
    "elizabeth",
    "barbara",
    "susan",
    "jessica",
    "sarah",
    "karen",
    "anna",
    "maria",
    "peter",
    "paul",
    "daniel",
    "mark",
    "emma",
    "olivia",
    "sophia",
    "laura",
    "lucas",
    "luis",
    "jose",
    "juan",
    "carlos",
    "ana",
    "pierre",
    "jean",
    "marie",
    "hans",
    "klaus",
    "stefan",
    "andreas",
    "giulia",
    "marco",
    "mohammed",
    "ahmed",
    "fatima",
    "ali",
    "omar",
    "wei",
    "li",
    "ming",
    "yuki",
    "hiroshi",
    "ivan",
    "olga",
    "elena",
    "alice",
    "bob",
    "eva",
    "adam",
    "jan",
    "kate",
    "lisa",
    "julia",
    "george",
    "henry",
    "simon",
    "martin",
    "nina",
    "oliver",
    "jack",
    "emily",
];

/// The share of the values that begin with a common first name, where the column does not say that it holds names.
const KNOWN_NAMES: f64 = 0.3;

fn is_names(words: &[String], values: &[&str]) -> bool {
    let has = |hints: &[&str]| hints.iter().any(|hint| words.iter().any(|word| word == hint));
    let whose = ["first", "last", "full", "given", "family", "customer", "patient", "user", "employee", "person"];
    let says_so = has(&["surname", "firstname", "lastname", "fullname", "forename"])
        || (has(&["name"]) && (words.len() == 1 || has(&whose)));
    let looks = values.iter().filter(|value| PERSON.is_match(value.trim())).count() as f64 / values.len() as f64;
    if values.len() < FEWEST_NAMES || looks < ENOUGH {
        return false;
    }
    let is_known = |value: &&&str| {
        let first = value.split_whitespace().next().unwrap_or_default().to_lowercase();
        FIRST_NAMES.contains(&first.as_str())
    };
    let known = values.iter().filter(is_known).count() as f64 / values.len() as f64;
    says_so && (words.len() > 1 || known > 0.0) || known >= KNOWN_NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(column: &str, values: &[&str]) -> Option<Sensitive> {
        find(column, values, false)
    }

    #[test]
    fn values_are_known_by_their_form() {
        let cases: &[(&str, &[&str], Sensitive)] = &[
            ("contact", &["a.b@example.org", "ü@mail.example.com", "x+y@z.io"], Sensitive::Email),
            ("x", &["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009"], Sensitive::Card),
            ("x", &["123-45-6789", "078-05-1120"], Sensitive::NationalNumber),
            ("x", &["AB123456C", "JG 10 37 59 A"], Sensitive::NationalNumber),
            ("x", &["12345678Z", "00000000T"], Sensitive::NationalNumber),
            ("pesel", &["44051401359"], Sensitive::NationalNumber),
            ("x", &["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"], Sensitive::BankAccount),
            ("x", &["10.0.0.1", "2001:db8::1"], Sensitive::IpAddress),
            ("x", &["+49 30 901820", "(212) 555-0123", "+1-202-555-0177"], Sensitive::Phone),
            ("mobile", &["5550123456", "5550987654"], Sensitive::Phone),
        ];
        for (column, values, kind) in cases {
            assert_eq!(found(column, values), Some(*kind), "{values:?}");
        }
        assert_eq!(find("n", &["4111111111111111", "5500000000000004"], true), Some(Sensitive::Card));
    }

    #[test]
    fn names_are_known_by_their_column_or_by_what_is_common() {
        let people = [
            "Ada L",
            "Grace H",
            "Alan T",
            "Edsger D",
            "Barbara L",
            "Donald K",
            "Tony H",
            "Niklaus W",
            "John B",
            "Ken T",
        ];
        assert_eq!(found("full_name", &people), Some(Sensitive::PersonName));
        let common = [
            "Anna Beck",
            "Paul Ott",
            "Maria Kern",
            "Peter Ax",
            "Ali Can",
            "Eva Roth",
            "Jan Lund",
            "Zoe Q",
            "Uwe P",
            "Lisa V",
        ];
        assert_eq!(found("x", &common), Some(Sensitive::PersonName));
        let airports = ["Newark", "Kennedy", "Boston", "Denver", "Miami", "Tampa", "Austin", "Reno", "Omaha", "Tulsa"];
        assert_eq!(found("airport", &airports), None);
        assert_eq!(found("name", &airports), None);
    }

    #[test]
    fn ordinary_values_are_not_taken_for_people() {
        let cases: &[(&str, &[&str])] = &[
            ("day", &["2024-01-31", "2024-02-01"]),
            ("sku", &["12345678", "87654321"]),
            ("order", &["4111111111111112", "5500000000000005"]),
            ("text", &["see you @ noon", "a@b"]),
            ("version", &["1.2.3", "10.0.1"]),
            ("empty", &[]),
        ];
        for (column, values) in cases {
            assert_eq!(found(column, values), None, "{values:?}");
        }
        assert_eq!(find("distance", &["1400", "1416"], true), None);
    }

    #[test]
    fn names_of_columns_fall_into_words() {
        assert_eq!(words("customerPhone_no"), ["customer", "phone", "no"]);
    }
}
