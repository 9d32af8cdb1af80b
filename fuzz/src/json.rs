//! Mutation of JSON as a tree: what comes out is JSON again, most of the time.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::Value;

use crate::chance::Chance;

/// Numbers at which readers fail.
const NUMBERS: [f64; 8] = [0.0, -1.0, 1.0, 65_536.0, 4_294_967_296.0, 1.8e19, -9.3e18, 1e300];
/// Bytes that one text may grow by.
const GROWTH: usize = 32;

/// Mutates `data[..size]` in place; gives its new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut chance = Chance::new(seed);
    let tree = serde_json::from_slice::<Value>(&data[..size]).ok().filter(|_| chance.below(4) != 0);
    let Some(mut tree) = tree else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..=chance.below(3) {
        let all = count(&tree);
        let donor = nth(&mut tree, &mut chance.below(all)).map(|node| node.clone());
        if let Some(node) = nth(&mut tree, &mut chance.below(all)) {
            change(node, donor.unwrap_or_default(), &mut chance);
        }
    }
    let out = serde_json::to_vec(&tree).unwrap_or_default();
    if out.len() > max_size || out.is_empty() {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..out.len()].copy_from_slice(&out);
    out.len()
}

/// Nodes of a tree.
fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The node of that number, from the root.
fn nth<'a>(tree: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(tree);
    }
    *number -= 1;
    match tree {
        Value::Array(list) => list.iter_mut().find_map(|one| nth(one, number)),
        Value::Object(map) => map.values_mut().find_map(|one| nth(one, number)),
        _ => None,
    }
}

fn change(node: &mut Value, donor: Value, chance: &mut Chance) {
    match (chance.below(4), node) {
        (0, node) => *node = donor,
        (_, Value::Array(list)) => change_list(list, donor, chance),
        (_, Value::Object(map)) => change_map(map, donor, chance),
        (_, Value::String(text)) => rewrite(text),
        (_, Value::Bool(truth)) => *truth = !*truth,
        (_, node @ Value::Number(_)) => {
            let near = node.as_i64().and_then(|number| number.checked_add(chance.below(5) as i64 - 2));
            let far = chance.of(&NUMBERS).unwrap_or_default();
            *node = near.filter(|_| chance.below(2) == 0).map_or_else(|| Value::from(far), Value::from);
        }
        (_, node) => *node = donor,
    }
}

fn change_list(list: &mut Vec<Value>, donor: Value, chance: &mut Chance) {
    let at = chance.below(list.len());
    match chance.below(4) {
        0 if !list.is_empty() => drop(list.remove(at)),
        1 if !list.is_empty() => list.insert(at, list[at].clone()),
        2 if !list.is_empty() => list.swap(at, 0),
        _ => list.insert(at, donor),
    }
}

fn change_map(map: &mut serde_json::Map<String, Value>, donor: Value, chance: &mut Chance) {
    let Some(key) = map.keys().nth(chance.below(map.len())).cloned() else { return };
    let value = map.remove(&key).unwrap_or_default();
    match chance.below(3) {
        0 => {}
        1 => drop(map.insert(key, donor)),
        _ => {
            let mut name = key;
            rewrite(&mut name);
            map.insert(name, value);
        }
    }
}

fn rewrite(text: &mut String) {
    let mut bytes = std::mem::take(text).into_bytes();
    let (len, most) = (bytes.len(), bytes.len() + GROWTH);
    bytes.resize(most, 0);
    let len = fuzzer_mutate(&mut bytes, len, most);
    bytes.truncate(len);
    *text = String::from_utf8_lossy(&bytes).into_owned();
}
