//! A region leads only to hosts of Genesys Cloud, and a base URL only to its
//! own host.

use http::Uri;
use tower_genesys::{Region, genesys::RegionError};

/// Panics if it does not. The data is a region, or else two base URLs and a
/// path, on a line each.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    region(&text);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (login, api, path) = (line(), line(), line());
    region(login);
    match Region::custom(login, api) {
        Ok(region) => base(&region, path),
        Err(error) => shown(&error, &[login, api]),
    }
}

/// Checks a text as the name of a region.
fn region(text: &str) {
    let region = match Region::parse(text) {
        Ok(region) => region,
        Err(error) => return shown(&error, &[text]),
    };
    let domain = region.domain().expect("a region has a domain");
    let listed = Region::all().contains(&region);
    assert!(listed || domain.ends_with(".pure.cloud"), "{domain:?}");
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    assert!(domain.bytes().all(plain), "{domain:?}");
    assert_eq!(
        region.token_url().to_string(),
        format!("https://login.{domain}/oauth/token")
    );
    assert_eq!(
        region.api_base().to_string(),
        format!("https://api.{domain}/")
    );
    assert_eq!(
        Region::parse(domain).expect("a domain names its region"),
        region
    );
}

/// Checks a region with its own base URLs, and a path below the API's.
fn base(region: &Region, path: &str) {
    let (login, api) = (region.login_base(), region.api_base());
    for base in [&login, &api] {
        assert!(
            matches!(base.scheme_str(), Some("https" | "http")),
            "{base}"
        );
        // Before a path, an `@` would turn the apparent host into a user name.
        let authority = base.authority().expect("a base has a host").as_str();
        assert!(!authority.contains('@'), "{base}");
        assert!(
            base.query().is_none() && !base.to_string().contains(['#', '\\']),
            "{base}"
        );
    }
    let token_url = region.token_url();
    assert_eq!(
        (token_url.scheme(), token_url.authority()),
        (login.scheme(), login.authority())
    );
    assert!(token_url.path().ends_with("/oauth/token"), "{token_url}");
    match region.api(path) {
        Ok(uri) => inside(&uri, &api),
        Err(error) => shown(&error, &[path]),
    }
}

/// Checks that a URI stays inside of a base URL, also after a proxy has decoded
/// it.
fn inside(uri: &Uri, base: &Uri) {
    assert_eq!(
        (uri.scheme(), uri.authority()),
        (base.scheme(), base.authority()),
        "{uri}"
    );
    let prefix = base.path().trim_end_matches('/');
    let rest = uri
        .path()
        .strip_prefix(prefix)
        .expect("the base comes first");
    let plain = rest
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/");
    assert!(plain.starts_with('/') && !plain.starts_with("//"), "{uri}");
    assert!(plain.split('/').all(|segment| segment != ".."), "{uri}");
}

/// Checks that an error is short, and shows no password.
fn shown(error: &RegionError, texts: &[&str]) {
    let shown = format!("{error} {error:?}");
    // The error repeats sixty characters; the longest escape of one has ten.
    assert!(error.to_string().chars().count() < 1000, "{shown}");
    assert!(!shown.contains(|char: char| char.is_control()), "{shown:?}");
    // A text without an `@` has no password, so its parts may be shown.
    let open = |part: &str| {
        texts
            .iter()
            .any(|text| !text.contains('@') && text.contains(part))
    };
    for text in texts.iter().filter(|text| text.contains('@')) {
        for part in text
            .split('@')
            .map(str::trim)
            .filter(|part| part.len() >= 24)
        {
            assert!(open(part) || !shown.contains(part), "{shown}");
        }
    }
}
