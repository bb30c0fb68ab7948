//! Pages beside the reference: how to use and run this crate, and why.
//!
//! | page | for whom |
//! |---|---|
//! | [`questions`] | who begins: existing clients, `Timeout`, replicas, organisations, no tokio |
//! | [`migrating`] | who has code that fetches and renews tokens |
//! | [`operating`] | who runs it: metrics, alerts, log events, what each error means, limits |
//! | [`comparison`] | who chooses: beside the official SDKs, measured |

#[doc = include_str!("../docs/questions.md")]
pub mod questions {}

#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../docs/comparison.md")]
pub mod comparison {}
