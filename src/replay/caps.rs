/// How much of a stream is kept while it is sent, so that it can be sent again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) unknown: usize,
    pub(super) known: usize,
}

impl Caps {
    pub(super) const DEFAULT: Self = Self {
        unknown: DEFAULT_UNKNOWN_CAP,
        known: DEFAULT_KNOWN_CAP,
    };
}

/// A stream that does not say how long it is may be endless, so little is staked on it: what one
/// request may hold stays below what its connection's buffers hold anyway (hyper's are 400 KiB).
const DEFAULT_UNKNOWN_CAP: usize = 64 * 1024;

/// A stream that says how long it is costs nothing when it is too long, as nothing of it is kept
/// then; and a mebibyte for each of a hundred requests in flight is little to a process that
/// uploads so much. The bodies of the API's JSON endpoints are well below it.
const DEFAULT_KNOWN_CAP: usize = 1024 * 1024;

/// How many bytes a kept frame counts for at least.
///
/// To keep a frame costs about this much besides its content: 40 bytes in the log, twice that when
/// the log has just grown, and what the allocator and `Bytes` add to a buffer of its own. So a
/// stream of tiny frames is kept up to about twice its cap in memory, not two hundred times.
const LEAST_PER_FRAME: usize = 128;

/// So that a small cap is one of bytes alone, as long as there are few frames.
const FREE_FRAMES: usize = 16;

/// How many frames are kept under a cap of so many bytes.
pub(super) const fn most_frames(cap: usize) -> usize {
    (cap / LEAST_PER_FRAME).saturating_add(FREE_FRAMES)
}
