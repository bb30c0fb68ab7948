//! The public description of a way of paging, as a builder. `known.rs` builds
//! one from the table; `rule.rs` and `ask.rs` follow it.

use std::borrow::Cow;

use super::way::{By, JobForm, Name, Where};

/// How an operation pages: which parameter or link requests the next page, and
/// which fields of a page describe it.
///
/// [`Pager`](crate::Pager) takes it from the crate's table; [`Paging::of`]
/// shows some of its ways. Describe it yourself, with
/// [`PagedRequest::with_paging`](super::PagedRequest::with_paging), for an
/// operation that the table does not have: one of a newer API definition, or
/// one of a gateway.
///
/// ```
/// # use bytes::Bytes;
/// # use futures_util::StreamExt;
/// # use http_body_util::Full;
/// # use serde_json::{Value, json};
/// # use tower::Layer;
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
/// # use tower_genesys::testing::{MockGenesys, Route};
/// use tower_genesys::genesys::paging::Paging;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::new();
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// # let org = Org::builder(mock.region()).credentials(keys);
/// # let org = org.build(mock.http_client())?;
/// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// # let pager = Pager::new(&org, genesys);
/// # let route = || Route::new(http::Method::POST, "/api/v2/brand/new/search");
/// # let pages = [json!({"hits":[1],"more":"x"}), json!({"hits":[2]})];
/// # for (nth, page) in (1..).zip(pages) {
/// #     mock.on(route()).nth(nth).reply_json(http::StatusCode::OK, page);
/// # }
/// // A token in the body, which each page but the last names in `more`.
/// let paging = Paging::token("cursor", "more")
///     .with_parameters_in_body()
///     .with_rows("hits");
/// let mut pages = pager.post("/api/v2/brand/new/search", json!({}))
///     .with_paging(paging)
///     .pages::<Value>();
/// assert_eq!(pages.next().await.expect("a page")?.rows, [1]);
/// assert_eq!(pages.next().await.expect("a page")?.rows, [2]);
/// assert!(pages.next().await.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # Default
///
/// Each way starts with its parameters in the query, rows in `entities`, and no
/// parameter for the page size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paging {
    pub(super) by: By,
    /// Where the parameters go.
    pub(super) place: Where,
    /// The parameter for the page size.
    pub(super) size: Option<Name>,
    /// The field with the rows; `None` if the definition does not name it, and
    /// the caller must.
    pub(super) rows: Option<Name>,
    /// The field with the total, looked at before the usual ones.
    pub(super) total: Option<Name>,
    /// The field with the number of pages, in place of `pageCount`.
    pub(super) count: Option<Name>,
    /// Whether a page by number names the next one, if there is one. A short
    /// page that names none is then the last.
    pub(super) names_next: bool,
    /// Whether a page without rows omits their field.
    pub(super) optional_rows: bool,
    /// Whether every page but the last has as many rows as were requested. It
    /// also marks details queries: a page size of 100 by default, and a limit
    /// on the total.
    pub(super) full_pages: bool,
    /// The job whose results are the pages, if there is one.
    pub(super) job: Option<JobForm>,
}

impl Paging {
    const fn new(by: By) -> Self {
        Self {
            by,
            place: Where::Query,
            size: None,
            rows: Some(Cow::Borrowed("entities")),
            total: None,
            count: None,
            names_next: false,
            optional_rows: false,
            full_pages: false,
            job: None,
        }
    }

    /// Describes pages by number, counted from 1 in this parameter, such as
    /// `pageNumber`.
    ///
    /// The page whose number is the page count is the last. If pages state no
    /// count, the stream ends when it has all rows of the total. If they state
    /// neither, it ends at the first empty page.
    pub fn number(parameter: impl Into<Name>) -> Self {
        Self::new(By::Number(parameter.into()))
    }

    /// Describes pages by the number of their first row, counted from 1 in this
    /// parameter, such as `startIndex` of SCIM (RFC 7644).
    pub fn index(parameter: impl Into<Name>) -> Self {
        Self::new(By::Index(parameter.into()))
    }

    /// Describes pages by a token, which each page hands to the request for the
    /// next one. `field` of the page has the token, such as `cursors.after`,
    /// and `parameter` of the request takes it, such as `cursor`. A page
    /// without a token is the last.
    pub fn token(parameter: impl Into<Name>, field: impl Into<Name>) -> Self {
        Self::new(By::Token(parameter.into(), field.into()))
    }

