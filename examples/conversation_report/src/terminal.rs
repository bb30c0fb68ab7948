use std::io::{self, ErrorKind, Write};

use console::Term;

use crate::failure::{Code, Failure};

/// Writes a text to the standard output.
///
/// `print!` panics when its reader is gone, as after `| head`.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    write(&mut io::stdout().lock(), text)
}

fn write(output: &mut impl Write, text: &str) -> Result<(), Failure> {
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::new(Code::Unread, "")),
        Err(error) => {
            let message = "the standard output cannot be written";
            Err(Failure::new(Code::Failed, message).because(error))
        }
    }
}

/// Writes a line to the standard error, unless its reader is gone.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// How many columns the standard output has, if it is a terminal.
pub(crate) fn columns() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(columns.into())
}

/// `1 page`, `2 pages`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_nobody_reads_is_told_from_one_that_is_full() {
        let code = |kind| write(&mut Broken(kind), "text").unwrap_err().code();
        assert_eq!(code(ErrorKind::BrokenPipe), Code::Unread);
        assert_eq!(code(ErrorKind::StorageFull), Code::Failed);
        assert_eq!(count(1, "page", "pages"), "1 page");
        assert_eq!(count(0, "page", "pages"), "0 pages");
    }
}
