use std::{error::Error, fmt};

/// An invalid path template, as returned by
/// [`Templates::and`](super::Templates::and).
///
/// The template matches no path, or it would let ids into the spans. The
/// message quotes it and says how to write it.
///
/// ```
/// use http::Method;
/// use tower_genesys::spans::Templates;
///
/// let error = Templates::none().and(Method::GET, "api/v2/users/{id}").unwrap_err();
/// assert!(error.to_string().contains("begin with `/`"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    template: Box<str>,
    reason: &'static str,
}

impl TemplateError {
    pub(super) fn new(template: &str, reason: &'static str) -> Self {
        Self {
            template: template.into(),
            reason,
        }
    }

    /// Returns the rejected template, unchanged.
    pub fn template(&self) -> &str {
        &self.template
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template {:?} {}", self.template, self.reason)
    }
}

impl Error for TemplateError {}
