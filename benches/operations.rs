//! What does looking up an operation cost? It happens on slow paths only: after
//! a failure, and before a stream of pages.

use http::{Method, Uri};
use tower_genesys::genesys::{Operation, is_read_only, paging::Paging};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    println!(
        "the table: {} operations, {} bytes",
        Operation::all().count(),
        weight()
    );
    divan::main();
}

/// The text that the lookups search.
fn weight() -> usize {
    include_str!("../src/genesys/operation/table.txt").len()
}

/// A short path, a long one with ids behind a gateway, and an unknown one.
const PATHS: [(&str, &str); 3] = [
    ("GET", "https://api.mypurecloud.com/api/v2/users"),
    (
        "POST",
        "https://gw.example/genesys/api/v2/workforcemanagement/businessunits/6d7d7e58-0d2b-4b8a-8b39-5a1c0a1d0b5e/adherence/adjustments/query",
    ),
    (
        "POST",
        "https://api.mypurecloud.com/api/v2/of/a/newer/definition",
    ),
];

fn request(index: usize) -> (Method, Uri) {
    let (method, uri) = PATHS[index];
    (
        method.parse().expect("a method"),
        uri.parse().expect("a URI"),
    )
}

#[divan::bench(args = [0, 1, 2])]
fn find(bencher: divan::Bencher<'_, '_>, index: usize) {
    let (method, uri) = request(index);
    bencher.bench(|| Operation::find(divan::black_box(&method), divan::black_box(&uri)));
}

#[divan::bench(args = [0, 1, 2])]
fn may_it_be_repeated(bencher: divan::Bencher<'_, '_>, index: usize) {
    let (method, uri) = request(index);
    bencher.bench(|| is_read_only(divan::black_box(&method), divan::black_box(&uri)));
}

#[divan::bench]
fn how_it_pages(bencher: divan::Bencher<'_, '_>) {
    let (method, uri) = request(0);
    let operation = Operation::find(&method, &uri).expect("a list");
    bencher.bench(|| Paging::of(divan::black_box(&operation)));
}
