use std::fmt;

use copydesk_abi as abi;

/// Why a call failed.
///
/// Every [`std::error::Error`] becomes one with `?`; [`failed`](Self::failed)
/// gives it a code that users can filter dead letters by.
///
/// A failed `process` call is repeated on halves of the batch until the guilty
/// document is found; [`batch`](Self::batch) says that this would not help.
#[derive(Debug, Clone)]
pub struct StageError {
    pub(crate) class: abi::Status,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) retryable: bool,
}

impl StageError {
    /// This call cannot be done. `code` is a short word in kebab case, such as
    /// `bad-markup`; `message` a sentence for the user.
    pub fn failed(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self {
            class: abi::STATUS_FAILED,
            code: code.into(),
            message: message.to_string(),
            retryable: false,
        }
    }

    /// Failed for a reason that lies in no single document.
    pub fn batch(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self {
            class: abi::STATUS_BATCH,
            ..Self::failed(code, message)
        }
    }

    /// Stopped early because [`Docs::time_left`](crate::Docs::time_left) said so.
    #[must_use]
    pub fn cancelled() -> Self {
        Self {
            class: abi::STATUS_CANCELLED,
            ..Self::failed("cancelled", "stopped as the host asked")
        }
    }

    /// Not something that this stage can do.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self {
            class: abi::STATUS_UNSUPPORTED,
            ..Self::failed("unsupported", message)
        }
    }

    /// The same call may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The short word for this failure.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The sentence for the user.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A writer function said no; the host keeps the reason.
    pub(crate) fn refused(call: &'static str, status: abi::Status) -> Self {
        Self {
            class: status,
            code: "refused".to_owned(),
            message: format!("the host refused `{call}`"),
            retryable: false,
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

// Like `anyhow::Error`, it does not implement `Error` itself, which leaves room
// for this conversion.
impl<E: std::error::Error> From<E> for StageError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::failed("error", message)
    }
}

/// Mistakes in the options of a stage, all that `create` could find.
///
/// ```
/// # use copydesk_plugin::Diagnostics;
/// let mut wrong = Diagnostics::new();
/// wrong.error("/targets/0/name", "the name is empty").hint("write the name as articles do");
/// assert!(wrong.into_result().is_err());
/// ```
#[derive(Debug, Default, Clone)]
pub struct Diagnostics {
    pub(crate) items: Vec<Diagnostic>,
    pub(crate) failure: Option<StageError>,
}

/// One mistake; see [`Diagnostics`].
#[derive(Debug, Clone)]
pub struct Diagnostic {
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Diagnostic {
    /// What the user should do.
    pub fn hint(&mut self, hint: impl fmt::Display) -> &mut Self {
        self.hint = hint.to_string();
        self
    }
}

impl Diagnostics {
    /// No mistake yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One mistake; `pointer` is the JSON pointer of the option, such as
    /// `/targets/0/name`; empty = the options as a whole.
    pub fn one(pointer: impl Into<String>, message: impl fmt::Display) -> Self {
        let mut new = Self::new();
        new.error(pointer, message);
        new
    }

    /// Adds a mistake; `pointer` as in [`one`](Self::one).
    pub fn error(
        &mut self,
        pointer: impl Into<String>,
        message: impl fmt::Display,
    ) -> &mut Diagnostic {
        let at = self.items.len();
        self.items.push(Diagnostic {
            pointer: pointer.into(),
            message: message.to_string(),
            hint: String::new(),
        });
        &mut self.items[at]
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.failure.is_none()
    }

    /// `Err` with all mistakes, if there are any.
    ///
    /// # Errors
    /// If one was added.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<StageError> for Diagnostics {
    fn from(failure: StageError) -> Self {
        Self {
            items: Vec::new(),
            failure: Some(failure),
        }
    }
}
