//! Are calls and attempts seen in traces and histograms as OpenTelemetry names
//! them, and nothing that is secret or personal with them?

#![cfg(test)]

mod setup;

mod histograms;
mod spans;
