//! Do the pages of the guide agree with the code?

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const OPERATING: &str = include_str!("../docs/operating.md");

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The variants of a public enum, from its source: outside of the crate, no
/// `match` over it is exhaustive.
fn variants(file: &str, name: &str) -> Vec<String> {
    let text = source(file);
    let head = format!("pub enum {name} {{\n");
    let (_, rest) = text.split_once(&head).expect("the enum is there");
    let (body, _) = rest.split_once("\n}").expect("it has an end");
    let variants: Vec<_> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.trim_end_matches([',', ' ', '{']).to_owned())
        .collect();
    assert!(variants.len() > 1, "{name}: {variants:?}");
    variants
}

/// The first column of the table with this head.
fn column(page: &str, head: &str) -> BTreeSet<String> {
    let mut lines = page
        .lines()
        .skip_while(|line| !(line.starts_with("| ") && cell(line).contains(head)));
    assert!(lines.next().is_some(), "there is no table of {head}");
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| cell(line).trim_matches('`').to_owned())
        .collect()
}

fn cell(line: &str) -> &str {
    line.split('|').nth(1).unwrap_or_default().trim()
}

fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, rest) = page
        .split_once(title)
        .unwrap_or_else(|| panic!("there is no section {title}"));
    rest
}

fn is_documented(file: &str, name: &str, table: BTreeSet<String>) {
    let code: BTreeSet<_> = variants(file, name).into_iter().collect();
    assert_eq!(table, code, "{name} in docs/operating.md and in the code");
}

#[test]
fn operating_explains_every_kind_of_error() {
    for (file, name) in [
        ("token/error_kind.rs", "TokenErrorKind"),
        ("config_error.rs", "ConfigErrorKind"),
        ("genesys/orgs/error.rs", "OrgsErrorKind"),
        ("bearer/origin_error.rs", "OriginErrorKind"),
        ("client/error_kind.rs", "ClientErrorKind"),
        ("genesys/paging/error.rs", "PageErrorKind"),
        ("store/error.rs", "StoreErrorKind"),
        ("store/file/error.rs", "FileStoreErrorKind"),
        ("store/redis/error.rs", "RedisStoreErrorKind"),
        ("genesys/login_file/error.rs", "LoginFileErrorKind"),
        (
            "genesys/grants/authorize/redirect.rs",
            "LoginRedirectErrorKind",
        ),
    ] {
        let section = section(OPERATING, &format!("\n## `{name}`\n"));
        is_documented(file, name, column(section, "kind"));
    }
}

#[test]
fn operating_explains_every_reason_of_a_401_and_of_giving_up() {
    for (file, name) in [
        ("token/provider.rs", "Rejection"),
        ("replay/marks.rs", "Unreplayed"),
        ("retry/outcome.rs", "Stop"),
    ] {
        is_documented(file, name, column(OPERATING, &format!("`{name}`")));
    }
    for event in variants("retry/observer.rs", "RetryEvent<'a>") {
        assert!(OPERATING.contains(&format!("`{event}`")), "{event}");
    }
}

#[test]
fn operating_names_every_metric_and_label() {
    let code = source("metrics/mod.rs");
    let names: BTreeSet<_> = code
        .lines()
        .filter(|line| line.starts_with("pub const "))
        .map(|line| line.split('"').nth(1).expect("a name").to_owned())
        .collect();
    let (_, metrics) = OPERATING.split_once("\n# Metrics\n").expect("a section");
    assert_eq!(column(metrics, "metric"), names);

    let row = |name: &str| {
        let start = format!("| `{name}` |");
        metrics.lines().find(|line| line.starts_with(&start))
    };
    for (constant, label) in labels(&code) {
        let (_, name) = code
            .split_once(&format!("pub const {constant}: &str = \""))
            .expect("the constant is there");
        let name = name.split('"').next().unwrap_or_default();
        let row = row(name).unwrap_or_default();
        assert!(row.contains(&format!("`{label}`")), "{label} of {name}");
    }
    let (_, rules) = metrics.split_once("```yaml").expect("alert rules");
    let rules = rules.split("```").next().unwrap_or_default();
    for name in &names {
        assert!(rules.contains(name), "{name} has an alert rule");
    }
    let queries = queries_of_dashboard();
    for name in &names {
        let shows = |query: &String| query.contains(name);
        assert!(queries.iter().any(shows), "the dashboard shows {name}");
    }
    for query in &queries {
        check_query(query, metrics, &names);
    }
}

