//! Do the layers do their job over reqwest, in both directions?

#![cfg(test)]

mod setup;

mod errors;
mod redirects;
mod requests;
mod uploads;
