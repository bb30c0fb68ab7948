use crate::store::StoreKey;

/// The version of the keys and values. Stores of different versions do not see
/// each other's keys.
const VERSION: u32 = 1;

/// Returns the names of the four keys of one [`StoreKey`], in the order that
/// the scripts expect.
///
/// The braces are Redis Cluster's hash tag: they place all four in one slot, as
/// a script requires.
pub(super) fn names(prefix: &str, key: &StoreKey) -> [String; 4] {
    ["token", "lease", "cooldown", "fence"]
        .map(|what| format!("{prefix}:{VERSION}:{{{key}}}:{what}"))
}

/// Returns the names of the four keys of a book, in the order that its scripts
/// expect.
pub(super) fn names_of_book(prefix: &str, key: &StoreKey) -> [String; 4] {
    ["slots", "owners", "paid", "book"].map(|what| format!("{prefix}:{VERSION}:{{{key}}}:{what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn have_one_hash_tag_and_one_prefix() {
        let key = StoreKey::new("login.mypurecloud.ie", "id", "client_credentials");
        let names = names("tower-genesys", &key);
        let tag = format!("{{{key}}}");
        for (name, what) in names.iter().zip(["token", "lease", "cooldown", "fence"]) {
            assert_eq!(*name, format!("tower-genesys:1:{tag}:{what}"));
            assert_eq!(name.matches(['{', '}']).count(), 2);
        }
    }
}
