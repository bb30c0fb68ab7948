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
    /// Checks the rights that a shared [`Limit`](crate::store::Limit) needs
    /// besides those of [`check`](Self::check). Call it when a process starts;
    /// a process also works without the book.
    ///
    /// The check reserves a slot under its own key, which expires after two
    /// minutes. On a cluster it checks one primary.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check). [`Permission`](Kind::Permission) names
    /// the missing commands.
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
        let denied = inner.run(call).await.and_then(reply::words);
        let mut denied = denied.map_err(wrong)?;
        denied.sort();
        denied.dedup();
        if !denied.is_empty() {
            let message = format!(
                "{}: this user of Redis may not run {}, which a shared limit needs; give it the \
                 rights in the documentation of RedisStore",
                inner.setting,
                denied.join(", ")
            );
            return Err(RedisStoreError::new(Kind::Permission, message));
        }
        let ask = Reservation::new(owner, Some(Terms::new(1, 0)), 1);
        inner.reserve(&key, &ask).await.map_err(wrong)?;
        Ok(())
    }
}

impl Inner {
    async fn reserve(&self, key: &StoreKey, ask: &Reservation) -> Result<Option<Grant>, Failure> {
        let terms = ask.terms.as_ref();
        let call = self
            .call_book(&self.scripts.reserve, key)
            .arg(owner(ask))
            .arg(terms.map_or(0, Terms::limit).to_string())
            .arg(terms.map_or(0, Terms::burst).to_string())
            .arg(ask.want.to_string())
            .arg(u8::from(ask.is_known).to_string())
            .arg(u8::from(ask.was_alone).to_string());
        let returned = ask.returned.iter().map(u64::to_string);
        grant(self.run(returned.fold(call, Call::arg)).await?)
    }

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

    pub(super) fn call_book<'a>(&self, script: &'a Script, key: &StoreKey) -> Call<'a> {
        script.call(self.names_of_book(key))
    }
}

/// Reads the reply of `reserve`.
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

fn owner(ask: &Reservation) -> String {
    format!("{:032x}", u128::from_be_bytes(*ask.owner.as_bytes()))
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
