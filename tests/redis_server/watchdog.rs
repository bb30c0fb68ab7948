use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Kills a process and removes its directory if this program ends without
/// running destructors. Dropped before the wait for the process, it does
/// nothing.
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    pub(super) fn over(process: u32, directory: &Path) -> Self {
        let mut shell = Command::new("sh");
        // Its input ends with this program. It ignores signals to the whole
        // group, such as Ctrl-C.
        shell
            .args([
                "-c",
                "trap '' HUP INT TERM; read -r _; kill -9 \"$1\"; rm -rf \"$2\"",
                "watchdog",
            ])
            .arg(process.to_string())
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        Self {
            shell: shell.spawn().expect("a shell"),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
