//! One limit for a process, and for many over one store.

mod gates;
mod sends;
mod settings;
mod setup;
mod trouble;
