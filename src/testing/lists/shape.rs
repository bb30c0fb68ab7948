use http::Method;
use serde_json::Value;

/// One operation a line: method and path, parameters of the query, of the body, the field with the
/// rows, and what else the answer says. Written by `make operations`.
const SHAPES: &str = include_str!("shapes.txt");

/// The parameters and fields of an operation that have to do with pages.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Its method and path, with ids left blank.
    pub(super) name: &'static str,
    query: &'static str,
    body: &'static str,
    rows: &'static str,
    says: &'static str,
}

/// A request, as far as a list looks at it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) body: &'a Value,
}

impl Shape {
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        let own = SHAPES.lines().filter_map(|line| {
            let rest = line.strip_prefix(method.as_str())?.strip_prefix(' ')?;
            fits(rest.split('|').next()?, path).then_some(line)
        });
        own.min_by_key(|line| line.matches("{}").count())
            .and_then(Self::read)
    }

    fn read(line: &'static str) -> Option<Self> {
        let [name, query, body, rows, says] = line.split('|').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Self {
            name,
            query,
            body,
            rows,
            says,
        })
    }

    /// The path, with ids left blank.
    pub(super) fn template(&self) -> &'static str {
        self.name.split_once(' ').unwrap_or_default().1
    }

    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.query.split(' ').any(|own| own == parameter)
    }

    pub(super) fn takes_in_body(&self, parameter: &str) -> bool {
        self.body.split(' ').any(|own| own == parameter)
    }

    /// The same, with these parameters in the body.
    pub(super) fn taking_in_body(&self, body: &'static str) -> Self {
        Self { body, ..*self }
    }

    /// Where the rows are; `results` where the definition does not say.
    pub(super) fn rows(&self) -> &'static str {
        match self.rows {
            "-" => "results",
            rows => rows,
        }
    }

    pub(super) fn says(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.says.split(' ').filter(|field| !field.is_empty())
    }

    /// Whether the answer of a POST names a job, and has no rows of its own.
    pub(super) fn starts_job(&self) -> bool {
        let names = ["jobId", "id", "executionId"];
        self.name.starts_with("POST")
            && self.rows == "-"
            && self.says().any(|one| names.contains(&one))
    }
}

fn fits(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    template.split('/').all(|wanted| {
        segments
            .next()
            .is_some_and(|one| one == wanted || wanted == "{}" && !one.is_empty())
    }) && segments.next().is_none()
}
