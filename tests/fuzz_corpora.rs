//! Do the checks of the fuzz targets pass for every file of their corpora?

use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "this file is the library of the fuzz crate")]
mod checks;

use checks::{api_error, region, retry_after, token_response, www_authenticate};

/// The least number of seeds for a target.
const FEWEST: usize = 10;

const TARGETS: [&str; 5] = [
    "api_error",
    "region",
    "retry_after",
    "token_response",
    "www_authenticate",
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn run(target: &str, check: fn(&[u8])) {
    let files = entries(&fuzz().join("corpus").join(target));
    assert!(
        files.len() >= FEWEST,
        "{target} has only {} files",
        files.len()
    );
    for file in files {
        let data = fs::read(&file).expect("a file");
        let held = catch_unwind(|| check(&data));
        assert!(held.is_ok(), "{}", file.display());
    }
}

#[test]
fn api_errors_have_a_limited_size_and_show_no_token() {
    run("api_error", api_error::check);
}

#[test]
fn regions_lead_to_genesys_only() {
    run("region", region::check);
}

#[test]
fn waits_are_never_longer_than_documented() {
    run("retry_after", retry_after::check);
}

#[test]
fn answers_of_the_token_endpoint_become_a_token_or_an_error_without_secrets() {
    run("token_response", token_response::check);
}

#[test]
fn challenges_spare_the_token_only_when_it_is_not_to_blame() {
    run("www_authenticate", www_authenticate::check);
}

#[test]
fn every_target_has_a_corpus_and_runs_here() {
    for folder in ["corpus", "fuzz_targets"] {
        let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        let found: BTreeSet<_> = entries(&fuzz().join(folder))
            .into_iter()
            .filter_map(stem)
            .collect();
        assert_eq!(
            found,
            BTreeSet::from(TARGETS.map(str::to_owned)),
            "{folder}"
        );
    }
}
