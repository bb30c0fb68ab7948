//! The search for a known cause in a chain of errors.

use std::{error::Error, io};

use super::Class;
use crate::{
    TokenError,
    call::Refused,
    collect::BodyBroken,
    error::{StaleConnection, causes, find},
    replay::ReplayBodyError,
};

/// Returns the class of the outermost known cause, or transient without one.
pub(super) fn classify(error: &(dyn Error + 'static)) -> Class {
    let class = causes(error)
        .find_map(known)
        .unwrap_or(Class::Transient { after: None });
    // A stale connection, anywhere in the chain, explains a transient failure.
    // A cause that says more takes precedence.
    match class {
        Class::Transient { .. } if find::<StaleConnection>(error).is_some() => {
            Class::StaleConnection
        }
        class => class,
    }
}

/// Returns the class of this error itself, if it is known. Its source is not
/// considered.
///
/// The errors of this crate come first: they are final or transient whatever
/// their source is, and their source may be about another request.
fn known(error: &(dyn Error + 'static)) -> Option<Class> {
    // The source may be a connect error of the token request. It would make the
    // API request look unsent, and `Retry` would resend it.
    if error.is::<TokenError>() {
        return Some(Class::Final);
    }
    // A request that was refused before it was sent is refused again.
    if error.is::<Refused>() {
        return Some(Class::Final);
    }
    // The body of the request failed or is gone, and no resend brings it back.
    if error.is::<ReplayBodyError>() {
        return Some(Class::Final);
    }
    // The response had begun, so the request was executed. The source may be an
    // error that otherwise means the opposite.
    if error.is::<BodyBroken>() {
        return Some(Class::Transient { after: None });
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        // Only a connect can be refused, and nothing is sent before it. An
        // error that wraps another one leaves the decision to that one.
        let refused = io.kind() == io::ErrorKind::ConnectionRefused;
        return (refused && io.get_ref().is_none()).then_some(Class::NotSent);
    }
    #[cfg(feature = "tower")]
    if error.is::<tower::timeout::error::Elapsed>() {
        return Some(Class::Transient { after: None });
    }
    #[cfg(feature = "hyper")]
    if let Some(class) = super::transport::classify(error) {
        return Some(class);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::token::TokenErrorKind;

    const TRANSIENT: Class = Class::Transient { after: None };

    #[derive(Debug)]
    struct Wrap<E>(E);

    impl<E> fmt::Display for Wrap<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl<E: Error + 'static> Error for Wrap<E> {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn token_error_is_final_however_deep_and_whatever_its_source() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let token = || TokenError::new(TokenErrorKind::Transport, "no").with_source(refused());
        assert_eq!(classify(&token()), Class::Final);
        assert_eq!(classify(&Wrap(token())), Class::Final);
        assert_eq!(classify(&io::Error::other(Wrap(token()))), Class::Final);
        assert_eq!(
            classify(&io::Error::other(io::Error::other(token()))),
            Class::Final
        );
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, token());
        assert_eq!(classify(&refused), Class::Final);
    }

    #[test]
    fn refused_connection_is_not_sent_other_io_errors_are_transient() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(classify(&refused()), Class::NotSent);
        assert_eq!(classify(&io::Error::other(Wrap(refused()))), Class::NotSent);
        for kind in [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::TimedOut,
        ] {
            assert_eq!(classify(&Wrap(io::Error::from(kind))), TRANSIENT);
        }
    }

    #[test]
    fn unknown_error_is_transient() {
        assert_eq!(classify(&fmt::Error), TRANSIENT);
    }

    #[test]
    fn a_stale_connection_is_one_unless_more_is_known() {
        let stale = |error: io::Error| Wrap(StaleConnection::new(error));
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(classify(&stale(broken)), Class::StaleConnection);
        let refused = io::Error::other(Refused::new(fmt::Error));
        assert_eq!(classify(&stale(refused)), Class::Final);
    }

    #[test]
    fn a_refusal_is_final_whatever_its_reason() {
        let refused = Refused::new(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(classify(&Wrap(refused)), Class::Final);
    }
}
