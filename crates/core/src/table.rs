//! One kind of row, as it was loaded and as it is being changed.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

/// Rows of one kind by key. `None` as a value means: looked for, and absent.
///
/// Three layers: what the store has (`base`), what the action at hand has written (`pending`), and which keys of `base`
/// have been written since the last [`Table::take_changes`] (`changed`).
#[derive(Debug, Clone)]
pub struct Table<K, V> {
    base: HashMap<K, Option<V>>,
    pending: HashMap<K, Option<V>>,
    changed: BTreeSet<K>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            base: HashMap::new(),
            pending: HashMap::new(),
            changed: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord, V> Table<K, V> {
    /// The row, if its key was loaded or written: `None` when unknown, `Some(None)` when known to be absent.
    pub fn get(&self, key: &K) -> Option<Option<&V>> {
        self.pending
            .get(key)
            .or_else(|| self.base.get(key))
            .map(Option::as_ref)
    }

    /// Whether the key was loaded or written.
    pub fn knows(&self, key: &K) -> bool {
        self.pending.contains_key(key) || self.base.contains_key(key)
    }

    /// Takes what the store has for a key. What is known already is newer and stays.
    pub fn load(&mut self, key: K, row: Option<V>) {
        self.base.entry(key).or_insert(row);
    }

    /// Writes a row, or with `None` removes it.
    pub fn put(&mut self, key: K, row: Option<V>) {
        self.pending.insert(key, row);
    }

    /// The action at hand is accepted.
    pub fn settle(&mut self) {
        for (key, row) in self.pending.drain() {
            self.changed.insert(key.clone());
            self.base.insert(key, row);
        }
    }

    /// The action at hand is refused: what it wrote never was.
    pub fn undo(&mut self) {
        self.pending.clear();
    }

    /// What was written since the last call, in the order of the keys.
    pub fn take_changes(&mut self) -> Vec<(K, Option<V>)>
    where
        V: Clone,
    {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|key| {
                let row = self.base.get(&key).cloned().flatten();
                (key, row)
            })
            .collect()
    }

    /// Every row that is known and present.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let base = self
            .base
            .iter()
            .filter(|(key, _)| !self.pending.contains_key(key));
        base.chain(&self.pending)
            .filter_map(|(key, row)| Some((key, row.as_ref()?)))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.base.clear();
        self.pending.clear();
        self.changed.clear();
    }

    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_action_leaves_nothing_and_an_accepted_one_everything() {
        let mut table = Table::default();
        table.load(1, Some("a"));
        table.put(1, Some("b"));
        assert_eq!(table.get(&1), Some(Some(&"b")));
        table.undo();
        assert_eq!(table.get(&1), Some(Some(&"a")));
        assert!(table.take_changes().is_empty());
        table.put(1, None);
        table.put(2, Some("c"));
        table.settle();
        assert_eq!(table.get(&1), Some(None));
        assert_eq!(table.take_changes(), [(1, None), (2, Some("c"))]);
        assert!(table.take_changes().is_empty());
    }

    #[test]
    fn what_is_known_is_newer_than_what_is_loaded() {
        let mut table = Table::default();
        table.put(1, Some("new"));
        table.settle();
        table.load(1, Some("old"));
        assert_eq!(table.get(&1), Some(Some(&"new")));
        assert_eq!(table.get(&2), None);
    }
}
