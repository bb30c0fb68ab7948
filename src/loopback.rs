//! The switch that allows http to this machine.

use std::ffi::OsString;

/// The name of the environment variable.
pub(crate) const VARIABLE: &str = "GENESYS_ALLOW_LOOPBACK";

/// Returns whether the environment allows http to this machine. `look_up` reads
/// a variable.
///
/// Organisations and clients share the rule, because a program whose
/// environment names a test server needs both.
pub(crate) fn from_env(look_up: impl Fn(&str) -> Option<OsString>) -> Result<bool, String> {
    match look_up(VARIABLE).as_deref().map(|value| value.to_str()) {
        None => Ok(false),
        Some(Some(value)) if value.trim() == "1" => Ok(true),
        // A deployment's template often sets a variable to nothing.
        Some(Some(value)) if ["", "0"].contains(&value.trim()) => Ok(false),
        Some(_) => Err(format!(
            "the environment variable {VARIABLE} is neither 1 nor 0; set it to 1 to allow http to this \
             machine, or unset it"
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
