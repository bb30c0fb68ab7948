use secrecy::{ExposeSecret, SecretString};

/// The parameters of one request.
pub(super) type Form<'a> = Vec<(&'a str, &'a str)>;

/// What is sent besides what a grant needs.
#[derive(Default)]
pub(super) struct Parameters(Vec<(Box<str>, SecretString)>);

impl Parameters {
    pub(super) fn add(&mut self, name: String, value: SecretString) {
        self.0.retain(|(known, _)| **known != *name);
        self.0.push((name.into(), value));
    }

    /// Names and values in the order of the names, so that it does not matter in which they were
    /// added.
    pub(super) fn sorted(&self) -> Form<'_> {
        let mut sorted: Vec<_> = { self.0.iter() }
            .map(|(name, value)| (&**name, value.expose_secret()))
            .collect();
        sorted.sort_unstable();
        sorted
    }

    /// The form with these added, encoded. A parameter that comes twice is refused (RFC 6749,
    /// section 3.2), so that what the grant sends itself comes first.
    pub(super) fn encode<'a>(&'a self, mut form: Form<'a>) -> String {
        for (name, value) in &self.0 {
            if !form.iter().any(|(known, _)| *known == &**name) {
                form.push((name, value.expose_secret()));
            }
        }
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish()
    }
}
