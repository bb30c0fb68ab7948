//! The rules of a store, without its clock, lock and I/O.

use std::time::Duration;

use super::{Claim, Entry, Fence, Lease, Lookup, Publication};

/// The state of a store under one key, with the rules of
/// [`TokenStore`](super::TokenStore). For authors of a store.
///
/// It has no clock, no lock and no I/O. A store reads the record, applies one
/// of these methods, and writes the record back if no other process has written
/// it meanwhile, which a lock, a transaction or a conditional write ensures.
/// `now` is the store's clock, as the time since 1970.
///
/// The [example `own_store`](crate::guide::middleware) builds a store on it.
/// The package `tower-genesys-dynamodb` (folder `stores/dynamodb` of the
/// repository) uses it over a database.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::{
///     Claim, Entry, Lookup, Owner, Publication, Record,
/// };
/// use tower_genesys::token::Fingerprint;
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let now = Duration::from_secs(1_800_000_000);
/// let (one, other) = (Owner::random()?, Owner::random()?);
/// let claim = |owner| Claim::new(owner, Duration::from_secs(10));
///
/// let mut record = Record::default();
/// assert!(matches!(record.get_or_lease(&claim(one), now), Lookup::Leased(_)));
/// assert!(matches!(record.get_or_lease(&claim(other), now), Lookup::Busy(_)));
///
/// // The owner publishes the token that it fetched.
/// let lease = record.lease.expect("granted above").0;
/// let (print, hour) = (Fingerprint::of("token"), Duration::from_secs(3600));
/// let entry = Entry::new(lease.fence, print, "token", hour);
/// let published = record.publish(&lease, &entry, now);
/// assert!(matches!(published, Publication::Published));
/// let token = record.token(now + hour / 4).expect("it is valid");
/// assert_eq!(token.remaining, hour * 3 / 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Record {
    /// The token, and how long it is valid. Its [`Entry::remaining`] is ignored
    /// here.
    pub entry: Option<(Entry, Span)>,
    /// The lease, and how long it lasts.
    pub lease: Option<(Lease, Span)>,
    /// How long no process may call the token endpoint.
    pub cooldown: Option<Span>,
    /// The highest fence so far. It orders leases even after the token has
    /// expired.
    pub last: Fence,
}

/// A period by a store's clock, between two times since 1970.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::Span;
///
/// let now = Duration::from_secs(1_800_000_000);
/// let minute = Duration::from_secs(60);
/// let span = Span::new(now, minute);
/// assert_eq!(span.left(now + minute / 3), minute * 2 / 3);
///
/// // The clock was set back: the age of the period is unknown.
/// assert_eq!(span.left(now - minute), Duration::ZERO);
/// assert_eq!(Span::until(now + minute).left(now - minute), minute * 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The begin. Zero if a reader's clock may be slower than the writer's.
    pub from: Duration,
    /// The end.
    pub until: Duration,
}

impl Span {
    /// Creates a period that begins now and lasts this long.
    pub const fn new(now: Duration, wait: Duration) -> Self {
        Self {
            from: now,
            until: now.saturating_add(wait),
        }
    }

    /// Creates a period that ends at this time, with no begin.
    pub const fn until(until: Duration) -> Self {
        Self {
            from: Duration::ZERO,
            until,
        }
    }

    /// Returns the time left. Before the begin, that is zero: the clock was set
    /// back, so the elapsed time is unknown.
    pub fn left(self, now: Duration) -> Duration {
        match now < self.from {
            true => Duration::ZERO,
            false => self.until.saturating_sub(now),
        }
    }

    /// Returns whether the period has begun and not ended.
    fn covers(self, now: Duration) -> bool {
        !self.left(now).is_zero()
    }
}

impl Record {
    /// Returns the token with its remaining lifetime, unless it has expired.
    pub fn token(&self, now: Duration) -> Option<Entry> {
        let (entry, span) = self.entry.as_ref()?;
        let left = span.left(now).min(entry.lifetime);
        span.covers(now).then(|| entry.clone().with_remaining(left))
    }

