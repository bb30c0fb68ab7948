use crate::{genesys::Operation, spans::Templates};

/// Returns path templates for [`SpanLayer`](crate::SpanLayer): those of the
/// operations in the crate's [table](Operation), about half of the API.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys;
///
/// let uri = "https://api.mypurecloud.ie/api/v2/routing/queues/7/members".parse()?;
/// let template = genesys::templates().find(&Method::GET, &uri);
/// assert_eq!(template.as_deref(), Some("/api/v2/routing/queues/{}/members"));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn templates() -> Templates {
    Templates::over(|method, uri| {
        let operation = Operation::find(method, uri)?;
        Some(operation.template().into())
    })
}
