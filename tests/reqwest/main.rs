//! Do the layers do their job over reqwest, in both directions?

#![cfg(feature = "reqwest-013")]

mod setup;

mod errors;
mod redirects;
mod requests;
mod uploads;
