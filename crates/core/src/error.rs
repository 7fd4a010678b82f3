//! One error type for the whole product: a stable code, a text for the user with the next step, a cause for the log.

use std::error::Error as StdError;
use std::fmt;

/// What a fallible operation of Flyball returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal, $status:literal;)*) => {
        /// The stable, machine-readable kind of an error. Scripts may match on the text; it never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// All codes, for the generated reference.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The text of the code, as it stands in answers and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)* }
            }

            /// The HTTP status that carries this code.
            pub fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// A request or a value is malformed.
    InvalidInput => "invalid_input", 400;
    /// A name, path or id is not in its one accepted form.
    InvalidName => "invalid_name", 400;
    /// The loop file cannot be understood (unknown key, wrong type, bad expression).
    InvalidLoopFile => "invalid_loop_file", 400;
    /// A SQL text cannot be planned or run.
    SqlError => "sql_error", 400;
    /// Data does not have the expected form (schema, broken rows, missing column).
    InvalidData => "invalid_data", 400;
    /// A feature predicts the label suspiciously well or is only known later.
    LabelLeak => "label_leak", 422;
    /// A window, dataset or split has no usable rows.
    EmptyWindow => "empty_window", 422;
    /// The training or holdout rows do not hold both classes.
    ClassVanished => "class_vanished", 422;
    /// A blocking check of a dataset version failed.
    CheckFailed => "check_failed", 422;
    /// A model cannot be loaded or run by any engine at hand.
    UnsupportedModel => "unsupported_model", 422;
    /// The caller has not said who it is.
    Unauthenticated => "unauthenticated", 401;
    /// The caller may not do this.
    Forbidden => "forbidden", 403;
    /// There is no such thing.
    NotFound => "not_found", 404;
    /// The state does not allow this now.
    Conflict => "conflict", 409;
    /// A thing of this name exists already.
    AlreadyExists => "already_exists", 409;
    /// This server does not offer it.
    Unsupported => "unsupported", 501;
    /// A body is in a form that is not understood here.
    UnsupportedMediaType => "unsupported_media_type", 415;
    /// The data folder is in use by another process.
    Locked => "locked", 409;
    /// A worker lost its lease; its effects were discarded.
    Fenced => "fenced", 409;
    /// A named limit was exceeded.
    LimitExceeded => "limit_exceeded", 413;
    /// Too much at once; try again later.
    Overloaded => "overloaded", 429;
    /// A command of the user's failed.
    CommandFailed => "command_failed", 422;
    /// The disk or the store is full.
    StorageFull => "storage_full", 507;
    /// It took longer than the caller allows.
    DeadlineExceeded => "deadline_exceeded", 504;
    /// A store, database or engine did not answer as it should.
    Unavailable => "unavailable", 503;
    /// A defect of Flyball.
    Internal => "internal", 500;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error with a stable code, a public message, an optional next step and an optional cause that is only logged.
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a public message (lower case, no full stop).
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into(), hint: None, cause: None }))
    }

    /// Adds what the user can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause, which is logged and never shown to a client.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Puts words before the message, to say where it happened.
    #[must_use]
    pub fn context(mut self, words: impl fmt::Display) -> Self {
        self.0.message = format!("{words}: {}", self.0.message);
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The public message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do next, when we know it.
    pub fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The whole chain of causes, for the log.
    pub fn cause_text(&self) -> Option<String> {
        let mut source: Option<&(dyn StdError + 'static)> = self.0.cause.as_deref().map(|c| c as _);
        let mut parts = Vec::new();
        while let Some(error) = source {
            parts.push(error.to_string());
            source = error.source();
        }
        (!parts.is_empty()).then(|| parts.join(": "))
    }

    /// A malformed request or value.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message)
    }

    /// There is no `kind` called `name`.
    pub fn not_found(kind: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {kind} '{name}'"))
    }

    /// A defect of ours: the message stays vague, the cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal, "an internal error happened; the log has the cause").cause(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        if let Some(hint) = &self.0.hint {
            write!(f, " (next: {hint})")?;
        }
        if let Some(cause) = self.cause_text() {
            write!(f, " [cause: {cause}]")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|c| c as _)
    }
}
