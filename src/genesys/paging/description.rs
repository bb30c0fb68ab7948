use std::borrow::Cow;

use super::way::{By, JobForm, Name, Where};

/// How an operation pages: what asks for the next page, and what a page says.
///
/// [`Pager`](crate::Pager) takes it from the crate's table, [`Paging::of`].
/// Give one yourself, with
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
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager, genesys::paging::Paging};
/// # use tower_genesys::testing::{MockGenesys, Route};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::new();
/// # let org = Org::builder(mock.region())
/// #     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
/// #     .build(mock.http_client())?;
/// # let pager = Pager::new(&org, GenesysLayer::new(&org).layer(mock.http_client()));
/// # let route = || Route::new(http::Method::POST, "/api/v2/brand/new/search");
/// # for (nth, page) in [json!({"hits":[1],"more":"x"}), json!({"hits":[2]})].iter().enumerate() {
/// #     let script = mock.on(route()).nth(nth as u64 + 1);
/// #     script.reply(http::StatusCode::OK, Default::default(), page.to_string());
/// # }
/// // A token in the body, which each page but the last names in `more`.
/// let paging = Paging::token("cursor", "more").with_parameters_in_body().with_rows("hits");
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
/// Each way starts out with its parameters in the query, rows in `entities`,
/// and no parameter for the size of a page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paging {
    pub(super) by: By,
    pub(super) place: Where,
    pub(super) size: Option<Name>,
    pub(super) rows: Option<Name>,
    pub(super) total: Option<Name>,
    pub(super) count: Option<Name>,
    /// Whether a page by number names the next one, if there is one.
    pub(super) names_next: bool,
    /// Whether a page without rows leaves their field out.
    pub(super) optional_rows: bool,
    /// Whether every page but the last holds as many rows as were asked for.
    pub(super) full_pages: bool,
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

    /// Pages by number, counted from 1 in this parameter, such as `pageNumber`.
    ///
    /// They end at the page whose number is the page count. A page without a
    /// count ends them when all rows of the total have come; without either,
    /// the first empty page does.
    pub fn number(parameter: impl Into<Name>) -> Self {
        Self::new(By::Number(parameter.into()))
    }

    /// Pages by the number of their first row, counted from 1 in this
    /// parameter, such as `startIndex` of SCIM (RFC 7644).
    pub fn index(parameter: impl Into<Name>) -> Self {
        Self::new(By::Index(parameter.into()))
    }

    /// Pages by a token: its parameter, such as `cursor`, and the field of the
    /// page before that has it, such as `cursors.after`. The page without one
    /// is the last.
    pub fn token(parameter: impl Into<Name>, field: impl Into<Name>) -> Self {
        Self::new(By::Token(parameter.into(), field.into()))
    }

    /// Pages by a link in this field of the page before, such as `nextUri`. The
    /// page without one is the last.
    ///
    /// A link keeps the parameters of the caller's own query that it lacks.
    pub fn link(field: impl Into<Name>) -> Self {
        Self::new(By::Link(field.into()))
    }

    /// Pages by a link that holds the whole query, such as `nextPage` of a
    /// `q64` search.
    pub fn verbatim_link(field: impl Into<Name>) -> Self {
        Self::new(By::Verbatim(field.into()))
    }

    /// Pages after the `id` of the last row, in this parameter. The first page
    /// that has fewer rows than were asked for is the last, or else the first
    /// empty one.
    pub fn last_row(parameter: impl Into<Name>) -> Self {
        Self::new(By::LastRow(parameter.into()))
    }

    /// All rows in one page. A page that speaks of another one is an error.
    pub fn whole() -> Self {
        Self::new(By::Whole)
    }

    /// Puts the parameters at the top of the body.
    #[must_use]
    pub fn with_parameters_in_body(mut self) -> Self {
        self.place = Where::Body;
        self
    }

    /// Puts the parameters into an object of the body, such as `paging`, and
    /// replaces what it holds.
    #[must_use]
    pub fn with_parameters_at(mut self, field: impl Into<Name>) -> Self {
        self.place = Where::Object(field.into());
        self
    }

    /// The parameter for the size of a page, such as `pageSize`.
    #[must_use]
    pub fn with_size(mut self, parameter: impl Into<Name>) -> Self {
        self.size = Some(parameter.into());
        self
    }

    /// The field with the rows; `results.entities` is one in an object, and an
    /// empty text a page that is an array.
    #[must_use]
    pub fn with_rows(mut self, field: impl Into<Name>) -> Self {
        self.rows = Some(field.into());
        self
    }

    /// The field with the number of all rows.
    ///
    /// # Default
    ///
    /// `total`, `totalHits` and `totalResults`, beside the rows or at the top.
    #[must_use]
    pub fn with_total(mut self, field: impl Into<Name>) -> Self {
        self.total = Some(field.into());
        self
    }

    /// The field with the number of all pages.
    ///
    /// # Default
    ///
    /// `pageCount`, beside the rows or at the top.
    #[must_use]
    pub fn with_page_count(mut self, field: impl Into<Name>) -> Self {
        self.count = Some(field.into());
        self
    }

    /// Takes a page by number that is shorter than its own `pageSize`, and has
    /// no `nextUri` or `nextPage`, for the last one where it states neither
    /// count nor total: queue members, for example.
    #[must_use]
    pub fn with_next_link(mut self) -> Self {
        self.names_next = true;
        self
    }

    /// Takes a page without the field of the rows for one without rows, as
    /// details queries answer past their end. Elsewhere it is an error.
    #[must_use]
    pub fn with_optional_rows(mut self) -> Self {
        self.optional_rows = true;
        self
    }

    /// Expects every page but the last to be full, so that a short one is an
    /// error.
    #[must_use]
    pub fn with_full_pages(mut self) -> Self {
        self.full_pages = true;
        self
    }

    /// Makes this the way through the results of a job, which a POST starts.
    ///
    /// `id` is the field of its answer that names the job. `status` and
    /// `results` are paths behind the one that was POSTed to, with `{}` for the
    /// id; without a status the results say in `queryStatus` or `state` whether
    /// they are complete.
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

    /// Starts a job for each page, whose number is in the body that starts it.
    pub(super) fn with_job_per_page(mut self) -> Self {
        if let Some(job) = &mut self.job {
            job.per_page = true;
        }
        self
    }

    pub(super) fn with_unknown_rows(mut self) -> Self {
        self.rows = None;
        self
    }
}
