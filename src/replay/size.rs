use http_body::SizeHint;

/// What is left of an announced length once so much of it was sent.
pub(super) fn remaining(whole: &SizeHint, sent: u64) -> SizeHint {
    let mut left = SizeHint::new();
    if let Some(upper) = whole.upper() {
        left.set_upper(upper.saturating_sub(sent));
    }
    left.set_lower(whole.lower().saturating_sub(sent));
    left
}
