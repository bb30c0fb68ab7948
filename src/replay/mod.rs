//! Requests that can be sent again, body and all.

mod clone_body;
mod marks;
mod request;

pub use clone_body::CloneBody;
pub use marks::{Renewable, Resend, Unreplayed};
pub(crate) use request::clone_request;
