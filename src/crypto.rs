//! The crypto providers of rustls: compiled in by features, or installed by the
//! process.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The error text for a process without a provider.
pub(crate) const NO_PROVIDER: &str = "TLS has no crypto provider; enable the feature `ring` or `aws-lc-rs` of tower-genesys, or install one first \
     (`CryptoProvider::install_default`)";

/// Returns the provider that the features select. `aws-lc-rs` is opt-in and
/// `ring` is a default, so the former takes precedence.
pub(crate) fn compiled_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    let provider = None;
    provider
}

/// Returns the provider that the process has installed.
pub(crate) fn installed() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default().map(Arc::clone)
}

#[cfg(all(test, feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;

    #[test]
    fn the_provider_that_was_asked_for_wins_over_the_default() {
        let provider = format!("{:?}", compiled_in().unwrap());
        assert!(provider.contains("AwsLcRs"), "{provider}");
    }
}
