use http::Method;
use serde_json::Value;

/// One operation a line: method and path, parameters of the query and of the
/// body, the field with the rows, and the other fields of the response.
/// `make operations` writes it.
const SHAPES: &str = include_str!("shapes.txt");

/// The paging parameters and fields of an operation.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Method and path, with blank ids.
    pub(super) name: &'static str,
    query: &'static str,
    body: &'static str,
    rows: &'static str,
    says: &'static str,
}

/// The parts of a request that a list reads.
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

    /// Returns the path, with blank ids.
    pub(super) fn template(&self) -> &'static str {
        self.name.split_once(' ').unwrap_or_default().1
    }

    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.query.split(' ').any(|own| own == parameter)
    }

    pub(super) fn takes_in_body(&self, parameter: &str) -> bool {
        self.body.split(' ').any(|own| own == parameter)
    }

    /// Returns the same shape, with these parameters in the body.
    pub(super) fn taking_in_body(&self, body: &'static str) -> Self {
        Self { body, ..*self }
    }

    /// Returns the field with the rows: `results` if the definition does not
    /// name it.
    pub(super) fn rows(&self) -> &'static str {
        match self.rows {
            "-" => "results",
            rows => rows,
        }
    }

    pub(super) fn says(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.says.split(' ').filter(|field| !field.is_empty())
    }

    /// Returns whether the response to a POST names a job instead of rows.
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
