use super::Paging;
use crate::genesys::Operation;

impl Paging {
    /// Returns how an operation pages, from the official API definition. `None`
    /// if it answers with no list.
    ///
    /// ```
    /// use http::Method;
    /// use tower_genesys::genesys::{Operation, paging::Paging};
    ///
    /// let users = Operation::find(&Method::GET, &"/api/v2/users".parse()?).expect("a list");
    /// let expected = Paging::number("pageNumber").with_size("pageSize").with_next_link();
    /// assert_eq!(Paging::of(&users), Some(expected));
    /// # Ok::<(), http::uri::InvalidUri>(())
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
        Some(match operation.rows() {
            "-" => paging.with_unknown_rows(),
            "." => paging.with_rows(""),
            rows => paging.with_rows(rows),
        })
    }
}

/// The words of the table, which the command that writes it has too.
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
