//! Does the in-memory store keep the rules, and do the checks find a store that
//! breaks one?

use std::time::Duration;

use tower_genesys::{
    store::{
        Claim, Entry, Fence, Lease, Lookup, MemoryStore, Publication, StoreFuture, StoreKey,
        TokenStore,
    },
    testing::conformance,
};

mod memory {
    use super::MemoryStore;

    tower_genesys::store_conformance! {
        #[tokio::test(start_paused = true)]
        async { MemoryStore::new() }
    }
}

mod behind_a_pointer {
    use std::sync::Arc;

    use super::MemoryStore;
    use tower_genesys::store::TokenStore;

    tower_genesys::store_conformance! {
        #[tokio::test(start_paused = true)]
        async { Arc::new(MemoryStore::new()) as Arc<dyn TokenStore> }
    }
}

/// A store that breaks one rule.
struct Broken {
    store: MemoryStore,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    FenceAtPublication,
    OwnerAtAbandon,
    OwnLease,
    FenceAboveWhatWasAsked,
    FenceByTheClock,
    Rejected,
    MinRemaining,
    OneLease,
    WholeValue,
    LeaseEnds,
    Cooldown,
    KeysApart,
    CountDown,
    Expiry,
}

impl TokenStore for Broken {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        Box::pin(async move {
            let (mut key, mut claim) = (*key, claim.clone());
            match self.rule {
                Rule::Rejected => claim.rejected = None,
                Rule::MinRemaining => claim.min_remaining = Duration::ZERO,
                Rule::OwnLease => claim.owner = tower_genesys::store::Owner::random()?,
                Rule::KeysApart => key = StoreKey::new("", "", ""),
                Rule::LeaseEnds => claim.lease = Duration::from_secs(3600),
                _ => {}
            }
            let found = self.store.get_or_lease(&key, &claim).await?;
            Ok(match (self.rule, found) {
                (Rule::FenceAboveWhatWasAsked, Lookup::Leased(mut lease)) => {
                    if claim.at_least > Fence::NONE {
                        lease.fence = lease.fence.min(claim.at_least);
                    }
                    Lookup::Leased(lease)
                }
                (Rule::FenceByTheClock, Lookup::Leased(mut lease)) => {
                    lease.fence = Fence::new(lease.fence.get() >> 20);
                    Lookup::Leased(lease)
                }
                (Rule::OneLease, Lookup::Busy(_)) => {
                    Lookup::Leased(Lease::new(claim.owner, Fence::new(1)))
                }
                (Rule::WholeValue, Lookup::Token(mut entry)) => {
                    let text = String::from_utf8_lossy(&entry.value).into_owned();
                    entry.value = text.into();
                    Lookup::Token(entry)
                }
                (Rule::CountDown, Lookup::Token(mut entry)) => {
                    entry.remaining = entry.lifetime;
                    Lookup::Token(entry)
                }
                (_, found) => found,
            })
        })
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        let broken = async move {
            let (mut key, mut entry) = (*key, entry.clone());
            match self.rule {
                Rule::KeysApart => key = StoreKey::new("", "", ""),
                Rule::Expiry => {
                    entry.remaining = Duration::from_secs(3600);
                    entry.lifetime = entry.lifetime.max(entry.remaining);
                }
                _ => {}
            }
            let published = self.store.publish(&key, lease, &entry).await?;
            if let (Rule::FenceAtPublication, Publication::Superseded(_)) = (self.rule, &published)
            {
                self.store.overwrite(&key, &entry);
                return Ok(Publication::Published);
            }
            Ok(published)
        };
        Box::pin(broken)
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        let broken = async move {
            match self.rule {
                Rule::OwnerAtAbandon => self.store.flush(),
                Rule::Cooldown => return self.store.abandon(key, lease, None).await,
                _ => {}
            }
            self.store.abandon(key, lease, cooldown).await
        };
        Box::pin(broken)
    }
}

/// Expects that a check fails for a store that breaks this rule, and names it.
macro_rules! finds {
    ($check:ident, $rule:expr) => {
        let broken = Broken {
            store: MemoryStore::new(),
            rule: $rule,
        };
        let checked = tokio::spawn(async move { conformance::$check(&broken).await }).await;
        let Err(error) = checked else {
            panic!("{} does not see {:?}", stringify!($check), $rule);
        };
        let panic = error.into_panic();
        let says = match panic.downcast_ref::<&str>() {
            Some(says) => says,
            None => &**panic.downcast_ref::<String>().expect("a text"),
        };
        assert!(says.contains(" must "), "it names no rule: {says}");
    };
}

#[tokio::test(start_paused = true)]
async fn every_broken_rule_is_found() {
    finds!(
        the_fence_decides_what_is_published,
        Rule::FenceAtPublication
    );
    finds!(only_the_owner_ends_a_lease, Rule::OwnerAtAbandon);
    finds!(an_own_lease_is_recognised, Rule::OwnLease);
    finds!(
        fences_grow_and_are_above_what_was_asked,
        Rule::FenceAboveWhatWasAsked
    );
    finds!(fences_outlast_the_loss_of_everything, Rule::FenceByTheClock);
    finds!(an_acceptable_entry_is_returned, Rule::Rejected);
    finds!(an_acceptable_entry_is_returned, Rule::MinRemaining);
    finds!(concurrent_claims_get_one_lease, Rule::OneLease);
    finds!(values_are_kept_byte_for_byte, Rule::WholeValue);
    finds!(a_lease_ends_by_itself, Rule::LeaseEnds);
    finds!(a_cooldown_applies_to_all_and_ends, Rule::Cooldown);
    finds!(keys_are_apart, Rule::KeysApart);
    finds!(an_entry_counts_down_and_ends, Rule::CountDown);
    finds!(an_entry_counts_down_and_ends, Rule::Expiry);
}

mod book {
    use super::MemoryStore;

    tower_genesys::book_conformance! {
        #[tokio::test(start_paused = true)]
        async { MemoryStore::new() }
    }
}
