use std::{error::Error, fmt, io, path::Path, process::ExitCode};

/// Why a run has not completed its report, and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The exit codes in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    Unusable = 3,
    Incomplete = 4,
    Locked = 5,
    /// As of a program that a closed pipe ends: 128 and the number of the
    /// signal.
    Unread = 141,
    Interrupted = 130,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Turns an I/O error into a failure that names the file, for `map_err`.
    pub(crate) fn io<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |error| {
            let message = format!("{} cannot be {what}", path.display());
            Self::new(Code::Failed, message).because(error)
        }
    }

    /// Whether no reader is left for a message.
    pub(crate) fn is_quiet(&self) -> bool {
        self.code == Code::Unread
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

/// The message and its causes. Some causes repeat the text of their own cause.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.message.clone();
        let mut cause = self.source.as_deref().map(|error| error as &dyn Error);
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            cause = error.source();
        }
        f.write_str(&said)
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the page broke off: {}", self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn no_cause_is_told_twice() {
        let failure =
            Failure::new(Code::Failed, "no report").because(Outer(io::Error::other("reset")));
        assert_eq!(failure.to_string(), "no report: the page broke off: reset");
    }
}
