//! From a line of the table to a [`Paging`]: the words that stand in the table
//! for ways of paging, and what each means.

use super::Paging;
use crate::genesys::Operation;

impl Paging {
    /// Returns how an operation pages, by the official API definition, or
    /// `None` if the operation returns no list.
    ///
    /// ```
    /// use http::Method;
    /// use tower_genesys::genesys::{Operation, paging::Paging};
    ///
    /// let of = |method, path: &str| {
    ///     let operation = Operation::find(&method, &path.parse().ok()?)?;
    ///     Paging::of(&operation)
    /// };
    /// let users = Paging::number("pageNumber")
    ///     .with_size("pageSize")
    ///     .with_next_link();
    /// assert_eq!(of(Method::GET, "/api/v2/users"), Some(users));
    ///
    /// let scim = Paging::index("startIndex").with_size("count");
    /// let scim = scim.with_rows("Resources");
    /// assert_eq!(of(Method::GET, "/api/v2/scim/v2/users"), Some(scim));
    ///
    /// let query = Paging::number("pageNumber")
    ///     .with_parameters_at("paging")
    ///     .with_size("pageSize")
    ///     .with_total("totalHits")
    ///     .with_optional_rows()
    ///     .with_full_pages()
    ///     .with_rows("conversations");
    /// let details = "/api/v2/analytics/conversations/details";
    /// let path = format!("{details}/query");
    /// assert_eq!(of(Method::POST, &path), Some(query));
    ///
    /// let job = Paging::token("cursor", "cursor")
    ///     .with_job("jobId", Some("{}"), "{}/results")
    ///     .with_size("pageSize")
    ///     .with_rows("conversations");
    /// let path = format!("{details}/jobs");
    /// assert_eq!(of(Method::POST, &path), Some(job));
    /// ```
    pub fn of(operation: &Operation) -> Option<Self> {
        let (way, size) = match operation.way().split_once('/') {
            Some((way, size)) => (way, Some(size)),
            None => (operation.way(), None),
        };
        let paging = by_word(way)?;
        let paging = match size {
            Some(size) => paging.with_size(size),
            None => paging,
        };
        // `-`: the definition does not name the rows. `.`: the page is an
        // array.
        Some(match operation.rows() {
            "-" => Self {
                rows: None,
                ..paging
            },
            "." => paging.with_rows(""),
            rows => paging.with_rows(rows),
        })
    }

    /// Starts a job for each page. The body that starts it has the number of
    /// the page.
    fn with_job_per_page(mut self) -> Self {
        if let Some(job) = &mut self.job {
            job.per_page = true;
        }
        self
    }
}

/// Returns the way for a word of the table. `definition/generate` writes the
/// same words; a test checks that all of them are here.
fn by_word(way: &str) -> Option<Paging> {
    let cursor = || Paging::token("cursor", "cursor");
    let usage = || Paging::token("after", "cursors.after");
    Some(match way {
        "whole" => Paging::whole(),
        "link" => Paging::link("nextUri"),
        "search" => Paging::verbatim_link("nextPage"),
        "index" => Paging::index("startIndex"),
        "last-row" => Paging::last_row("after"),
        "number" => Paging::number("pageNumber"),
        "number-link" => Paging::number("pageNumber").with_next_link(),
        "number-body" => Paging::number("pageNumber").with_parameters_in_body(),
        "number-body-link" => Paging::number("pageNumber")
            .with_parameters_in_body()
            .with_next_link(),
        // Details queries only: they omit the rows past their end, fill every
        // page, and refuse to go beyond 100,000 rows.
        "number-object" => Paging::number("pageNumber")
            .with_parameters_at("paging")
            .with_size("pageSize")
            .with_total("totalHits")
            .with_optional_rows()
            .with_full_pages(),
        "after-body" => Paging::token("after", "after").with_parameters_in_body(),
        "cursor-body" => cursor().with_parameters_in_body(),
        "cursor" => cursor(),
        "after-cursors" => usage(),
        "job" => cursor().with_job("jobId", Some("{}"), "{}/results"),
        "job-id" => cursor().with_job("id", Some("{}"), "{}/results"),
        // Status and results are one resource, so there is no status path.
        "job-one" => Paging::link("nextUri").with_job("id", None, "{}"),
        "job-execution" => usage().with_job("executionId", None, "{}/results"),
        "job-execution-last" => usage().with_job("executionId", None, "results/{}"),
        "job-page" => Paging::number("pageNumber")
            .with_parameters_in_body()
            .with_size("pageSize")
            .with_job("id", Some("{}"), "{}/results")
            .with_job_per_page(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_known() {
        for operation in Operation::all() {
            let known = Paging::of(&operation).is_some();
            assert_eq!(known, operation.way() != "-", "{operation:?}");
        }
    }
}
