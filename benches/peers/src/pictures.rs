//! Draws each table of the page as bars, in its own file.
//!
//! A picture is drawn from the table in the page, and not from the samples, so
//! that both always show the same numbers. Next to each picture is a file with
//! its data URI, since docs.rs has no other files than the pages of the crate.

use std::{fmt::Write as _, fs, io, path::Path};

struct Picture {
    section: &'static str,
    title: &'static str,
    /// The columns of the table, and their names in the picture.
    columns: &'static [(usize, &'static str)],
}

const PICTURES: [Picture; 3] = [
    Picture {
        section: "one_request",
        title: "One request in memory: nanoseconds added to the bare service (less is better)",
        columns: &[(2, "")],
    },
    Picture {
        section: "token_hits",
        title: "Token hits on two threads: millions a second (more is better)",
        columns: &[(1, "1 task"), (2, "2 tasks"), (4, "64 tasks")],
    },
    Picture {
        section: "end_to_end",
        title: "Over loopback: thousand requests a second (more is better)",
        columns: &[(1, "HTTP/1.1"), (3, "HTTP/2")],
    },
];

/// A label, and a number for each column.
struct Bars {
    label: String,
    numbers: Vec<f64>,
}

/// Draws all pictures, into the folder `pictures` beside the page.
///
/// # Errors
///
/// When the page has no such table, or nothing can be written.
pub fn draw(page: &Path) -> io::Result<()> {
    for (name, text) in drawn(page)? {
        fs::write(folder(page).join(name), text)?;
    }
    Ok(())
}

/// Returns the files that differ from the page's tables.
///
/// # Errors
///
/// When the page has no such table.
pub fn outdated(page: &Path) -> io::Result<Vec<String>> {
    let is = |name: &String| fs::read_to_string(folder(page).join(name)).unwrap_or_default();
    let mut files = drawn(page)?;
    files.retain(|(name, text)| is(name) != *text);
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn folder(page: &Path) -> std::path::PathBuf {
    page.with_file_name("pictures")
}

fn drawn(page: &Path) -> io::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(page)?;
    let mut files = Vec::new();
    for picture in PICTURES {
        let name = picture.section;
        let lost = || io::Error::other(format!("{} has no table {name}", page.display()));
        let bars = read(&text, &picture).ok_or_else(lost)?;
        let svg = svg(&picture, &bars);
        files.push((format!("{name}.uri"), data_uri(&svg)));
        files.push((format!("{name}.svg"), svg));
    }
    Ok(files)
}

/// Returns the rows with a number in each column, from the first table after
/// the mark of the section.
fn read(page: &str, picture: &Picture) -> Option<Vec<Bars>> {
    let (_, after) = page.split_once(&format!("<!-- measured: {} -->\n", picture.section))?;
    let rows = after
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let bars: Vec<_> = rows.skip(2).filter_map(|row| bars(row, picture)).collect();
    (!bars.is_empty()).then_some(bars)
}

fn bars(row: &str, picture: &Picture) -> Option<Bars> {
    let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
    let number = |(column, _): &(usize, _)| {
        let cell = cells.get(*column)?;
        cell.split(' ').next()?.parse().ok()
    };
    let numbers = picture.columns.iter().map(number).collect::<Option<_>>()?;
    let label = cells.first()?.replace('`', "");
    Some(Bars { label, numbers })
}

const WIDTH: f64 = 790.0;
const LABELS: f64 = 360.0;
const BAR: f64 = 13.0;
const TOP: f64 = 34.0;
/// The colour of our bars, and that of all others.
const COLOURS: [&str; 2] = ["#b7410e", "#7b93a5"];

fn svg(picture: &Picture, rows: &[Bars]) -> String {
    let columns = picture.columns.len() as f64;
    let step = columns * BAR + 9.0;
    let height = TOP + rows.len() as f64 * step + 6.0;
    let most = rows
        .iter()
        .flat_map(|row| &row.numbers)
        .copied()
        .fold(0.0, f64::max);
    let scale = (WIDTH - LABELS - 120.0) / most;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"21\" font-weight=\"bold\">{}</text>\n",
        escaped(picture.title)
    );
    for (number, row) in rows.iter().enumerate() {
        let top = TOP + number as f64 * step;
        let ours = ["BearerLayer", "GenesysLayer", "TokenCache"]
            .iter()
            .any(|it| row.label.contains(it));
        let colour = COLOURS[usize::from(!ours)];
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LABELS - 8.0,
            top + columns * BAR / 2.0 + 4.0,
            escaped(&row.label)
        );
        for (place, (value, (_, name))) in row.numbers.iter().zip(picture.columns).enumerate() {
            let y = top + place as f64 * BAR;
            let long = (value * scale).max(1.0);
            let _ = writeln!(
                out,
                "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{long:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{}</text>",
                BAR - 2.0,
                LABELS + long + 5.0,
                y + BAR - 4.0,
                escaped(&with_column(*value, name))
            );
        }
    }
    out + "</svg>\n"
}

fn with_column(value: f64, column: &str) -> String {
    match column {
        "" => value.to_string(),
        _ => format!("{value} ({column})"),
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

/// A data URI without characters that end a link in Markdown or an attribute in
/// HTML.
fn data_uri(svg: &str) -> String {
    let mut out = String::from("data:image/svg+xml,");
    for byte in svg.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b':'
            | b'='
            | b',' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out + "\n"
}
