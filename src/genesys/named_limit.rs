//! Reads which limit a 429 of the API names.

use http::{HeaderMap, StatusCode};

use super::ApiError;
use crate::retry::{LimitScope, NamedLimit};

/// Parts of the key of a limit on the token or its client. All other keys name
/// limits of services.
const OF_ACCOUNT: [&str; 2] = ["token", "client"];
/// The end of a key whose value is the number of requests in a minute.
const PER_MINUTE: &str = "per.minute";

/// Reads the `limit` in the body of a 429.
pub(super) fn read(body: &[u8]) -> Option<NamedLimit> {
    let error = ApiError::parse(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body);
    let limit = error.limit()?;
    let key = limit.key()?;
    let is_of_account = key.split('.').any(|part| OF_ACCOUNT.contains(&part));
    let (scope, name) = match (is_of_account, limit.namespace()) {
        (true, _) => (LimitScope::Account, key.to_owned()),
        (false, Some(namespace)) => (LimitScope::Service, format!("{namespace} {key}")),
        (false, None) => (LimitScope::Service, key.to_owned()),
    };
    // Only a limit per minute is a rate that the throttle can keep.
    let per_minute = limit.value().filter(|_| key.ends_with(PER_MINUTE));
    let per_minute = per_minute.and_then(|value| u32::try_from(value).ok());
    Some(NamedLimit::new(name, scope).with_per_minute(per_minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_limit(limit: &str) -> Option<NamedLimit> {
        read(format!(r#"{{"code":"too.many.requests.retry.after","limit":{limit}}}"#).as_bytes())
    }

    #[test]
    fn a_token_or_client_in_the_key_makes_it_the_accounts() {
        for key in [
            "token.rate.per.minute",
            "client.credentials.token.rate.per.minute",
        ] {
            let limit = format!(r#"{{"key":"{key}","namespace":"platform.api","value":300}}"#);
            let expected = NamedLimit::new(key, LimitScope::Account).with_per_minute(Some(300));
            assert_eq!(read_limit(&limit), Some(expected));
        }
    }

    #[test]
    fn another_key_is_a_services_and_named_with_its_namespace() {
        let limit = r#"{"key":"user.rate.per.minute","namespace":"directory","value":180}"#;
        let name = "directory user.rate.per.minute";
        let expected = NamedLimit::new(name, LimitScope::Service).with_per_minute(Some(180));
        assert_eq!(read_limit(limit), Some(expected));
        let limit = r#"{"key":"tokens.seen"}"#;
        let expected = NamedLimit::new("tokens.seen", LimitScope::Service);
        assert_eq!(read_limit(limit), Some(expected));
    }

    #[test]
    fn only_what_counts_by_the_minute_is_a_rate() {
        let limit = r#"{"key":"token.requests.per.day","value":90000}"#;
        assert_eq!(read_limit(limit).unwrap().per_minute, None);
        let limit = r#"{"key":"token.rate.per.minute","value":99999999999}"#;
        assert_eq!(read_limit(limit).unwrap().per_minute, None);
    }

    #[test]
    fn what_names_no_limit_is_none() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"limit":7}"#,
            r#"{"limit":{"value":1}}"#,
            "[1",
            "\u{0}",
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
