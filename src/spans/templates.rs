use std::{borrow::Cow, fmt, sync::Arc};

use http::{Method, Uri};

use super::TemplateError;

/// Which path template a request has, by its method and path.
///
/// [`genesys::templates`](crate::genesys::templates) knows the operations of the Genesys Cloud API
/// that are in [its table](crate::genesys::Operation), about half of them; others are added. A
/// request that fits none has no template, rather than one with ids in it.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys;
///
/// let templates = genesys::templates()
///     .and(Method::GET, "/api/v2/users/{id}")?
///     .and(Method::GET, "/internal/tenants/{tenant}/state")?;
/// let template = |path: &str| templates.find(&Method::GET, &path.parse().unwrap());
/// assert_eq!(template("/api/v2/users/7").as_deref(), Some("/api/v2/users/{id}"));
/// assert_eq!(template("/api/v2/users").as_deref(), Some("/api/v2/users"));
/// assert_eq!(template("/internal/tenants/acme/keys"), None);
/// # Ok::<(), tower_genesys::spans::TemplateError>(())
/// ```
#[derive(Clone, Default)]
pub struct Templates {
    own: Arc<Vec<(Method, Box<str>)>>,
    known: Option<Known>,
}

/// A table that knows templates.
pub(crate) type Known = fn(&Method, &Uri) -> Option<Cow<'static, str>>;

impl Templates {
    pub(crate) fn over(known: Known) -> Self {
        Self {
            own: Arc::default(),
            known: Some(known),
        }
    }

    /// Without any table: nothing but what is added.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a template for paths of this method. `{}`, or a name in braces, stands for one segment.
    /// Templates that were added go before the table, and earlier ones before later ones.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] if the template does not begin with `/`, has a query or a fragment, or
    /// braces in a way that no path could fit.
    pub fn and(mut self, method: Method, template: &str) -> Result<Self, TemplateError> {
        check(template).map_err(|reason| TemplateError::new(template, reason))?;
        Arc::make_mut(&mut self.own).push((method, template.into()));
        Ok(self)
    }

    /// The template of a request.
    pub fn find(&self, method: &Method, uri: &Uri) -> Option<Cow<'static, str>> {
        let path = uri.path();
        let fits = |own: &&(Method, Box<str>)| own.0 == *method && fits(&own.1, path);
        match self.own.iter().find(fits) {
            Some((_, template)) => Some(Cow::Owned(template.to_string())),
            None => self.known?(method, uri),
        }
    }
}

fn check(template: &str) -> Result<(), &'static str> {
    if !template.starts_with('/') {
        return Err("fits no path; it has to begin with `/`");
    }
    if template.contains(['?', '#']) {
        return Err("has a query or a fragment, which may hold ids; leave it out");
    }
    if template.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
        return Err("holds characters that no path has; percent-encode them");
    }
    let is_odd = |segment: &str| segment.contains(['{', '}']) && !is_id(segment);
    match template.split('/').any(is_odd) {
        true => Err("has braces that are not around a whole segment; write `/{id}/`"),
        false => Ok(()),
    }
}

fn is_id(segment: &str) -> bool {
    let inner = segment
        .strip_prefix('{')
        .and_then(|it| it.strip_suffix('}'));
    inner.is_some_and(|name| !name.contains(['{', '}']))
}

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
            assert_eq!(error.template(), bad);
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
