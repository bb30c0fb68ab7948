use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
/// What a follower may lose after the leader is done.
const LONGEST: Duration = Duration::from_millis(250);
/// A store that says that a lease is as good as over, again and again, is not asked in a loop.
const SHORTEST: Duration = Duration::from_millis(20);
/// Times that a leader ends with neither a token nor a cooldown, and another one follows, before
/// the rest no longer queue. One that was killed is the first of them. With more, followers of a
/// slow endpoint would have no time left.
const HANDOVERS: u32 = 2;

/// One wait for those who lead. It begins anew when something has come of it.
#[derive(Debug)]
pub(super) struct Polling {
    ceiling: Duration,
    /// What the leader had left when the store was last asked.
    left: Option<Duration>,
    handovers: u32,
}

impl Polling {
    pub(super) const fn new() -> Self {
        Self {
            ceiling: FIRST,
            left: None,
            handovers: 0,
        }
    }

    /// Somebody leads who has this much time left: more than before is another one. Returns whether
    /// too many have led in vain for waiting to be of use.
    pub(super) fn is_in_vain(&mut self, left: Duration) -> bool {
        let before = self.left.replace(left);
        self.handovers += u32::from(before.is_some_and(|before| left > before));
        self.handovers >= HANDOVERS
    }

    /// How long to wait before looking again: by chance, so that not all look at once, and longer
    /// each time. `left`: how long the leader has at most.
    pub(super) fn next(&mut self, left: Duration) -> Duration {
        let wait = self.ceiling.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.ceiling = (self.ceiling * 3 / 2).min(LONGEST);
        wait.min(left).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_tenth_to_a_quarter_of_a_second_and_end_with_the_lease() {
        let mut polling = Polling::new();
        let hour = Duration::from_secs(3600);
        let waits: Vec<_> = (0..100).map(|_| polling.next(hour).as_millis()).collect();
        assert!((50..=100).contains(&waits[0]), "{waits:?}");
        assert!(
            waits[5..].iter().all(|wait| (125..=250).contains(wait)),
            "{waits:?}"
        );
        for (left, expected) in [(27, 27), (7, 20), (0, 20)] {
            let wait = polling.next(Duration::from_millis(left));
            assert_eq!(wait.as_millis(), expected, "{left}");
        }
    }

    #[test]
    fn waiting_is_in_vain_when_the_second_leader_is_followed_by_a_third() {
        for (lefts, expected) in [
            (&[10, 9, 1, 10, 9, 8, 0][..], false),
            (&[10, 9, 10, 9, 10], true),
            (&[10, 10, 10, 10], false),
            (&[1, 2, 3], true),
        ] {
            let mut polling = Polling::new();
            let lefts = lefts.iter().map(|left| Duration::from_secs(*left));
            let is_in_vain = lefts.fold(false, |_, left| polling.is_in_vain(left));
            assert_eq!(is_in_vain, expected);
        }
    }
}