    /// Describes pages by a link in this field of the page before, such as
    /// `nextUri`. A page without one is the last.
    ///
    /// If the link lacks a parameter of the caller's query, the pager adds it.
    pub fn link(field: impl Into<Name>) -> Self {
        Self::new(By::Link(field.into()))
    }

    /// Describes pages by a link that has the whole query, such as `nextPage`
    /// of a `q64` search. The pager adds nothing to it.
    pub fn verbatim_link(field: impl Into<Name>) -> Self {
        Self::new(By::Verbatim(field.into()))
    }

    /// Describes pages that are requested by the `id` of the last row before
    /// them, in this parameter. The last page is the first that has fewer rows
    /// than requested. Without a page size, it is the first empty one.
    pub fn last_row(parameter: impl Into<Name>) -> Self {
        Self::new(By::LastRow(parameter.into()))
    }

    /// Describes a list with all rows in one page. If that page names another
    /// one, the stream ends with an error.
    pub fn whole() -> Self {
        Self::new(By::Whole)
    }

    /// Puts the parameters at the top of the body.
    #[must_use]
    pub fn with_parameters_in_body(mut self) -> Self {
        self.place = Where::Body;
        self
    }

    /// Puts the parameters into an object of the body, such as `paging`. The
    /// pager replaces what the object contains.
    #[must_use]
    pub fn with_parameters_at(mut self, field: impl Into<Name>) -> Self {
        self.place = Where::Object(field.into());
        self
    }

    /// Sets the parameter for the page size, such as `pageSize`.
    #[must_use]
    pub fn with_size(mut self, parameter: impl Into<Name>) -> Self {
        self.size = Some(parameter.into());
        self
    }

    /// Sets the field with the rows. `results.entities` means a field of an
    /// object, an empty text that the page itself is an array.
    #[must_use]
    pub fn with_rows(mut self, field: impl Into<Name>) -> Self {
        self.rows = Some(field.into());
        self
    }

    /// Sets the field with the number of all rows.
    ///
    /// # Default
    ///
    /// `total`, `totalHits` and `totalResults`, beside the rows or at the top;
    /// the largest counts.
    #[must_use]
    pub fn with_total(mut self, field: impl Into<Name>) -> Self {
        self.total = Some(field.into());
        self
    }

    /// Sets the field with the number of all pages.
    ///
    /// # Default
    ///
    /// `pageCount`, beside the rows or at the top.
    #[must_use]
    pub fn with_page_count(mut self, field: impl Into<Name>) -> Self {
        self.count = Some(field.into());
        self
    }

    /// Says that each page but the last has a `nextUri` or `nextPage`.
    ///
    /// So a page by number without one, and with fewer rows than its own
    /// `pageSize`, is the last, if it states neither count nor total. Queue
    /// members page like that.
    #[must_use]
    pub fn with_next_link(mut self) -> Self {
        self.names_next = true;
        self
    }

    /// Accepts a page without the field of the rows as an empty one. Details
    /// queries return such pages past their end. In other ways of paging, the
    /// page is an error.
    #[must_use]
    pub fn with_optional_rows(mut self) -> Self {
        self.optional_rows = true;
        self
    }

    /// Expects every page but the last to be full. A short one is then an
    /// error, and the total must not exceed
    /// [`with_max_rows`](super::PagedRequest::with_max_rows).
    ///
    /// Without a page size in the request, the pager requests 100 rows.
    #[must_use]
    pub fn with_full_pages(mut self) -> Self {
        self.full_pages = true;
        self
    }

    /// Reads the pages from the results of a job, which a POST starts.
    ///
    /// `id` is the field of the POST's response that names the job. `status`
    /// and `results` are paths, appended to the path of the POST, with `{}` for
    /// the id. Without a status path, the results say in `queryStatus` or
    /// `state` whether they are complete.
    #[must_use]
    pub fn with_job(
        mut self,
        id: impl Into<Name>,
        status: Option<&'static str>,
        results: impl Into<Name>,
    ) -> Self {
        self.job = Some(JobForm {
            id: id.into(),
            status: status.map(Cow::Borrowed),
            results: results.into(),
            per_page: false,
        });
        self
    }
}
