//! The form of token requests: the settings of a [`Dialect`], and the
//! parameters of a request.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// The form of token requests for a token endpoint other than Genesys Cloud's:
/// a gateway, or another OAuth 2.0 server.
///
/// Pass it to [`OrgBuilder::dialect`](crate::genesys::OrgBuilder::dialect), or
/// to `with_dialect` of a grant.
///
/// # Default
///
/// The form that Genesys Cloud accepts: id and secret by HTTP Basic, not
/// encoded further; tokens of the type `bearer` (in any case, or unstated); and
/// `tower-genesys/` with the crate's version as `User-Agent`.
///
/// ```
/// use tower_genesys::genesys::grants::{ClientAuthentication, Dialect};
///
/// let gateway = Dialect::new()
///     .with_client_authentication(ClientAuthentication::Post)
///     .with_token_type("JWT");
/// assert_ne!(gateway, Dialect::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    client_authentication: ClientAuthentication,
    /// Accepted besides `bearer`.
    token_types: Vec<Box<str>>,
    user_agent: HeaderValue,
}

/// How a client with a secret authenticates (RFC 6749, section 2.3.1).
/// [`Dialect`] has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// HTTP Basic with id and secret not encoded further, like Genesys Cloud's
    /// official SDKs.
    #[default]
    Basic,
    /// HTTP Basic with id and secret form-encoded first, as RFC 6749 states. It
    /// differs from [`Basic`](Self::Basic) if they hold characters other than
    /// letters, digits and `-._*`.
    FormEncodedBasic,
    /// `client_id` and `client_secret` in the form (`client_secret_post`), and
    /// no `Authorization`.
    Post,
}

impl Dialect {
    /// Returns the form that Genesys Cloud accepts.
    pub const fn new() -> Self {
        const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        Self {
            client_authentication: ClientAuthentication::Basic,
            token_types: Vec::new(),
            user_agent: HeaderValue::from_static(USER_AGENT),
        }
    }

    /// Sets how id and secret are sent. Default:
    /// [`ClientAuthentication::Basic`].
    ///
    /// A client without a secret
    /// ([`AuthorizationCode::public`](super::AuthorizationCode::public)) sends
    /// its id in the form in any case.
    #[must_use]
    pub const fn with_client_authentication(mut self, way: ClientAuthentication) -> Self {
        self.client_authentication = way;
        self
    }

    /// Accepts this token type, in any case, besides `bearer`. Default:
    /// `bearer` only.
    ///
    /// The token is sent as `Authorization: Bearer`, whatever its type.
    #[must_use]
    pub fn with_token_type(mut self, name: impl Into<Box<str>>) -> Self {
        self.token_types.push(name.into());
        self
    }

    /// Sets the `User-Agent` of token requests. Default: `tower-genesys/` and
    /// the crate's version.
    ///
    /// Firewalls in front of a token endpoint often refuse requests without
    /// one.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    pub(super) fn client_authentication(&self) -> ClientAuthentication {
        self.client_authentication
    }

    pub(super) fn user_agent(&self) -> &HeaderValue {
        &self.user_agent
    }

    /// Reports whether a token of this type is sent as a bearer token.
    pub(super) fn is_bearer(&self, token_type: &str) -> bool {
        let mut others = self.token_types.iter();
        token_type.eq_ignore_ascii_case("bearer")
            || others.any(|name| token_type.eq_ignore_ascii_case(name))
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::new()
    }
}

/// Names and values of the parameters of one request, not yet encoded.
pub(super) type Form<'a> = Vec<(&'a str, &'a str)>;

/// The form parameters that a user adds to a grant, each name once. They may
/// hold secrets, so they have no `Debug`.
#[derive(Default)]
pub(super) struct Parameters(Vec<(Box<str>, SecretString)>);

impl Parameters {
    /// Sets a parameter. A second value for a name replaces the first.
    pub(super) fn add(&mut self, name: String, value: SecretString) {
        self.0.retain(|(known, _)| **known != *name);
        self.0.push((name.into(), value));
    }

    /// Returns names and values sorted by name, whatever the order in which
    /// they were added.
    pub(super) fn sorted(&self) -> Form<'_> {
        let mut sorted: Vec<_> = { self.0.iter() }
            .map(|(name, value)| (&**name, value.expose_secret()))
            .collect();
        sorted.sort_unstable();
        sorted
    }

    /// Encodes the form with these parameters added. Servers refuse a repeated
    /// parameter (RFC 6749, section 3.2), so the grant's own parameters win.
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
