use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn key(client: &str) -> StoreKey {
    StoreKey::new("login.example", client, "client_credentials")
}

fn forms() -> Vec<Envelope> {
    vec![
        Envelope::Unsealed,
        #[cfg(feature = "seal")]
        Envelope::Sealed(KeyRing::parse(&sealing_key("new", 7)).unwrap()),
    ]
}

#[cfg(feature = "seal")]
fn sealing_key(id: &str, byte: u8) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("{id}:{}", STANDARD.encode([byte; 32]))
}

fn closed(envelope: &Envelope) -> Entry {
    let issued = IssuedToken::new("s3cr3t-token", HOUR);
    let remaining = HOUR - Duration::from_millis(1500);
    envelope
        .close(&key("id"), Fence::new(9), &issued, remaining)
        .unwrap()
}

fn refused(envelope: &Envelope, key: &StoreKey, entry: &Entry) -> StoreErrorKind {
    let error = envelope.open(key, entry).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    error.kind()
}

#[test]
fn what_was_closed_can_be_opened_with_its_whole_and_its_remaining_life() {
    for envelope in forms() {
        let opened = envelope.open(&key("id"), &closed(&envelope)).unwrap();
        assert_eq!(opened.expose(), "s3cr3t-token");
        assert_eq!(opened.lifetime(), HOUR);
        assert_eq!(opened.remaining(), HOUR - Duration::from_millis(1500));
    }
}

#[test]
fn no_byte_of_the_value_can_be_changed_or_left_out() {
    for envelope in forms() {
        let entry = closed(&envelope);
        for at in 0..entry.value.len() {
            let mut value = entry.value.to_vec();
            value[at] ^= 1;
            let changed = Entry {
                value: value.into(),
                ..entry.clone()
            };
            let kind = refused(&envelope, &key("id"), &changed);
            let expected = match at {
                2 | 3 => StoreErrorKind::Incompatible,
                _ => StoreErrorKind::Corrupt,
            };
            assert_eq!(kind, expected, "{envelope:?}, byte {at}");
            let cut = Entry {
                value: entry.value.slice(..at),
                ..entry.clone()
            };
            assert_eq!(
                refused(&envelope, &key("id"), &cut),
                StoreErrorKind::Corrupt
            );
        }
    }
}

#[test]
fn nothing_around_the_token_can_be_changed() {
    for envelope in forms() {
        let entry = closed(&envelope);
        let other = Entry {
            fence: entry.fence.next(),
            ..entry.clone()
        };
        assert_eq!(
            refused(&envelope, &key("id"), &other),
            StoreErrorKind::Corrupt
        );
        let other = Entry {
            lifetime: HOUR * 2,
            ..entry.clone()
        };
        assert_eq!(
            refused(&envelope, &key("id"), &other),
            StoreErrorKind::Corrupt
        );
        let other = Entry {
            fingerprint: Fingerprint::of("another"),
            ..entry.clone()
        };
        assert_eq!(
            refused(&envelope, &key("id"), &other),
            StoreErrorKind::Corrupt
        );
        let copied = refused(&envelope, &key("another"), &entry);
        assert_eq!(copied, StoreErrorKind::Corrupt, "from another key");
        let longer = Entry {
            remaining: HOUR * 9,
            ..entry
        };
        let opened = envelope.open(&key("id"), &longer).unwrap();
        assert_eq!(opened.remaining(), HOUR, "never more than the whole");
    }
}

#[cfg(feature = "seal")]
#[test]
fn a_value_in_the_other_form_is_not_believed() {
    let forms = forms();
    for (writer, reader) in [(0, 1), (1, 0)] {
        let entry = closed(&forms[writer]);
        let kind = refused(&forms[reader], &key("id"), &entry);
        assert_eq!(kind, StoreErrorKind::Incompatible);
    }
}

#[cfg(feature = "seal")]
#[test]
fn a_sealed_value_holds_no_part_of_the_token_and_is_another_one_each_time() {
    let sealed = &forms()[1];
    let (one, other) = (closed(sealed).value, closed(sealed).value);
    assert_ne!(one, other);
    for part in b"s3cr3t-token".windows(4) {
        assert!(!one.windows(4).any(|found| found == part));
    }
}

#[cfg(feature = "seal")]
#[test]
fn every_key_of_the_ring_opens_and_the_first_one_seals() {
    let ring = |keys: &[(&str, u8)]| {
        let keys: Vec<_> = keys
            .iter()
            .map(|(id, byte)| sealing_key(id, *byte))
            .collect();
        Envelope::Sealed(KeyRing::parse(&keys.join(",")).unwrap())
    };
    let (old, new) = (("old", 1), ("new", 2));
    let entry = closed(&ring(&[old, new]));
    for opens in [ring(&[old]), ring(&[new, old])] {
        assert!(opens.open(&key("id"), &entry).is_ok());
    }
    // A key of the same id that is another key, or none of that id.
    for wrong in [ring(&[new]), ring(&[("old", 2)])] {
        assert_eq!(refused(&wrong, &key("id"), &entry), StoreErrorKind::Corrupt);
    }
}

#[test]
fn what_cannot_be_sent_as_a_token_is_not_taken_for_one() {
    let envelope = Envelope::Unsealed;
    for text in ["", "a b", "a\r\nx: 1", "ä"] {
        let issued = IssuedToken::new(text, HOUR);
        let entry = envelope.close(&key("id"), Fence::new(1), &issued, HOUR);
        assert_eq!(
            refused(&envelope, &key("id"), &entry.unwrap()),
            StoreErrorKind::Corrupt
        );
    }
}
