use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

/// A frame of a body, as it is kept and handed over.
pub(super) enum Kept {
    Data(Bytes),
    // In a box, as a map is thrice the size of the rest.
    Trailers(Box<HeaderMap>),
}

impl Kept {
    /// `None` for an empty frame, which means nothing on any wire, and would be
    /// kept for free.
    pub(super) fn of(frame: Frame<impl bytes::Buf>) -> Option<Self> {
        match frame.into_data() {
            Ok(mut data) => {
                let data = data.copy_to_bytes(data.remaining());
                (!data.is_empty()).then_some(Self::Data(data))
            }
            Err(frame) => frame.into_trailers().ok().map(Box::new).map(Self::Trailers),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Trailers(_) => 0,
        }
    }

    pub(super) fn into_frame(self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data),
            Self::Trailers(trailers) => Frame::trailers(*trailers),
        }
    }

    pub(super) fn clone(&self) -> Self {
        match self {
            Self::Data(data) => Self::Data(data.clone()),
            Self::Trailers(trailers) => Self::Trailers(trailers.clone()),
        }
    }
}

/// The rest of an announced length after `sent` bytes.
pub(super) fn remaining(whole: &SizeHint, sent: u64) -> SizeHint {
    let mut left = SizeHint::new();
    if let Some(upper) = whole.upper() {
        left.set_upper(upper.saturating_sub(sent));
    }
    left.set_lower(whole.lower().saturating_sub(sent));
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_the_log_is_as_small_as_its_cap_assumes() {
        assert!(size_of::<Kept>() <= 40, "{}", size_of::<Kept>());
    }
}
