//! The ways of paging, as data: the words of which [`Paging`](super::Paging)
//! consists. `ask.rs` reads them to make a request, `rule.rs` to find the next
//! one.

use std::borrow::Cow;

/// The name of a parameter or a field; borrowed if it comes from the table.
pub(super) type Name = Cow<'static, str>;

/// How the request for the next page names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// The number of the page in this parameter, from 1.
    Number(Name),
    /// The number of its first row in this parameter, from 1.
    Index(Name),
    /// A token in this parameter, from this field of the page before.
    Token(Name, Name),
    /// A link in this field of the page before, completed with the caller's
    /// parameters.
    Link(Name),
    /// A link in this field of the page before, followed as it is.
    Verbatim(Name),
    /// The id of the last row of the page before, in this parameter.
    LastRow(Name),
    /// Nothing: there is one page only.
    Whole,
}

/// Where the parameters of a page go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Where {
    /// The query of the URL.
    Query,
    /// The top level of the body.
    Body,
    /// An object in the body, which the pager replaces for each page.
    Object(Name),
}

/// A job whose results are pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct JobForm {
    /// The field of the response to the POST that has the job's id.
    pub(super) id: Name,
    /// The path of its status, relative to the path of the POST, with `{}` for
    /// the id. `None` if the results themselves state it.
    pub(super) status: Option<Name>,
    /// The path of its results, in the same form.
    pub(super) results: Name,
    /// Whether each page is a job.
    pub(super) per_page: bool,
}
