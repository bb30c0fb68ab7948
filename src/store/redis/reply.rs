//! Reads the replies of the token scripts.
//!
//! Any other reply is [`Failure::Nonsense`]: the server is not Redis, or does
//! not run the scripts.

use std::{str::from_utf8, time::Duration};

use bytes::Bytes;
use redis::{Value, from_redis_value};

use super::failure::Failure;
use crate::{
    store::{Claim, Entry, Fence, Lease, Lookup, Publication, StoreErrorKind},
    token::Fingerprint,
};

/// Reads the reply of `get_or_lease`.
pub(super) fn lookup(reply: Value, claim: &Claim) -> Result<Lookup, Failure> {
    let (tag, fields) = tagged(reply)?;
    match (&*tag, &fields[..]) {
        (b"token", fields) => entry(fields).map(Lookup::Token),
        (b"cooldown", [left]) => milliseconds(left).map(Lookup::Cooldown),
        (b"busy", [left]) => milliseconds(left).map(Lookup::Busy),
        (b"leased", [number, fault]) => {
            let replaces = match bytes(fault)? {
                b"" => None,
                b"corrupt" => Some(StoreErrorKind::Corrupt),
                b"incompatible" => Some(StoreErrorKind::Incompatible),
                _ => return Err(Failure::Nonsense),
            };
            let lease = Lease::new(claim.owner, fence(number)?).with_replaces(replaces);
            Ok(Lookup::Leased(lease))
        }
        _ => Err(Failure::Nonsense),
    }
}

/// Reads the reply of `publish`.
pub(super) fn publication(reply: Value) -> Result<Publication, Failure> {
    let (tag, fields) = tagged(reply)?;
    match (&*tag, &fields[..]) {
        (b"published", []) => Ok(Publication::Published),
        (b"superseded", fields) => entry(fields).map(Publication::Superseded),
        _ => Err(Failure::Nonsense),
    }
}

/// Reads the reply of `abandon`.
pub(super) fn abandoned(reply: Value) -> Result<(), Failure> {
    match &*tagged(reply)?.0 {
        b"abandoned" | b"nothing" => Ok(()),
        _ => Err(Failure::Nonsense),
    }
}

/// Reads the rights that a script found missing, sorted and each once.
pub(super) fn denied(reply: Value) -> Result<Vec<String>, Failure> {
    let mut denied: Vec<String> = from_redis_value(reply).map_err(|_| Failure::Nonsense)?;
    denied.sort();
    denied.dedup();
    Ok(denied)
}

/// Splits a reply into its first word, which tells its kind, and its fields.
fn tagged(reply: Value) -> Result<(Vec<u8>, Vec<Value>), Failure> {
    let Value::Array(mut fields) = reply else {
        return Err(Failure::Nonsense);
    };
    if fields.is_empty() {
        return Err(Failure::Nonsense);
    }
    let tag = bytes(&fields.remove(0))?.to_vec();
    Ok((tag, fields))
}

/// Reads the fields of `reply` in `read.lua`.
fn entry(fields: &[Value]) -> Result<Entry, Failure> {
    let [number, print, lifetime, left, value] = fields else {
        return Err(Failure::Nonsense);
    };
    let value = Bytes::copy_from_slice(bytes(value)?);
    let (fence, print) = (fence(number)?, fingerprint(print)?);
    let entry = Entry::new(fence, print, value, milliseconds(lifetime)?);
    Ok(entry.with_remaining(milliseconds(left)?))
}

fn bytes(value: &Value) -> Result<&[u8], Failure> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(Failure::Nonsense),
    }
}

/// Reads a fence, which the scripts keep in decimal digits.
fn fence(value: &Value) -> Result<Fence, Failure> {
    let digits = from_utf8(bytes(value)?).map_err(|_| Failure::Nonsense)?;
    let number = digits.parse().map_err(|_| Failure::Nonsense)?;
    Ok(Fence::new(number))
}

/// Reads a fingerprint of 32 hexadecimal digits.
fn fingerprint(value: &Value) -> Result<Fingerprint, Failure> {
    let digits = from_utf8(bytes(value)?).map_err(|_| Failure::Nonsense)?;
    let number = u128::from_str_radix(digits, 16).map_err(|_| Failure::Nonsense)?;
    Ok(Fingerprint::from_bytes(number.to_be_bytes()))
}

/// Reads a time left. A negative one is nonsense: the scripts return only times
/// that have not ended.
fn milliseconds(value: &Value) -> Result<Duration, Failure> {
    match value {
        Value::Int(number) => u64::try_from(*number)
            .map(Duration::from_millis)
            .map_err(|_| Failure::Nonsense),
        _ => Err(Failure::Nonsense),
    }
}
