use super::*;

#[test]
fn has_each_parameter_once_and_encoded() {
    let verifier = PkceVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let url = AuthorizeUrl::new(&Region::US_EAST_1, "id&x=1", "https://app.example/cb?a=b c")
        .with_state(&LoginState::new("st/at+e"))
        .with_pkce(&verifier)
        .with_parameter("org", "first")
        .with_parameter("org", "acme#1");
    assert_eq!(
        url.to_string(),
        "https://login.mypurecloud.com/oauth/authorize?response_type=code&client_id=id%26x%3D1\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db+c&state=st%2Fat%2Be\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &org=acme%231"
    );
    assert!(url.to_string().parse::<http::Uri>().is_ok());
    assert!(!format!("{url:?}").contains("st/at+e"));
    assert!(!url.to_string().contains(verifier.expose()));
}

#[test]
fn a_gateway_keeps_its_prefix() {
    let region = Region::custom("https://gw.example:8443/login", "https://gw.example").unwrap();
    let url = AuthorizeUrl::new(&region, "id", "https://app.example/cb").to_string();
    let start = "https://gw.example:8443/login/oauth/authorize?response_type=code&";
    assert!(url.starts_with(start), "{url}");
}

#[test]
fn a_state_matches_itself_alone() {
    let state = LoginState::new("abc");
    assert!(state.matches("abc"));
    for other in ["", "ab", "abcd", "abd", "bbc", "ABC"] {
        assert!(!state.matches(other), "{other:?}");
    }
    assert!(!LoginState::new("").matches(""));
}

#[test]
fn a_new_state_is_unlike_the_last_and_never_shown() {
    let (state, other) = (
        LoginState::generate().unwrap(),
        LoginState::generate().unwrap(),
    );
    assert_eq!(state.expose().len(), 43);
    assert!(!state.matches(other.expose()));
    assert!(!format!("{state:?}").contains(state.expose()));
}

/// RFC 7636, appendix B.
#[test]
fn the_challenge_is_that_of_the_rfc() {
    let octets = [
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37,
        77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
    ];
    let text = encode(octets);
    assert_eq!(text, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let verifier = PkceVerifier::new(text).unwrap();
    assert_eq!(
        verifier.challenge(),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn a_new_verifier_is_well_formed_unlike_the_last_and_never_shown() {
    let verifier = PkceVerifier::generate().unwrap();
    let other = PkceVerifier::generate().unwrap();
    assert_eq!(verifier.expose().len(), 43);
    assert!(PkceVerifier::new(verifier.expose()).is_ok());
    assert_ne!(verifier.expose(), other.expose());
    assert!(!format!("{verifier:?}").contains(verifier.expose()));
}

#[test]
fn only_43_to_128_unreserved_characters_are_a_verifier() {
    for (text, good) in [
        ("a".repeat(42), false),
        ("~".repeat(43), true),
        ("-._~aZ09".repeat(16), true),
        ("a".repeat(129), false),
        (format!("{}+", "a".repeat(50)), false),
        (format!("{}\n", "a".repeat(50)), false),
        ("ä".repeat(50), false),
    ] {
        let result = PkceVerifier::new(text.clone());
        assert_eq!(result.is_ok(), good, "{text:?}");
        if let Err(error) = result {
            assert!(!format!("{error} {error:?}").contains(&text));
        }
    }
}
