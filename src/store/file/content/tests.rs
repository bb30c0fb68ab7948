use super::*;
use crate::store::{Claim, Lookup};

const NOW: Duration = Duration::from_nanos(1_800_000_000_123_456_789);
const LIFE: Duration = Duration::from_secs(86_400);

/// With a token, a lease and a cooldown.
fn full() -> Record {
    let mut record = Record::default();
    let (fence, print) = (Fence::new(1_800_000_000_123), Fingerprint::of("token"));
    let entry = Entry::new(fence, print, &b"\0token\xff"[..], LIFE);
    record.put(&entry, NOW);
    record.cooldown = Some(Span::new(NOW, LIFE));
    let lease = Lease::new(Owner::from_bytes([7; 16]), Fence::new(1_800_000_000_124));
    record.lease = Some((lease, Span::new(NOW, LIFE)));
    record
}

#[test]
fn what_was_written_is_read_in_whole_milliseconds_and_lasts_no_longer() {
    let (written, read) = (full(), read(&write(&full()).unwrap()).unwrap());
    let (entry, span) = read.entry.as_ref().unwrap();
    let (expected, _) = written.entry.as_ref().unwrap();
    assert_eq!(
        (entry.fence, entry.fingerprint, &entry.value, entry.lifetime),
        (
            expected.fence,
            expected.fingerprint,
            &expected.value,
            expected.lifetime
        )
    );
    let (lease, leased) = read.lease.unwrap();
    let spans = [*span, leased, read.cooldown.unwrap()];
    assert_eq!(lease, written.lease.unwrap().0);
    for span in spans {
        let left = span.left(NOW);
        assert!(left <= LIFE && left > LIFE - Duration::from_millis(1));
    }
    assert_eq!(read.last, written.last);
}

#[test]
fn every_shorter_file_is_corrupt() {
    let whole = write(&full()).unwrap();
    for end in 0..whole.len() {
        assert_eq!(
            read(&whole[..end]).unwrap_err(),
            StoreErrorKind::Corrupt,
            "{end}"
        );
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let whole = write(&full()).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "{at}");
    }
}

#[test]
fn another_version_is_incompatible_and_anything_else_corrupt() {
    use StoreErrorKind::{Corrupt, Incompatible};
    let sealed_by_digest = |json: &str| String::from_utf8(FRAME.around(json)).unwrap();
    let huge = format!(
        r#"{{"token":null,"lease":null,"cooldown":null,"last_fence":{}}}"#,
        u64::MAX
    );
    for (content, expected) in [
        ("tower-genesys token 2 abc\n{}".into(), Incompatible),
        (String::new(), Corrupt),
        ("{}".into(), Corrupt),
        ("[default]\nclient_id = 1\n".into(), Corrupt),
        (sealed_by_digest("{}"), Corrupt),
        (sealed_by_digest(&huge), Corrupt),
    ] {
        assert_eq!(
            read(content.as_bytes()).unwrap_err(),
            expected,
            "{content:?}"
        );
    }
}

#[test]
fn an_empty_slot_grants_a_lease_when_it_was_read() {
    let mut record = read(&write(&Record::default()).unwrap()).unwrap();
    let claim = Claim::new(Owner::from_bytes([1; 16]), LIFE);
    assert!(matches!(
        record.get_or_lease(&claim, NOW),
        Lookup::Leased(_)
    ));
}
