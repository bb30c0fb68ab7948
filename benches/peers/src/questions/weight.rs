//! How large is the crate? Crates in the tree, seconds of a clean build, bytes
//! of code. It runs cargo with sources that are already on this machine.

use std::{env, fs, path::Path, process::Command, time::Instant};

use super::Counted;
use crate::{
    counts::{Count, Meter},
    measure::{Effort, Rounds},
    section::Section,
};

const NONE: &[&str] = &["--no-default-features"];
const ALL: &[&str] = &["--all-features"];

/// The root of tower-genesys.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub fn counts(_meter: Meter) -> Vec<Count> {
    Vec::new()
}

/// Returns nothing: the numbers do not vary, so the table itself builds and
/// counts.
pub fn sample(_effort: Effort) -> Vec<Rounds> {
    Vec::new()
}

pub fn table(_measured: &[Rounds], _counted: &Counted) -> Section {
    let library = [("no features", NONE), ("all features", ALL)];
    let mut rows: Vec<_> = library
        .map(|(name, features)| library_row(name, features))
        .into();
    rows.extend(program_rows());
    Section {
        name: "weight",
        columns: vec![
            "",
            "crates in the tree",
            "seconds to build",
            "KiB of program, stripped",
        ],
        rows,
        goals: Vec::new(),
    }
}

fn cargo(arguments: &[&str], directory: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("--locked").args(arguments).current_dir(directory);
    cargo
}

fn library_row(name: &str, features: &[&str]) -> Vec<String> {
    let mut tree = cargo(
        &["tree", "--edges=normal", "--prefix=none", "--no-dedupe"],
        ROOT,
    );
    let output = tree.args(features).output().expect("cargo tree runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut crates: Vec<_> = text
        .lines()
        .filter_map(|line| line.split(" (").next())
        .collect();
    crates.sort_unstable();
    crates.dedup();
    let seconds = seconds(|target| {
        let mut build = cargo(
            &["build", "--release", "--lib", "--quiet", "--target-dir"],
            ROOT,
        );
        build.arg(target).args(features);
        build
    });
    // The first line is the crate itself.
    let crates = crates.len() - 1;
    vec![
        format!("library, {name}"),
        crates.to_string(),
        format!("{seconds:.0}"),
        "".into(),
    ]
}

/// The time of this build in an empty target directory.
fn seconds(build: impl Fn(&Path) -> Command) -> f64 {
    let target = env::temp_dir().join(format!("weight-{}", std::process::id()));
    let start = Instant::now();
    let built = build(&target).status().is_ok_and(|status| status.success());
    let time = start.elapsed().as_secs_f64();
    let _ = fs::remove_dir_all(&target);
    assert!(built, "the library builds");
    time
}

fn program_rows() -> Vec<Vec<String>> {
    let bare = size("weight-bare", &[]);
    let row = |name: &str, size: u64| {
        let more = (size - bare) / 1024;
        vec![
            name.into(),
            "".into(),
            "".into(),
            format!("{} (+{more})", size / 1024),
        ]
    };
    let no_features = size("weight-layers", &[]);
    let default = size("weight-layers", &["--features=hyper"]);
    let more = size("weight-layers", &["--features=more"]);
    let all = size("weight-layers", &["--features=all"]);
    vec![
        row("program with hyper-util's client alone", bare),
        row("the same with the four layers, no features", no_features),
        row("the same, default features", default),
        row("the same, with `tower` and `metrics`", more),
        row("the same, all features", all),
    ]
}

/// The size of the program, built beside this one and stripped.
fn size(package: &str, features: &[&str]) -> u64 {
    let this = env::current_exe().expect("a path");
    let target = this.ancestors().nth(2).expect("target/release/report");
    let mut build = cargo(
        &["build", "--release", "--quiet", "-p", package],
        env!("CARGO_MANIFEST_DIR"),
    );
    let strip = "--config=profile.release.strip=true";
    build
        .args(features)
        .arg(strip)
        .arg("--target-dir")
        .arg(target.join("weight"));
    assert!(
        build.status().is_ok_and(|status| status.success()),
        "{package} builds"
    );
    let program = target.join("weight/release").join(package);
    fs::metadata(program).map_or(0, |metadata| metadata.len())
}
