use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The source of tokens, ids and data: the same sequence for the same seed.
#[derive(Clone)]
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns a token as opaque and as long as one of Genesys.
    pub(super) fn token(&mut self) -> String {
        let mut bytes = [0; 64];
        self.0.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn uuid(&mut self) -> String {
        let mut word = || self.0.u32(..);
        let (a, b, c, d) = (word(), word(), word(), word());
        // A UUID states its version, 4, and its variant, 1.
        let b = (b & 0xffff_0fff) | 0x0000_4000;
        let c = (c & 0x3fff_ffff) | 0x8000_0000;
        let (b1, b2) = (b >> 16, b & 0xffff);
        let (c1, c2) = (c >> 16, c & 0xffff);
        format!("{a:08x}-{b1:04x}-{b2:04x}-{c1:04x}-{c2:04x}{d:08x}")
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end.max(1))
    }
}
