//! The store as a book of slots: a rate limit that processes share.
//!
//! `lua/slots.lua` has the rules. This file passes their arguments, and reads
//! what they return.

use std::{str::from_utf8, time::Duration};

use redis::Value;

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind,
    failure::Failure,
    reply,
    script::{Call, Script},
    store::Inner,
};
use crate::store::{
    Owner, StoreError, StoreErrorKind, StoreFuture, StoreKey,
    book::{Grant, Refusal, Reservation, SlotBook, Terms},
};

impl SlotBook for RedisStore {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        Box::pin(async move {
            let granted = self.inner.reserve(key, reservation).await;
            granted.map_err(StoreError::from)
        })
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        Box::pin(async move {
            self.inner
                .refuse(key, refusal)
                .await
                .map_err(StoreError::from)
        })
    }
}

impl RedisStore {
    /// Checks that the store can keep the book of a shared
    /// [`Limit`](crate::store::Limit), and that the user has the rights for it.
    /// Call it when a process starts, to find faults early. It is optional: a
    /// process also works without the book.
    ///
    /// The check reserves a slot, in a book of its own that expires after two
    /// minutes. On a cluster it checks only one primary. It does not check the
    /// rights for a shared token: [`check`](Self::check) does.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// // No server listens on this port.
    /// let store = RedisStore::new("redis://127.0.0.1:1")?;
    /// let error = store.check_limit().await.unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check). The message of
    /// [`Permission`](Kind::Permission) names the missing commands.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the check.
    pub async fn check_limit(&self) -> Result<(), RedisStoreError> {
        let inner = &*self.inner;
        let wrong = |failure: Failure| failure.checked(&inner.setting);
        let owner = Owner::random().map_err(|error| {
            RedisStoreError::new(Kind::Server, "a check needs randomness").with_source(error)
        })?;
        let key = StoreKey::new("", "", "check").with_parameter("owner", &format!("{owner:?}"));
        let call = inner.call_book(&inner.scripts.slot_permissions, &key);
        let denied = inner.run(call).await.and_then(reply::denied);
        let denied = denied.map_err(wrong)?;
        if !denied.is_empty() {
            let message = format!(
                "{}: this user of Redis may not run {}, which a shared limit needs; give it the \
                 rights in the documentation of RedisStore",
                inner.setting,
                denied.join(", ")
            );
            return Err(RedisStoreError::new(Kind::Permission, message));
        }
        let reservation = Reservation::new(owner, Some(Terms::new(1, 0)), 1);
        inner.reserve(&key, &reservation).await.map_err(wrong)?;
        Ok(())
    }
}

impl Inner {
    /// Runs `reserve.lua`. A limit of 0 stands for an unknown one.
    async fn reserve(
        &self,
        key: &StoreKey,
        reservation: &Reservation,
    ) -> Result<Option<Grant>, Failure> {
        let terms = reservation.terms.as_ref();
        let call = self
            .call_book(&self.scripts.reserve, key)
            .arg(owner(reservation))
            .arg(terms.map_or(0, Terms::limit).to_string())
            .arg(terms.map_or(0, Terms::burst).to_string())
            .arg(reservation.want.to_string())
            .arg(u8::from(reservation.is_known).to_string())
            .arg(u8::from(reservation.was_alone).to_string());
        let returned = reservation.returned.iter().map(u64::to_string);
        grant(self.run(returned.fold(call, Call::arg)).await?)
    }

    /// Runs `refuse.lua`. Returns the server's time.
    async fn refuse(&self, key: &StoreKey, refusal: &Refusal) -> Result<Duration, Failure> {
        let call = self
            .call_book(&self.scripts.refuse, key)
            .arg(refusal.terms.limit().to_string())
            .arg(refusal.wait.as_micros().to_string());
        match self.run(call).await? {
            Value::Array(reply) if reply.len() == 1 => {
                Ok(Duration::from_micros(number(&reply[0])?))
            }
            _ => Err(Failure::Nonsense),
        }
    }

    /// Returns the call of a script on the keys of this book.
    pub(super) fn call_book<'a>(&self, script: &'a Script, key: &StoreKey) -> Call<'a> {
        script.call(self.names_of_book(key))
    }
}

/// Reads the reply of `reserve`: the fields of [`Grant`], and then its slots.
/// It is empty if no process has stated a limit.
fn grant(reply: Value) -> Result<Option<Grant>, Failure> {
    let Value::Array(fields) = reply else {
        return Err(Failure::Nonsense);
    };
    let [now, share, owners, limit, closed, fault, slots @ ..] = &fields[..] else {
        return match fields.is_empty() {
            true => Ok(None),
            false => Err(Failure::Nonsense),
        };
    };
    // Counts come from any process: one that is too large only reads as large.
    let small = |value| number(value).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let replaces = match fault {
        Value::BulkString(fault) => match &fault[..] {
            b"" => None,
            b"corrupt" => Some(StoreErrorKind::Corrupt),
            b"incompatible" => Some(StoreErrorKind::Incompatible),
            _ => return Err(Failure::Nonsense),
        },
        _ => return Err(Failure::Nonsense),
    };
    Ok(Some(Grant {
        now: Duration::from_micros(number(now)?),
        slots: slots.iter().map(number).collect::<Result<_, _>>()?,
        share: small(share)?,
        owners: small(owners)?,
        limit: small(limit)?,
        closed: Duration::from_micros(number(closed)?),
        replaces,
    }))
}

/// Reads a number. Redis returns Lua's integers as such, and the scripts write
/// larger ones as digits.
fn number(value: &Value) -> Result<u64, Failure> {
    match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| Failure::Nonsense),
        Value::BulkString(digits) => from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or(Failure::Nonsense),
        _ => Err(Failure::Nonsense),
    }
}

/// Returns the owner as the scripts name it, in 32 hexadecimal digits.
fn owner(reservation: &Reservation) -> String {
    format!(
        "{:032x}",
        u128::from_be_bytes(*reservation.owner.as_bytes())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_script_of_ours_returns_is_a_failure() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let good = || {
            let numbers = ["1000000", "3", "1", "300", "0", ""].map(text);
            numbers.to_vec()
        };
        assert!(grant(Value::Array(good())).is_ok_and(|grant| grant.is_some()));
        assert!(matches!(grant(Value::Array(Vec::new())), Ok(None)));
        for wrong in ["-1", "1.5", "x", "99999999999999999999"] {
            let mut fields = good();
            fields.push(text(wrong));
            assert!(matches!(
                grant(Value::Array(fields)),
                Err(Failure::Nonsense)
            ));
        }
        let mut fields = good();
        fields[5] = text("strange");
        for reply in [
            Value::Array(fields),
            Value::Nil,
            Value::Array(good()[..3].to_vec()),
        ] {
            assert!(matches!(grant(reply), Err(Failure::Nonsense)));
        }
    }
}
