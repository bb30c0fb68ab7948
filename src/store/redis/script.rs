//! The Lua scripts, and the keys that they work on.

use redis::{Cmd, ErrorKind, RedisResult, Script as Digest, ServerErrorKind, Value, cmd};

use crate::store::StoreKey;

/// The version of the keys and values. Stores of different versions do not see
/// each other's keys.
const VERSION: u32 = 1;

/// A Lua script, with the digest by which a server finds it after the first
/// run.
pub(super) struct Script {
    source: &'static str,
    /// SHA-1 in hexadecimal digits, as `EVALSHA` takes it.
    digest: String,
}

/// The scripts of the store: one for each operation, and two that a check runs.
/// Each consists of a common part and its own.
pub(super) struct Scripts {
    pub(super) get_or_lease: Script,
    pub(super) publish: Script,
    pub(super) abandon: Script,
    pub(super) permissions: Script,
    pub(super) reserve: Script,
    pub(super) refuse: Script,
    pub(super) slot_permissions: Script,
}

/// A script with its keys and arguments.
///
/// There is at least one key, and all keys have one hash tag: a cluster runs
/// the script on the node of the first key.
pub(super) struct Call<'a> {
    script: &'a Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            get_or_lease: Script::new(concat!(
                include_str!("lua/read.lua"),
                include_str!("lua/get_or_lease.lua")
            )),
            publish: Script::new(concat!(
                include_str!("lua/read.lua"),
                include_str!("lua/publish.lua")
            )),
            abandon: Script::new(concat!(
                include_str!("lua/read.lua"),
                include_str!("lua/abandon.lua")
            )),
            permissions: Script::new(concat!(
                include_str!("lua/denied.lua"),
                include_str!("lua/permissions.lua")
            )),
            reserve: Script::new(concat!(
                include_str!("lua/slots.lua"),
                include_str!("lua/reserve.lua")
            )),
            refuse: Script::new(concat!(
                include_str!("lua/slots.lua"),
                include_str!("lua/refuse.lua")
            )),
            slot_permissions: Script::new(concat!(
                include_str!("lua/denied.lua"),
                include_str!("lua/slot_permissions.lua")
            )),
        }
    }
}

impl Script {
    fn new(source: &'static str) -> Self {
        let digest = Digest::new(source).get_hash().to_owned();
        Self { source, digest }
    }

    /// Returns a call of this script on these keys, without arguments.
    pub(super) fn call(&self, keys: impl Into<Vec<String>>) -> Call<'_> {
        Call {
            script: self,
            keys: keys.into(),
            arguments: Vec::new(),
        }
    }
}

impl Call<'_> {
    /// Adds an argument: in the script, the next of `ARGV`.
    pub(super) fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs the script in one round trip, or in two if the server does not know
    /// it yet.
    ///
    /// The second one is an `EVAL`. The `SCRIPT LOAD` of [`redis::Script`]
    /// would take a third round trip and one more permission.
    pub(super) async fn run(
        &self,
        connection: &mut impl redis::aio::ConnectionLike,
    ) -> RedisResult<Value> {
        let known = self.command("EVALSHA", &self.script.digest);
        match known.query_async(connection).await {
            // The first run on this server, or the first since it restarted or
            // failed over.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let whole = self.command("EVAL", self.script.source);
                whole.query_async(connection).await
            }
            result => result,
        }
    }

    /// Returns the command `name` for this script, by its source or digest.
    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command
            .arg(script)
            .arg(self.keys.len())
            .arg(&self.keys)
            .arg(&self.arguments);
        command
    }
}

/// Returns the names of the four keys of one [`StoreKey`], in the order that
/// the scripts expect.
///
/// The braces are Redis Cluster's hash tag: they place all four in one hash
/// slot, as a script requires.
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
    fn the_keys_have_one_hash_tag_and_one_prefix() {
        let key = StoreKey::new("login.mypurecloud.ie", "id", "client_credentials");
        let names = names("tower-genesys", &key);
        let tag = format!("{{{key}}}");
        for (name, what) in names.iter().zip(["token", "lease", "cooldown", "fence"]) {
            assert_eq!(*name, format!("tower-genesys:1:{tag}:{what}"));
            assert_eq!(name.matches(['{', '}']).count(), 2);
        }
    }
}
