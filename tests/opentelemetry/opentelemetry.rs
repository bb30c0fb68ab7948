//! Do calls and attempts appear in traces and histograms under OpenTelemetry's
//! names, without anything secret or personal?

#![cfg(test)]

#[path = "../fixtures/mock_org.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod mock_org;
mod setup;

mod histograms;
mod spans;
