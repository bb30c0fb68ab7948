use std::{borrow::Cow, fmt, sync::Arc};

use http::{Method, Uri};

use crate::config_error::{ConfigError, ConfigErrorKind};

/// Path templates, looked up by method and path.
///
/// [`genesys::templates`](crate::genesys::templates) has the operations of [the
/// table](crate::genesys::Operation), about half of those of the Genesys Cloud
/// API. Add others by [`and`](Self::and). If no template matches a request,
/// its span has none, so ids never become labels.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys;
///
/// let templates = genesys::templates()
///     .and(Method::GET, "/api/v2/users/{id}")?
///     .and(Method::GET, "/internal/tenants/{tenant}/state")?;
/// let template = |path: &str| {
///     templates.find(&Method::GET, &path.parse().unwrap())
/// };
/// let user = template("/api/v2/users/7");
/// assert_eq!(user.as_deref(), Some("/api/v2/users/{id}"));
/// assert_eq!(template("/api/v2/users").as_deref(), Some("/api/v2/users"));
/// assert_eq!(template("/internal/tenants/acme/keys"), None);
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Templates {
    /// The templates that the program added, in order.
    own: Arc<Vec<(Method, Box<str>)>>,
    /// The table of an API.
    known: Option<Known>,
}

/// A lookup in a table of templates.
pub(crate) type Known = fn(&Method, &Uri) -> Option<Cow<'static, str>>;

impl Templates {
    /// Creates a set over the table of an API.
    pub(crate) fn over(known: Known) -> Self {
        Self {
            own: Arc::default(),
            known: Some(known),
        }
    }

    /// Creates an empty set of templates, without the table of the API.
    ///
    /// ```
    /// use http::{Method, Uri};
    /// use tower_genesys::spans::Templates;
    ///
    /// let templates = Templates::none()
    ///     .and(Method::GET, "/tenants/{id}/state")?;
    /// let uri = Uri::from_static("https://gw.example/tenants/acme/state");
    /// let found = templates.find(&Method::GET, &uri);
    /// assert_eq!(found.as_deref(), Some("/tenants/{id}/state"));
    /// assert_eq!(templates.find(&Method::PUT, &uri), None);
    /// # Ok::<(), tower_genesys::genesys::ConfigError>(())
    /// ```
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a template for paths of this method. `{}`, or a name in braces,
    /// matches one segment that is not empty.
    ///
    /// Added templates take precedence over the table, and earlier ones over
    /// later ones.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Template`] if the template does not begin with `/`,
    /// contains a query, a fragment or characters that a path cannot have, or
    /// has braces around part of a segment.
    pub fn and(mut self, method: Method, template: &str) -> Result<Self, ConfigError> {
        check(template).map_err(|reason| {
            let message = format!("the template {template:?} {reason}");
            ConfigError::new(ConfigErrorKind::Template, message)
        })?;
        Arc::make_mut(&mut self.own).push((method, template.into()));
        Ok(self)
    }

    /// Returns the template of a request, or `None` if none matches.
    pub fn find(&self, method: &Method, uri: &Uri) -> Option<Cow<'static, str>> {
        let path = uri.path();
        let fits = |own: &&(Method, Box<str>)| own.0 == *method && fits(&own.1, path);
        // Added templates come first, so that a gateway's paths win over the
        // API's.
        match self.own.iter().find(fits) {
            Some((_, template)) => Some(Cow::Owned(template.to_string())),
            None => self.known?(method, uri),
        }
    }
}

/// Returns why a template is invalid.
fn check(template: &str) -> Result<(), &'static str> {
    if !template.starts_with('/') {
        return Err("matches no path: it must begin with `/`");
    }
    if template.contains(['?', '#']) {
        return Err("contains a query or a fragment, which may contain ids: remove it");
    }
    if template.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
        return Err("contains characters that a path cannot have: percent-encode them");
    }
    let is_odd = |segment: &str| segment.contains(['{', '}']) && !is_id(segment);
    match template.split('/').any(is_odd) {
        true => {
            Err("has braces around part of a segment: put them around all of it, as in `/{id}/`")
        }
        false => Ok(()),
    }
}

/// Returns whether a segment stands for an id: a name in braces, or `{}`.
fn is_id(segment: &str) -> bool {
    let inner = segment
        .strip_prefix('{')
        .and_then(|it| it.strip_suffix('}'));
    inner.is_some_and(|name| !name.contains(['{', '}']))
}

/// Returns whether a path matches a template, segment by segment.
fn fits(template: &str, path: &str) -> bool {
    let mut path = path.split('/');
    let fits = template.split('/').all(|wanted| {
        let segment = path.next();
        segment.is_some_and(|segment| match is_id(wanted) {
            true => !segment.is_empty(),
            false => segment == wanted,
        })
    });
    fits && path.next().is_none()
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates")
            .field("own", &self.own)
            .field("table", &self.known.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_its_paths_and_no_others() {
        let templates = Templates::none().and(Method::GET, "/a/{id}/b").unwrap();
        let found = |method, path: &str| templates.find(method, &path.parse().unwrap()).is_some();
        for path in ["/a/7/b", "/a/{id}/b", "/a/7/b?token=x", "https://h/a/7/b"] {
            assert!(found(&Method::GET, path), "{path}");
        }
        for path in ["/a//b", "/a/7", "/a/7/b/", "/a/7/b/c", "/A/7/b", "/"] {
            assert!(!found(&Method::GET, path), "{path}");
        }
        assert!(!found(&Method::PUT, "/a/7/b"));
    }

    #[test]
    fn what_is_no_template_is_an_error_that_shows_it() {
        for bad in [
            "",
            "a/{}",
            "/a?b={}",
            "/a#b",
            "/a/{id",
            "/a/x{id}",
            "/a/{{id}}",
            "/a b",
            "/ä",
        ] {
            let error = Templates::none().and(Method::GET, bad).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::Template);
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
