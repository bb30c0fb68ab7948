//! The form of a record in the table.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use tower_genesys::{
    store::{Entry, Fence, Lease, Owner, Record, Span, StoreErrorKind, StoreKey},
    token::Fingerprint,
};

/// An item: its attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The name of the table's key, the only attribute that the table defines.
pub(crate) const KEY: &str = "key";
/// The number that each write increments, and that its condition compares.
pub(crate) const REVISION: &str = "revision";

/// The version of the attributes below. Each change gets a new one, so that
/// older releases do not misread them.
const FORMAT: u64 = 1;
/// How long an item stays after its token and cooldown have ended: its fence
/// orders later leases, even if a clock went back a little.
const KEEP: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// Above any fence that a clock can produce, and low enough that the next fence
/// cannot overflow.
const HIGHEST_FENCE: u64 = u64::MAX / 2;

/// Returns the value of [`KEY`]: the digest in hexadecimal digits.
pub(crate) fn key(key: &StoreKey) -> AttributeValue {
    let digits = key.as_bytes().iter().map(|byte| format!("{byte:02x}"));
    AttributeValue::S(digits.collect())
}

/// Returns the whole item. Times are in milliseconds since 1970, except `ttl`:
/// DynamoDB requires seconds.
pub(crate) fn write(record: &Record, now: Duration) -> Item {
    let mut item = Item::new();
    let mut put = |name: &str, value| item.insert(name.to_owned(), value);
    put("format", number(FORMAT));
    put("last_fence", number(record.last.get()));
    let mut end = now;
    if let Some((entry, span)) = &record.entry {
        put("fence", number(entry.fence.get()));
        put("fingerprint", bytes(entry.fingerprint.as_bytes()));
        put("value", bytes(&entry.value));
        put("lifetime", number(millis(entry.lifetime)));
        put("expires", number(millis(span.until)));
        end = end.max(span.until);
    }
    if let Some((lease, span)) = &record.lease {
        put("lease_owner", bytes(lease.owner.as_bytes()));
        put("lease_fence", number(lease.fence.get()));
        put("lease_until", number(millis(span.until)));
    }
    if let Some(span) = &record.cooldown {
        put("cooldown_until", number(millis(span.until)));
        end = end.max(span.until);
    }
    put("ttl", number((end + KEEP).as_secs()));
    item
}

/// Reads an item. The error says why it is unreadable.
pub(crate) fn read(item: &Item) -> Result<Record, StoreErrorKind> {
    match read_number(item, "format") {
        Some(FORMAT) => record(item).ok_or(StoreErrorKind::Corrupt),
        Some(_) => Err(StoreErrorKind::Incompatible),
        None => Err(StoreErrorKind::Corrupt),
    }
}

/// Reads the attributes. `None` if one of a part is missing or malformed: a
/// record without its lease or fence would break the order of tokens.
fn record(item: &Item) -> Option<Record> {
    let mut record = Record::default();
    record.last = fence(item, "last_fence")?;
    // Each part is there as a whole, or not at all.
    if item.contains_key("fence") {
        let fingerprint = read_bytes(item, "fingerprint")?.try_into().ok()?;
        let lifetime = Duration::from_millis(read_number(item, "lifetime")?);
        let entry = Entry::new(
            fence(item, "fence")?,
            Fingerprint::from_bytes(fingerprint),
            read_bytes(item, "value")?.to_vec(),
            lifetime,
        );
        record.entry = Some((entry, until(item, "expires")?));
    }
    if item.contains_key("lease_owner") {
        let owner = Owner::from_bytes(read_bytes(item, "lease_owner")?.try_into().ok()?);
        let lease = Lease::new(owner, fence(item, "lease_fence")?);
        record.lease = Some((lease, until(item, "lease_until")?));
    }
    if item.contains_key("cooldown_until") {
        record.cooldown = Some(until(item, "cooldown_until")?);
    }
    Some(record)
}

/// Reads a span without its begin, since the writer's clock may be ahead of
/// this process's clock.
fn until(item: &Item, name: &str) -> Option<Span> {
    let until = read_number(item, name)?;
    Some(Span::until(Duration::from_millis(until)))
}

/// Reads a fence, unless it is implausible.
fn fence(item: &Item, name: &str) -> Option<Fence> {
    let number = read_number(item, name)?;
    (number <= HIGHEST_FENCE).then(|| Fence::new(number))
}

/// Returns a number, which DynamoDB takes in decimal digits.
pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Reads a number that [`number`] wrote.
pub(crate) fn read_number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

fn read_bytes<'a>(item: &'a Item, name: &str) -> Option<&'a [u8]> {
    Some(item.get(name)?.as_b().ok()?.as_ref())
}

/// Returns whole milliseconds, rounded down: no time lasts longer than
/// intended.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
