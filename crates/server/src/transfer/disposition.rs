//! The name under which a browser saves a file (RFC 6266 and RFC 5987).

use std::fmt::Write;

/// `attachment`, with the name: as a token or quoted, and for other letters than ASCII also percent-encoded.
pub(super) fn attachment(name: &str) -> String {
    let simple: String = name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut value = if !simple.is_empty() && simple.bytes().all(is_token) {
        format!("attachment; filename={simple}")
    } else {
        format!("attachment; filename=\"{}\"", simple.replace('\\', "\\\\").replace('"', "\\\""))
    };
    if !name.is_ascii() {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            let _infallible = match byte {
                byte if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) => {
                    write!(value, "{}", char::from(byte))
                }
                byte => write!(value, "%{byte:02X}"),
            };
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_encoded_as_they_need() {
        assert_eq!(attachment("MLmodel"), "attachment; filename=MLmodel");
        assert_eq!(attachment("a b.txt"), "attachment; filename=\"a b.txt\"");
        assert_eq!(attachment("a\";x=\"b"), "attachment; filename=\"a\\\";x=\\\"b\"");
        assert_eq!(
            attachment("été 1.bin"),
            "attachment; filename=\"_t_ 1.bin\"; filename*=UTF-8''%C3%A9t%C3%A9%201.bin"
        );
    }
}
