use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// How a token endpoint wants to be asked, where it is not Genesys Cloud's own: a gateway in front
/// of it, or another OAuth 2.0 server.
///
/// [`OrgBuilder::dialect`](crate::genesys::OrgBuilder::dialect) takes it, and `with_dialect` of
/// every grant.
///
/// # Default
///
/// What Genesys Cloud takes: id and secret by HTTP Basic as they are, tokens of the type `bearer`
/// (in any case, or unstated), and `tower-genesys/` with the crate's version as `User-Agent`.
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
    token_types: Vec<Box<str>>,
    user_agent: HeaderValue,
}

/// How a client with a secret shows who it is (RFC 6749, section 2.3.1).
///
/// An example: [`Dialect`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// HTTP Basic with id and secret as they are, like the official SDKs of Genesys Cloud.
    #[default]
    Basic,
    /// HTTP Basic with id and secret form-encoded first, as RFC 6749 has it. It differs from
    /// [`Basic`](Self::Basic) where they hold more than letters, digits and `-._*`.
    FormEncodedBasic,
    /// `client_id` and `client_secret` in the form (`client_secret_post`), and no `Authorization`.
    Post,
}

impl Dialect {
    /// Genesys Cloud's own.
    pub const fn new() -> Self {
        const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        Self {
            client_authentication: ClientAuthentication::Basic,
            token_types: Vec::new(),
            user_agent: HeaderValue::from_static(USER_AGENT),
        }
    }

    /// Sets how id and secret are sent. Default: [`ClientAuthentication::Basic`].
    ///
    /// A client without a secret
    /// ([`AuthorizationCode::public`](super::AuthorizationCode::public)) sends its id in the form
    /// in any case.
    #[must_use]
    pub const fn with_client_authentication(mut self, way: ClientAuthentication) -> Self {
        self.client_authentication = way;
        self
    }

    /// Takes tokens of this type, in any case, for bearer tokens too. Default: none but `bearer`.
    ///
    /// The token is sent as `Authorization: Bearer` whatever its type is called.
    #[must_use]
    pub fn with_token_type(mut self, name: impl Into<Box<str>>) -> Self {
        self.token_types.push(name.into());
        self
    }

    /// Sets the `User-Agent` of token requests. Default: `tower-genesys/` and the crate's version.
    ///
    /// Firewalls in front of a token endpoint often refuse requests without one.
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

    /// Whether a token of this type is sent as a bearer token.
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
