//! A frozen map from keys to lists of triggers.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Keys come from rules only, never from the wire, so the hash needs no secret.
pub(crate) type Hasher = foldhash::fast::FixedState;

/// Map from a key to the triggers that it sets off.
#[derive(Debug)]
pub(crate) struct Table<K> {
    map: HashMap<K, (u32, u32), Hasher>,
    items: Box<[u32]>,
}

impl<K: Hash + Eq + Ord> Table<K> {
    pub(crate) fn new(mut pairs: Vec<(K, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut map = HashMap::with_capacity_and_hasher(pairs.len(), Hasher::default());
        let mut items = Vec::with_capacity(pairs.len());
        for (key, item) in pairs {
            let end = items.len() as u32;
            map.entry(key).or_insert((end, end)).1 += 1;
            items.push(item);
        }
        map.shrink_to_fit();
        Self { map, items: items.into_boxed_slice() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> &[u32]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let range = self.map.get(key).map(|(from, to)| *from as usize..*to as usize);
        range.and_then(|range| self.items.get(range)).unwrap_or_default()
    }
}