    /// Puts a token in, whatever is there. Its time counts from now.
    pub(super) fn put(&mut self, entry: &Entry, now: Duration) {
        self.last = self.last.max(entry.fence);
        let span = Span::new(now, entry.remaining.min(entry.lifetime));
        self.entry = Some((entry.clone(), span));
    }

    /// Applies [`TokenStore::get_or_lease`](super::TokenStore::get_or_lease).
    /// The record changes only if the result is a lease.
    pub fn get_or_lease(&mut self, claim: &Claim, now: Duration) -> Lookup {
        let entry = self.token(now);
        // First: neither a lease nor a cooldown hides a usable token.
        if let Some(entry) = entry.filter(|entry| claim.accepts(entry)) {
            return Lookup::Token(entry);
        }
        let current = self.lease.filter(|(_, span)| span.covers(now));
        // Before the lease: a cooldown begins when a lease ends, and no lease is
        // granted during it.
        if let Some(cooldown) = self.cooldown(now) {
            return Lookup::Cooldown(cooldown);
        }
        let own = current.filter(|(lease, _)| lease.owner == claim.owner);
        if let Some((_, span)) = current.filter(|_| own.is_none()) {
            return Lookup::Busy(span.left(now));
        }
        // The owner gets its own lease again, unless its fence is too low to
        // publish.
        let own = own.map(|(lease, _)| lease.fence);
        let fence = match own.filter(|own| *own > claim.at_least && *own >= self.last) {
            Some(own) => own,
            None => self.last.max(claim.at_least).next().max(floor(now)),
        };
        self.last = self.last.max(fence);
        let lease = Lease::new(claim.owner, fence);
        self.lease = Some((lease, Span::new(now, claim.lease)));
        Lookup::Leased(lease)
    }

    /// Applies [`TokenStore::publish`](super::TokenStore::publish). The record
    /// also changes if the token is superseded, because the lease ends.
    pub fn publish(&mut self, lease: &Lease, entry: &Entry, now: Duration) -> Publication {
        // Whatever follows, this process fetches no more.
        self.end(lease);
        // The fence decides, even if the lease has expired meanwhile.
        if let Some(newer) = self.token(now).filter(|found| found.fence >= entry.fence) {
            return Publication::Superseded(newer);
        }
        self.put(entry, now);
        Publication::Published
    }

    /// Applies [`TokenStore::abandon`](super::TokenStore::abandon). Returns
    /// whether the record changed.
    pub fn abandon(&mut self, lease: &Lease, cooldown: Option<Duration>, now: Duration) -> bool {
        let is_current = self.lease.is_some_and(|(_, span)| span.covers(now));
        // A late process must not end the lease of another one, or stop all by
        // a cooldown.
        if !self.end(lease) {
            return false;
        }
        if let Some(wait) = cooldown.filter(|_| is_current) {
            let longer = self.cooldown(now).is_none_or(|left| left < wait);
            if longer {
                self.cooldown = Some(Span::new(now, wait));
            }
        }
        true
    }

    /// Ends this lease, if it is still the current one.
    fn end(&mut self, lease: &Lease) -> bool {
        let is_it = |found: &Lease| found.owner == lease.owner && found.fence == lease.fence;
        self.lease.take_if(|(found, _)| is_it(found)).is_some()
    }

    /// Returns the rest of the cooldown.
    fn cooldown(&self, now: Duration) -> Option<Duration> {
        let left = self.cooldown?.left(now);
        (!left.is_zero()).then_some(left)
    }
}

