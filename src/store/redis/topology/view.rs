//! A node's view of its cluster.

use std::collections::{BTreeMap, BTreeSet};

use redis::Value;

/// The number of hash slots, fixed for every cluster.
const HASH_SLOTS: usize = 16384;

/// A node's view of its cluster: the answer to `CLUSTER SLOTS`.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The hash slots of each primary, by the primary's id. A range includes
    /// both ends.
    ranges: BTreeMap<String, Vec<(u16, u16)>>,
    /// The ids of all nodes, primaries and replicas.
    ids: BTreeSet<String>,
    /// Host and port of all nodes that announce them.
    addresses: BTreeSet<(String, u16)>,
}

impl View {
    /// Reads the answer. `None` if it is malformed.
    pub(super) fn read(reply: Value) -> Option<Self> {
        let Value::Array(rows) = reply else {
            return None;
        };
        let mut view = Self::default();
        for row in rows {
            let Value::Array(fields) = row else {
                return None;
            };
            let [Value::Int(first), Value::Int(last), nodes @ ..] = &fields[..] else {
                return None;
            };
            let range = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
            if range.0 > range.1 || usize::from(range.1) >= HASH_SLOTS {
                return None;
            }
            let ids: Vec<_> = nodes.iter().filter_map(|node| view.add(node)).collect();
            // Redis lists the primary of a range first, then its replicas.
            let primary = ids.into_iter().next()?;
            view.ranges.entry(primary).or_default().push(range);
        }
        Some(view)
    }

    /// Adds a node, and returns its id.
    fn add(&mut self, node: &Value) -> Option<String> {
        let Value::Array(fields) = node else {
            return None;
        };
        let [host, Value::Int(port), Value::BulkString(id), ..] = &fields[..] else {
            return None;
        };
        let id = String::from_utf8_lossy(id).into_owned();
        self.ids.insert(id.clone());
        // A node without a host is the one that answered, whose address is
        // known.
        let port = u16::try_from(*port).ok();
        if let (Value::BulkString(host), Some(port)) = (host, port) {
            if !matches!(&host[..], b"" | b"?") {
                let host = String::from_utf8_lossy(host).into_owned();
                self.addresses.insert((host, port));
            }
        }
        Some(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns whether every hash slot has a primary.
    pub(super) fn is_complete(&self) -> bool {
        let all = self.ranges.values().flatten();
        let count: usize = all.map(|(first, last)| usize::from(last - first) + 1).sum();
        count >= HASH_SLOTS
    }

    /// Returns whether both views are of one cluster: they have a node in
    /// common. Addresses do not tell, since two clusters may announce the same.
    pub(super) fn is_of_the_same_cluster(&self, other: &Self) -> bool {
        !self.ids.is_disjoint(&other.ids)
    }

    pub(super) fn addresses(&self) -> Vec<(String, u16)> {
        self.addresses.iter().cloned().collect()
    }

    /// Returns the ranges of hash slots of each primary.
    pub(super) fn ranges(&self) -> Vec<Vec<(u16, u16)>> {
        self.ranges.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn node(host: Value, port: i64, id: &str) -> Value {
        Value::Array(vec![host, Value::Int(port), text(id), Value::Array(vec![])])
    }

    fn slots(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        let mut fields = vec![Value::Int(first), Value::Int(last)];
        fields.extend(nodes);
        Value::Array(fields)
    }

    #[test]
    fn all_slots_of_a_primary_are_one_part() {
        let one = || node(text("10.0.0.1"), 6379, "one");
        let view = View::read(Value::Array(vec![
            slots(0, 5000, vec![one(), node(text("10.0.0.3"), 6379, "three")]),
            slots(5001, 9000, vec![node(Value::Nil, 6379, "two")]),
            slots(9001, 16383, vec![one()]),
        ]));
        let view = view.unwrap();
        assert!(view.is_complete());
        let parts = vec![vec![(0, 5000), (9001, 16383)], vec![(5001, 9000)]];
        assert_eq!(view.ranges(), parts);
        let known = ["10.0.0.1", "10.0.0.3"].map(|host| (host.to_owned(), 6379));
        assert_eq!(view.addresses(), known);
    }

    #[test]
    fn a_hash_slot_without_a_node_is_missed() {
        let one = node(text("10.0.0.1"), 6379, "one");
        let view = View::read(Value::Array(vec![slots(0, 16382, vec![one])])).unwrap();
        assert!(!view.is_complete());
        assert!(View::read(Value::Array(vec![])).unwrap().is_empty());
    }

    #[test]
    fn clusters_without_a_node_in_common_are_two() {
        let of = |ids: [&str; 2]| {
            let nodes = ids.map(|id| node(text("10.0.0.1"), 6379, id)).to_vec();
            View::read(Value::Array(vec![slots(0, 16383, nodes)])).unwrap()
        };
        assert!(of(["one", "two"]).is_of_the_same_cluster(&of(["two", "three"])));
        assert!(!of(["one", "two"]).is_of_the_same_cluster(&of(["three", "four"])));
    }

    #[test]
    fn what_is_no_answer_of_a_cluster_is_none() {
        for reply in [
            Value::Nil,
            Value::Okay,
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![slots(0, 70000, vec![node(text("h"), 1, "id")])]),
            Value::Array(vec![slots(0, 1, vec![])]),
            Value::Array(vec![slots(0, 1, vec![Value::Int(1)])]),
        ] {
            assert!(View::read(reply.clone()).is_none(), "{reply:?}");
        }
    }
}
