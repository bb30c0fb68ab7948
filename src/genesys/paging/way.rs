use std::borrow::Cow;

pub(super) type Name = Cow<'static, str>;

/// What asks for the next page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// Its number, from 1.
    Number(Name),
    /// The number of its first row, from 1.
    Index(Name),
    /// A token, and the field of the page before that has it.
    Token(Name, Name),
    /// A link in this field of the page before.
    Link(Name),
    /// As a link, without anything of the caller's query.
    Verbatim(Name),
    /// The id of the last row.
    LastRow(Name),
    /// There is one page only.
    Whole,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Where {
    Query,
    Body,
    /// An object in the body, which is set for each page.
    Object(Name),
}

/// A job whose results are pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct JobForm {
    /// The field of the answer that started it.
    pub(super) id: Name,
    /// Behind the path that started it, with `{}` for its id; none where the
    /// results say it.
    pub(super) status: Option<Name>,
    pub(super) results: Name,
    /// Whether each page is a job.
    pub(super) per_page: bool,
}
