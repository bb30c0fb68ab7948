use std::fmt;

use super::{
    advice,
    error::{ApiError, Condition},
    text::Shown,
};

// Together with the longest advice these stay below the 2000 characters that the module names.
const MOST_CODE: usize = 100;
const MOST_MESSAGE: usize = 500;
const MOST_NESTED: usize = 200;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Genesys API answered {}", self.status().as_u16())?;
        if let Some(code) = self.code() {
            write!(f, " ({})", Shown::new(code, MOST_CODE))?;
        } else if let Some(reason) = self.status().canonical_reason() {
            write!(f, " ({reason})")?;
        }
        if let Some(message) = self.message() {
            let message = message.trim_end_matches('.');
            write!(f, ": {}", Shown::new(message, MOST_MESSAGE))?;
        }
        let nested = self.errors().iter().find_map(Self::message);
        if let Some(nested) = nested {
            let nested = Shown::new(nested.trim_end_matches('.'), MOST_NESTED);
            write!(f, "; the first of {} errors: {nested}", self.errors().len())?;
        }
        if let Condition::Encoded(coding) = self.inner.body {
            write!(
                f,
                " with a body in the encoding `{coding}`, which was not read; have the HTTP client decode \
                 it, or not ask for it"
            )?;
        }
        f.write_str(match self.inner.body {
            Condition::Understood | Condition::Encoded(_) => "",
            Condition::Empty => " with an empty body",
            Condition::Foreign => {
                " with a body that is no error of the API; look at what stands in between (proxy, \
                 gateway)"
            }
            Condition::TooLong => " with a body over the limit, which was not read",
            Condition::Late => " with a body that did not come to its end in time",
            Condition::BrokenOff => ", and the rest of the answer broke off",
        })?;
        advice::write(self, f)?;
        match self.context_id() {
            Some(id) => write!(f, " [correlation id {id}]"),
            None => Ok(()),
        }
    }
}
