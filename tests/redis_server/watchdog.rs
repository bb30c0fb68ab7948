use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Kills a process when this program ends in a way that runs no destructor, and
/// takes its directory away. Dropped before the process is waited for, it does
/// nothing.
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    pub(super) fn over(process: u32, directory: &Path) -> Self {
        let mut shell = Command::new("sh");
        // Its input ends with this program. Signals to the whole group, as by
        // Ctrl-C, are not for it.
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
