//! The query of a path: reads, sets and completes parameters. A parameter that
//! need not change stays as the caller has written it, byte for byte.

use std::borrow::Cow;

use form_urlencoded::{Serializer, parse};

/// Returns the path without its query, which may hold personal search terms.
pub(super) fn without(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// Returns the decoded value of the first parameter with this name.
pub(super) fn value<'a>(path: &'a str, name: &str) -> Option<Cow<'a, str>> {
    pairs(path).find_map(|pair| {
        named(pair)
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value)
    })
}

/// Returns the path with these parameters, in place of those with the same
/// names.
pub(super) fn with<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, String)> + Clone,
) -> String {
    // Names are compared decoded: `page%4eumber` is `pageNumber` for the API.
    let is_set = |pair: &&str| {
        let mut names = parameters.clone().into_iter().map(|(name, _)| name);
        named(pair).is_some_and(|(own, _)| names.any(|name| own == name))
    };
    let kept = pairs(path).filter(|pair| !is_set(pair)).map(str::to_owned);
    let mut all: Vec<_> = kept.collect();
    for (name, value) in parameters.clone() {
        let mut pair = Serializer::new(String::new());
        all.push(pair.append_pair(name, &value).finish());
    }
    joined(without(path), &all)
}

/// Returns the link with those parameters of `own` that it lacks, except for
/// the names in `but`. A repeated parameter is copied with all its values.
pub(super) fn complete(link: &str, own: &str, but: &[&str]) -> String {
    let has = |name: &str| {
        pairs(link)
            .filter_map(named)
            .any(|(known, _)| known == name)
    };
    let lacks =
        |pair: &&str| named(pair).is_some_and(|(name, _)| !but.contains(&&*name) && !has(&name));
    let all: Vec<_> = pairs(link)
        .chain(pairs(own).filter(lacks))
        .map(str::to_owned)
        .collect();
    joined(without(link), &all)
}

/// Joins a path without a query, and `name=value` pairs.
fn joined(path: &str, pairs: &[String]) -> String {
    let mut joined = path.to_owned();
    for (place, pair) in pairs.iter().enumerate() {
        joined.push(if place == 0 { '?' } else { '&' });
        joined.push_str(pair);
    }
    joined
}

/// Returns the pairs of the query as they are written.
fn pairs(path: &str) -> impl Iterator<Item = &str> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty())
}

/// Decodes one pair.
fn named(pair: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    parse(pair.as_bytes()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_replaced_and_the_others_left_as_they_are() {
        let with = |path| {
            with(
                path,
                [("pageNumber", "3".to_owned()), ("a b", "ü&".to_owned())],
            )
        };
        assert_eq!(with("/u"), "/u?pageNumber=3&a+b=%C3%BC%26");
        let set = "/u?pageNumber=1&x=%20+y&page%4eumber=9&x=z";
        assert_eq!(with(set), "/u?x=%20+y&x=z&pageNumber=3&a+b=%C3%BC%26");
        assert_eq!(value(set, "pageNumber").as_deref(), Some("1"));
        assert_eq!(value(set, "y"), None);
        assert_eq!(without(set), "/u");
    }

    #[test]
    fn a_link_gets_what_it_lacks_and_no_position() {
        let own = "/f?type=secure&id=1&id=2&pageNumber=4&pageSize=9&name=a";
        let link = "/f?pageNumber=2&name=b";
        let complete = complete(link, own, &["pageNumber"]);
        assert_eq!(
            complete,
            "/f?pageNumber=2&name=b&type=secure&id=1&id=2&pageSize=9"
        );
    }
}