fn queries_of_dashboard() -> Vec<String> {
    let dashboard = include_str!("../src/guide/dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array());
    let queries = targets.flatten().map(|target| target["expr"].as_str());
    queries
        .map(|query| query.expect("a query").to_owned())
        .collect()
}

/// Expects that the metric of a query has one of these names, and that the
/// table lists its labels for that metric.
fn check_query(query: &str, table: &str, names: &BTreeSet<String>) {
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let (_, rest) = query.split_once("tower_genesys_").expect("a metric");
    let end = rest.find(|char| !is_name(char)).unwrap_or(rest.len());
    let full = format!("tower_genesys_{}", &rest[..end]);
    let name = full.trim_end_matches("_bucket").trim_end_matches("_count");
    assert!(names.contains(name), "{query}");
    let row = table
        .lines()
        .find(|line| line.starts_with(&format!("| `{name}` |")));
    let grouped = query
        .split("by (")
        .skip(1)
        .filter_map(|it| it.split(')').next());
    let matched = rest[end..]
        .strip_prefix('{')
        .and_then(|it| it.split('}').next());
    let matched = matched.into_iter().flat_map(|it| it.split(','));
    let matched = matched.filter_map(|it| it.split(['=', '!']).next());
    for label in grouped.flat_map(|it| it.split(',')).chain(matched) {
        let label = label.trim();
        let known = label == "le" || row.is_some_and(|row| row.contains(&format!("`{label}`")));
        assert!(known, "{label} in {query}");
    }
}

/// Each label with the constant of its metric.
fn labels(code: &str) -> Vec<(&str, &str)> {
    let calls = ["counter!(", "histogram!("];
    let calls = calls.iter().flat_map(|call| code.split(call).skip(1));
    let pairs: Vec<_> = calls
        .filter_map(|call| call.split(')').next())
        .flat_map(|arguments| {
            let mut arguments = arguments.split(',').map(str::trim);
            let metric = arguments.next().unwrap_or_default();
            arguments
                .filter_map(|label| label.strip_prefix('"')?.split('"').next())
                .map(move |label| (metric, label))
        })
        .collect();
    assert!(pairs.len() > 8, "{pairs:?}");
    pairs
}

#[test]
fn operating_lists_every_log_event_with_its_level_and_fields() {
    let (_, table) = OPERATING.split_once("\n# Log events\n").expect("a section");
    let mut found = 0;
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).expect("a source file");
        for (level, arguments) in events(&text) {
            let message = arguments.split('"').nth(1).expect("a message");
            let row = table
                .lines()
                .find(|line| line.starts_with('|') && line.contains(&format!("| `{message}` |")))
                .unwrap_or_else(|| panic!("{file:?}: `{message}` is not listed"));
            assert!(cell(row).contains(&level), "{message} is {level}");
            for field in fields(&arguments) {
                assert!(row.contains(&format!("`{field}`")), "{field} of {message}");
            }
            found += 1;
        }
    }
    assert!(found > 5, "{found}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The level of each event or span, and its arguments.
fn events(text: &str) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for part in text.split("tracing::").skip(1) {
        let Some((name, rest)) = part.split_once("!(") else {
            continue;
        };
        let level = name.trim_end_matches("_span");
        if !["trace", "debug", "info", "warn", "error"].contains(&level) {
            continue;
        }
        events.push((level.to_uppercase(), rest[..closing(rest)].to_owned()));
    }
    events
}

/// The position of the parenthesis that closes the one before this text.
fn closing(text: &str) -> usize {
    let mut open = 1;
    let end = text.find(|char| {
        open += i32::from(char == '(') - i32::from(char == ')');
        open == 0
    });
    end.expect("the end of the macro")
}

fn fields(arguments: &str) -> Vec<String> {
    let (before, after) = arguments.split_once('"').expect("a message");
    let after = after.split_once('"').map_or("", |(_, after)| after);
    before
        .split(',')
        .chain(after.split(','))
        .filter_map(|field| field.split('=').next())
        .map(|field| field.trim().trim_start_matches(['%', '?']).to_owned())
        .filter(|field| !field.is_empty() && !field.contains(':'))
        .collect()
}

/// The pages of a folder, without their pictures.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = files(folder);
    pages.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

