use std::collections::HashMap;

use redis::{Value, aio::MultiplexedConnection, cmd, from_redis_value};

/// A server's description of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) mode: Mode,
    pub(super) is_replica: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// A single server, or one whose mode is unknown.
    #[default]
    Alone,
    Cluster,
    Sentinel,
}

/// Asks a server for its mode and role by `HELLO`, the only such command that
/// needs no permission.
///
/// A proxy that does not know the command counts as a single server.
pub(super) async fn ask(connection: &mut MultiplexedConnection) -> Hello {
    match cmd("HELLO").query_async::<Value>(connection).await {
        Ok(reply) => read(reply),
        Err(_) => Hello::default(),
    }
}

fn read(reply: Value) -> Hello {
    let fields: HashMap<String, Value> = from_redis_value(reply).unwrap_or_default();
    let is = |name: &str, text: &str| matches!(fields.get(name), Some(Value::BulkString(value)) if value == text.as_bytes());
    Hello {
        mode: if is("mode", "cluster") {
            Mode::Cluster
        } else if is("mode", "sentinel") {
            Mode::Sentinel
        } else {
            Mode::Alone
        },
        is_replica: is("role", "replica") || is("role", "slave"),
    }
}
