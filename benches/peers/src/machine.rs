//! The machine on which the numbers were taken.

use std::{fs, process::Command};

use crate::section::Section;

pub fn section() -> Section {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let rows = [
        ("CPU", format!("{model}, {cores} cores")),
        ("kernel", said("uname", &["-sr"])),
        ("compiler", said("rustc", &["--version"])),
        ("profile", "cargo's `release`, as it is".into()),
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        (
            "load when it began",
            load.split(' ').next().unwrap_or_default().into(),
        ),
    ];
    Section {
        name: "machine",
        columns: vec!["", ""],
        rows: rows.map(|(what, value)| vec![what.into(), value]).into(),
        goals: Vec::new(),
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    String::from_utf8_lossy(&text).trim().to_owned()
}