/// docs.rs shows the pictures as data URIs, and the repository shows the files.
#[test]
fn each_picture_is_the_same_as_a_file_and_as_a_data_uri() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let pictures = files(&folder);
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a text");
    let uris = pictures
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it == "uri"));
    let mut found = 0;
    for path in uris {
        let uri = read(path);
        let mut parts = uri.trim_end().split('%');
        let mut svg = parts
            .next()
            .unwrap_or_default()
            .replace("data:image/svg+xml,", "");
        for part in parts {
            let (byte, rest) = part.split_at(2);
            let byte = u8::from_str_radix(byte, 16).expect("two digits");
            svg.push(char::from(byte));
            svg.push_str(rest);
        }
        assert_eq!(svg, read(&path.with_extension("svg")), "{path:?}");
        found += 1;
    }
    assert_eq!(found * 2, pictures.len(), "{pictures:?}");
}

/// `cargo doc` checks the pages that links name, and not the headings.
#[test]
fn every_linked_heading_exists() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |name: &str| {
        let path = docs.join(format!("{name}.md"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    };
    let crate_page: String = source("lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let mut pages: Vec<_> = pages(&docs)
        .iter()
        .map(|path| path.file_stem().and_then(|stem| stem.to_str()))
        .map(|name| name.expect("a name in ASCII"))
        .map(|name| (name.to_owned(), read(name)))
        .collect();
    pages.push(("crate".to_owned(), crate_page));
    let mut found = 0;
    for (from, page) in &pages {
        for link in page.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            let Some((path, heading)) = target.split_once('#') else {
                continue;
            };
            let path = path.trim_start_matches("crate::guide::");
            let path = path.trim_start_matches("guide::");
            let to = if path.is_empty() { from } else { path };
            let Some((_, text)) = pages.iter().find(|(name, _)| name == to) else {
                continue;
            };
            let mut headings = text.lines().filter_map(|line| line.strip_prefix('#'));
            assert!(
                headings.any(|line| slug(line) == heading),
                "{from}: {target}"
            );
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

/// Pages are read in the repository and in the docs, where files of the
/// repository are missing.
#[test]
fn no_page_links_to_a_file_and_the_readme_links_only_to_packaged_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = |path: &Path| {
        let text = fs::read_to_string(path).expect("a page");
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|link| link.split(')').next());
        let is_local = |link: &&str| {
            !["http", "#", "crate"]
                .iter()
                .any(|start| link.starts_with(start))
        };
        links
            .filter(is_local)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    for page in pages(&root.join("docs")) {
        let local = links(&page);
        assert!(local.is_empty(), "{page:?}: {local:?}");
    }
    let manifest = include_str!("../Cargo.toml");
    let include = manifest.lines().find(|line| line.starts_with("include ="));
    let include = include.expect("the files of the package");
    let linked = links(&root.join("README.md"));
    assert!(linked.len() > 5, "{linked:?}");
    for link in linked {
        let first = link.split('/').next().unwrap_or_default();
        // The tests that hold the promises are in the repository only.
        let packed = first == "tests" || include.contains(&format!("\"/{first}\""));
        assert!(packed, "{link}");
        assert!(root.join(&link).exists(), "{link}");
    }
}

/// The text of a link to a test is the test's name.
#[test]
fn each_promise_of_the_readme_names_an_existing_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("a page");
    let promises = section(&readme, "\n## What it promises\n");
    let (promises, _) = promises.split_once("\n## ").expect("another section");
    let rows: Vec<_> = promises
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise |"))
        .collect();
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let mut tests = row.split("[`").skip(1).peekable();
        assert!(tests.peek().is_some(), "no test for {row}");
        for test in tests {
            let (name, rest) = test.split_once("`](").expect("a link");
            let file = rest.split(')').next().unwrap_or_default();
            let text = fs::read_to_string(root.join(file)).expect(file);
            assert!(text.contains(&format!("fn {name}(")), "{name} in {file}");
        }
    }
}

/// The anchor that rustdoc gives a heading.
fn slug(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = |char: &char| char.is_alphanumeric() || [' ', '-', '_'].contains(char);
    heading
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_page_is_a_module_and_in_the_package() {
    let guide = source("guide/mod.rs");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for page in pages(&docs) {
        let name = page.file_name().and_then(|name| name.to_str());
        let name = name.expect("a name in ASCII");
        let included = format!("#[doc = include_str!(\"../../docs/{name}\")]");
        assert!(guide.contains(&included), "{name}");
        let stem = name.trim_end_matches(".md");
        assert!(guide.contains(&format!("[`{stem}`]")), "{name} is listed");
    }
    let manifest = include_str!("../Cargo.toml");
    let include = manifest.lines().find(|line| line.starts_with("include ="));
    assert!(include.is_some_and(|line| line.contains("\"/docs\"")));
}
