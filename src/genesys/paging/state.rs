//! What jobs of all kinds call their states.

/// What a state comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Done,
    Failed,
    Cancelled,
    Expired,
    /// None that the definition has.
    Unknown,
}

const RUNNING: [&str; 6] = [
    "queued",
    "pending",
    "running",
    "submitted",
    "inprogress",
    "processing",
];

/// Reads a state: `FULFILLED` of analytics, `Succeeded` of audits and work items, `Complete` of
/// usage, and so on, in whatever case.
pub(super) fn read(state: &str) -> State {
    let state: String = state.chars().filter(|char| *char != '_').collect();
    match &*state.to_ascii_lowercase() {
        running if RUNNING.contains(&running) => State::Running,
        "fulfilled" | "succeeded" | "complete" | "completed" | "success" => State::Done,
        "failed" | "error" => State::Failed,
        "cancelled" | "canceled" => State::Cancelled,
        "expired" => State::Expired,
        _ => State::Unknown,
    }
}

/// Whether an answer of this state is not complete.
pub(super) fn is_running(state: &str) -> bool {
    read(state) == State::Running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_every_kind_of_job_are_understood() {
        for (text, state) in [
            ("QUEUED", State::Running),
            ("PENDING", State::Running),
            ("Running", State::Running),
            ("IN_PROGRESS", State::Running),
            ("FULFILLED", State::Done),
            ("Succeeded", State::Done),
            ("Complete", State::Done),
            ("FAILED", State::Failed),
            ("Failed", State::Failed),
            ("CANCELLED", State::Cancelled),
            ("Cancelled", State::Cancelled),
            ("EXPIRED", State::Expired),
            ("active", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(read(text), state, "{text}");
        }
    }
}
