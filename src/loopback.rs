//! This machine, to which http is allowed when somebody asks for it.

use std::ffi::OsString;

pub(crate) const VARIABLE: &str = "GENESYS_ALLOW_LOOPBACK";

/// Whether the environment allows http to this machine, by a function that looks variables up.
///
/// One rule for organisations and clients: a program that is pointed at a test server by its
/// environment needs both.
pub(crate) fn from_env(look_up: impl Fn(&str) -> Option<OsString>) -> Result<bool, String> {
    match look_up(VARIABLE).as_deref().map(|value| value.to_str()) {
        None => Ok(false),
        Some(Some(value)) if value.trim() == "1" => Ok(true),
        Some(Some(value)) if ["", "0"].contains(&value.trim()) => Ok(false),
        Some(_) => Err(format!(
            "the environment variable {VARIABLE} is neither 1 nor 0; set it to 1 to allow http to this \
             machine, or take it away"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_and_zero_are_understood() {
        for (value, expected) in [
            (None, Some(false)),
            (Some("1"), Some(true)),
            (Some(" 1\n"), Some(true)),
            (Some("0"), Some(false)),
            (Some(""), Some(false)),
            (Some("true"), None),
            (Some("01"), None),
        ] {
            let read = from_env(|name| {
                assert_eq!(name, VARIABLE);
                value.map(OsString::from)
            });
            assert_eq!(read.clone().ok(), expected, "{value:?}");
            assert!(read.is_ok() || read.unwrap_err().contains(VARIABLE));
        }
    }
}