/// Returns the lowest fence that may be granted now. It keeps fences growing
/// after the store has lost its data.
fn floor(now: Duration) -> Fence {
    Fence::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::Owner, token::Fingerprint};

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const LEASE: Duration = Duration::from_secs(10);
    const LIFE: Duration = Duration::from_secs(86_400);

    fn claim() -> Claim {
        Claim::new(Owner::random().expect("randomness"), LEASE)
    }

    fn leased(record: &mut Record, now: Duration) -> Lease {
        granted(record.get_or_lease(&claim(), now))
    }

    fn granted(lookup: Lookup) -> Lease {
        match lookup {
            Lookup::Leased(lease) => lease,
            other => panic!("a lease was expected: {other:?}"),
        }
    }

    fn with_token() -> Record {
        let mut record = Record::default();
        let lease = leased(&mut record, NOW);
        let print = Fingerprint::of("token");
        let entry = Entry::new(lease.fence, print, "token", LIFE);
        record.publish(&lease, &entry, NOW);
        record
    }

    #[test]
    fn a_clock_that_was_set_back_locks_no_process_out() {
        let mut record = Record::default();
        let first = leased(&mut record, NOW);
        let before = NOW - LIFE;
        let second = leased(&mut record, before);
        assert!(second.fence > first.fence);

        record.abandon(&second, Some(LIFE * 9), before);
        assert!(matches!(
            record.get_or_lease(&claim(), before),
            Lookup::Cooldown(_)
        ));
        let third = leased(&mut record, before - LIFE);
        assert!(third.fence > second.fence);
    }

    #[test]
    fn a_token_from_the_future_is_not_used() {
        let mut record = with_token();
        assert_eq!(record.token(NOW).expect("a token").remaining, LIFE);
        assert!(record.token(NOW - Duration::from_millis(1)).is_none());
        leased(&mut record, NOW - LIFE);
    }

    #[test]
    fn a_clock_that_was_set_forward_ends_things_early_and_never_late() {
        let mut record = with_token();
        assert!(record.token(NOW + LIFE).is_none());
        let lease = leased(&mut record, NOW + LIFE);
        let next = leased(&mut record, NOW + LIFE * 2);
        assert!(next.fence > lease.fence);
    }

    #[test]
    fn never_more_is_left_than_the_whole_life_whatever_was_put() {
        let mut record = with_token();
        let (entry, span) = record.entry.as_mut().expect("a token");
        entry.lifetime = LEASE;
        span.until = Duration::MAX;
        assert_eq!(record.token(NOW).expect("a token").remaining, LEASE);
    }

    #[test]
    fn a_period_without_a_begin_has_time_left_at_any_time_before_its_end() {
        let span = Span::until(NOW);
        assert_eq!(span.left(Duration::ZERO), NOW);
        assert_eq!(span.left(NOW - LEASE), LEASE);
        assert_eq!(span.left(NOW), Duration::ZERO);
    }

    #[test]
    fn an_owner_gets_its_lease_again_only_with_a_fence_above_all_that_is_known() {
        let (mut record, mut mine) = (Record::default(), claim());
        let first = granted(record.get_or_lease(&mine, NOW));
        assert_eq!(granted(record.get_or_lease(&mine, NOW)), first);
        mine.at_least = Fence::new(first.fence.get() - 1);
        assert_eq!(granted(record.get_or_lease(&mine, NOW)), first);
        mine.at_least = first.fence;
        let second = granted(record.get_or_lease(&mine, NOW));
        assert_eq!(second.fence, first.fence.next(), "above what was asked");
        // A process with a later lease published, and its token has expired.
        record.last = second.fence.next();
        let third = granted(record.get_or_lease(&mine, NOW));
        assert_eq!(third.fence, second.fence.next().next());
    }

    #[test]
    fn a_cooldown_is_replaced_only_by_a_longer_one() {
        let (short, long) = (LEASE, LEASE + Duration::from_nanos(1));
        let before = Span::new(NOW - LEASE, LEASE * 2);
        for (wait, after) in [
            (short / 2, before),
            // The older one began earlier, so it lasts if the clock is set
            // back.
            (short, before),
            (long, Span::new(NOW, long)),
        ] {
            let mut record = Record::default();
            let lease = leased(&mut record, NOW);
            record.cooldown = Some(before);
            assert!(record.abandon(&lease, Some(wait), NOW));
            assert_eq!(record.cooldown, Some(after), "{wait:?}");
        }
    }
}
