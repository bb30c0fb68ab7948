//! The format of a file: a line that tells what it is, and JSON.
//!
//! Version and digest come before the JSON is parsed, so that a file of another
//! version or a damaged one is never taken for a record.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    store::{
        Entry, Fence, Lease, Owner, StoreErrorKind,
        record::{Record, Span},
    },
    token::Fingerprint,
};

/// The version of the first line and of the JSON after it.
const VERSION: &str = "1";
const FRAME: Frame = Frame::new("token");
/// Above any fence that a clock can produce, and low enough that arithmetic on
/// it cannot overflow.
const HIGHEST_FENCE: u64 = u64::MAX / 2;

/// The first line of a file: its kind, its version, and a digest of the rest,
/// which reveals damage.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    /// What the file contains, such as `token`. So a login is not taken for a
    /// token.
    kind: &'static str,
}

/// The JSON of a file. Times are in milliseconds since 1970, bytes in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    token: Option<TokenState>,
    lease: Option<LeaseState>,
    cooldown: Option<SpanState>,
    last_fence: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenState {
    fence: u64,
    fingerprint: String,
    /// The token as the sharing closed it, sealed or in plain text.
    value: String,
    lifetime: u64,
    /// When it is valid by the machine's clock.
    span: SpanState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaseState {
    owner: String,
    fence: u64,
    span: SpanState,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanState {
    from: u64,
    until: u64,
}

impl Frame {
    pub(crate) const fn new(kind: &'static str) -> Self {
        Self { kind }
    }

    /// Returns the bytes of a file with this JSON.
    pub(crate) fn around(self, json: &str) -> Vec<u8> {
        let kind = self.kind;
        format!("tower-genesys {kind} {VERSION} {}\n{json}", digest(json)).into_bytes()
    }

    /// Returns the JSON of a file. The error says why it is unreadable.
    pub(crate) fn within(self, bytes: &[u8]) -> Result<&str, StoreErrorKind> {
        let text = std::str::from_utf8(bytes).map_err(|_| StoreErrorKind::Corrupt)?;
        let (head, json) = text.split_once('\n').ok_or(StoreErrorKind::Corrupt)?;
        let head = head.strip_prefix("tower-genesys ");
        let rest = head.and_then(|head| head.strip_prefix(self.kind)?.strip_prefix(' '));
        let rest = rest.ok_or(StoreErrorKind::Corrupt)?;
        let version = rest.strip_prefix(VERSION);
        // The version decides first: only this one's digest is known.
        let Some(expected) = version.and_then(|rest| rest.strip_prefix(' ')) else {
            return Err(StoreErrorKind::Incompatible);
        };
        match expected == digest(json) {
            true => Ok(json),
            false => Err(StoreErrorKind::Corrupt),
        }
    }
}

/// Returns the bytes of the file.
pub(super) fn write(record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    let state = State {
        token: record.entry.as_ref().map(token_state),
        lease: record.lease.as_ref().map(|(lease, span)| LeaseState {
            owner: STANDARD.encode(lease.owner.as_bytes()),
            fence: lease.fence.get(),
            span: span_state(*span),
        }),
        cooldown: record.cooldown.map(span_state),
        last_fence: record.last.get(),
    };
    let json = serde_json::to_string(&state)?;
    Ok(FRAME.around(&json))
}

/// Reads a file. The error says why it is unreadable.
pub(super) fn read(bytes: &[u8]) -> Result<Record, StoreErrorKind> {
    let json = FRAME.within(bytes)?;
    let state = serde_json::from_str(json).map_err(|_| StoreErrorKind::Corrupt)?;
    record(state).ok_or(StoreErrorKind::Corrupt)
}

/// A field that cannot be read makes the whole record unreadable: a record
/// without its lease or fence would break the order of tokens.
fn record(state: State) -> Option<Record> {
    Some(Record {
        entry: match state.token {
            Some(token) => Some(entry(&token)?),
            None => None,
        },
        lease: match state.lease {
            Some(state) => {
                let owner = Owner::from_bytes(bytes(&state.owner)?.try_into().ok()?);
                let lease = Lease::new(owner, fence(state.fence)?);
                Some((lease, span(state.span)))
            }
            None => None,
        },
        cooldown: state.cooldown.map(span),
        last: fence(state.last_fence)?,
    })
}

fn token_state((entry, span): &(Entry, Span)) -> TokenState {
    TokenState {
        fence: entry.fence.get(),
        fingerprint: STANDARD.encode(entry.fingerprint.as_bytes()),
        value: STANDARD.encode(&entry.value),
        lifetime: rounded_up(entry.lifetime),
        span: span_state(*span),
    }
}

fn entry(token: &TokenState) -> Option<(Entry, Span)> {
    let span = span(token.span);
    let entry = Entry::new(
        fence(token.fence)?,
        Fingerprint::from_bytes(bytes(&token.fingerprint)?.try_into().ok()?),
        bytes(&token.value)?,
        Duration::from_millis(token.lifetime),
    )
    // The record ignores this, and reads the span.
    .with_remaining(span.until.saturating_sub(span.from));
    Some((entry, span))
}

fn span(state: SpanState) -> Span {
    Span {
        from: Duration::from_millis(state.from),
        until: Duration::from_millis(state.until),
    }
}

/// Rounds down, so that nothing lasts longer than intended.
fn span_state(span: Span) -> SpanState {
    SpanState {
        from: rounded_down(span.from),
        until: rounded_down(span.until),
    }
}

/// Returns the fence, unless the number is implausible.
fn fence(number: u64) -> Option<Fence> {
    (number <= HIGHEST_FENCE).then(|| Fence::new(number))
}

fn bytes(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64).ok()
}

fn digest(json: &str) -> String {
    STANDARD.encode(Sha256::digest(json))
}

/// Returns whole milliseconds.
fn rounded_down(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns whole milliseconds. For the full lifetime, so that the remaining one
/// never exceeds it.
fn rounded_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
