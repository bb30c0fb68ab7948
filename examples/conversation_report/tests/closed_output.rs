//! A run whose reader closes the output early, as `| head` does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, as it should"
)]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

const UNREAD: Option<i32> = Some(141);

/// Starts the program in this folder, without variables for Genesys Cloud.
fn start(folder: &Path, args: &[&str]) -> Child {
    start_into(folder, args, Stdio::piped())
}

fn start_into(folder: &Path, args: &[&str], output: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conversation_report"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("GENESYS") {
            command.env_remove(name);
        }
    }
    let command = command.args(args).current_dir(folder);
    command
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The exit code, and the standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn an_output_that_is_closed_at_once_ends_the_run_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&[][..], &["--help"]] {
        // Closed before the program starts, since a short output would fit into
        // the pipe.
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let child = start_into(folder.path(), args, writer.into());
        assert_eq!(end(child), (UNREAD, String::new()), "{args:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_output_that_is_closed_on_the_way_leaves_a_report_in_a_file_of_this_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &["2026-01-05T00:00Z/2026-01-06T00:00Z"]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = [String::new(), String::new()];
    for line in &mut lines {
        output.read_line(line).unwrap();
    }
    assert!(
        lines[1].ends_with("to demo-conversations.csv\n"),
        "{lines:?}"
    );
    drop(output);
    let (code, said) = end(child);
    assert_eq!(code, UNREAD, "{said}");
    assert!(!said.contains("error") && !said.contains("panic"), "{said}");
    let written = fs::read_to_string(folder.path().join("demo-conversations.csv")).unwrap();
    assert!(written.lines().count() > 1000);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and no state"
    );
}

#[test]
fn a_wrong_interval_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in ["yesterday", "2026-01-12T00:00Z/2026-01-05T00:00Z"] {
        let (code, said) = end(start(folder.path(), &[wrong]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(wrong), "{said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
