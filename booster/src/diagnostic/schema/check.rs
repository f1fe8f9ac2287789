//! Compile-time functions of a schema: a check for duplicate metrics, and the hash. Both run in linear time.

use super::{Entry, Field, Schema};
use crate::diagnostic::reduction::Reduce;

/// The FNV-1a offset basis.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

impl Schema {
    /// Checks that no two metrics of a group have the same name. In a constant, the panic is a compile error.
    ///
    /// # Panics
    /// Panics if a metric is declared twice. The message contains its group and name.
    #[track_caller]
    #[expect(clippy::large_stack_arrays, reason = "constants cannot allocate")]
    pub const fn check(&self) {
        // A constant cannot allocate, so the table has a fixed size and larger schemas are checked in several turns.
        let turns = self.count() as u64 / (SLOTS as u64 / 2) + 1;
        let mut turn = 0;
        while turn < turns {
            let mut table = Table { slots: [None; SLOTS], turn, turns };
            table.enter(self.entries);
            turn += 1;
        }
    }

    /// Returns a hash of the metrics and their order (64-bit FNV-1a).
    pub const fn hash(&self) -> u64 {
        hash_entries(self.entries, SEED)
    }

    /// Returns the number of metrics.
    const fn count(&self) -> usize {
        let mut count = 0;
        let mut index = 0;
        while index < self.entries.len() {
            count += match &self.entries[index] {
                Entry::Field(field) => field.metrics.len(),
                Entry::Flatten(schema) => schema.count(),
                Entry::BatchSize => 0,
            };
            index += 1;
        }
        count
    }
}

const SLOTS: usize = 2048;

/// A hash table of metrics, by group and name.
struct Table {
    slots: [Option<(&'static str, &'static str)>; SLOTS],
    /// The current turn, out of `turns`. Only metrics whose hash belongs to this turn are entered.
    turn: u64,
    turns: u64,
}

impl Table {
    #[track_caller]
    const fn enter(&mut self, entries: &'static [Entry]) {
        let mut index = 0;
        while index < entries.len() {
            match &entries[index] {
                Entry::Field(Field { group, metrics, .. }) => {
                    let hash = hash_bytes(group.as_bytes(), SEED);
                    let mut metric = 0;
                    while metric < metrics.len() {
                        self.enter_metric(group, metrics[metric].name, hash);
                        metric += 1;
                    }
                }
                Entry::Flatten(schema) => self.enter(schema.entries),
                Entry::BatchSize => {}
            }
            index += 1;
        }
    }

    #[track_caller]
    const fn enter_metric(&mut self, group: &'static str, name: &'static str, hash: u64) {
        let hash = hash_bytes(name.as_bytes(), hash);
        if hash % self.turns != self.turn {
            return;
        }
        let mut slot = (hash / self.turns) as usize % SLOTS;
        while let Some((other_group, other_name)) = self.slots[slot] {
            if same(group, other_group) && same(name, other_name) {
                twice(group, name);
            }
            slot = (slot + 1) % SLOTS;
        }
        self.slots[slot] = Some((group, name));
    }
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Panics with the metric's name. Constants cannot format, so the message is assembled by hand.
#[expect(clippy::panic, reason = "a panic in a constant is a compile error")]
#[track_caller]
const fn twice(group: &str, name: &str) -> ! {
    let mut text = [b' '; 256];
    let parts: [&[u8]; 5] =
        [b"metric `", group.as_bytes(), b"/", name.as_bytes(), b"` is declared twice: rename one or change its group"];
    let (mut part, mut length) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() && length < text.len() {
            text[length] = parts[part][index];
            length += 1;
            index += 1;
        }
        part += 1;
    }
    match std::str::from_utf8(text.split_at(length).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a metric is declared twice"),
    }
}

const fn hash_entries(entries: &[Entry], mut hash: u64) -> u64 {
    let mut index = 0;
    while index < entries.len() {
        hash = match &entries[index] {
            Entry::Field(field) => hash_field(field, hash),
            Entry::Flatten(schema) => hash_entries(schema.entries, hash),
            Entry::BatchSize => hash,
        };
        index += 1;
    }
    hash
}

const fn hash_field(field: &Field, hash: u64) -> u64 {
    let mut hash = hash_bytes(field.group.as_bytes(), hash);
    hash = hash_bytes(&[field.optional as u8, field.samples as u8], hash);
    let mut index = 0;
    while index < field.metrics.len() {
        hash = hash_bytes(field.metrics[index].name.as_bytes(), hash);
        hash = hash_reduce(&field.metrics[index].reduce, hash);
        index += 1;
    }
    hash
}

const fn hash_reduce(reduce: &Reduce, hash: u64) -> u64 {
    let mut hash = hash_bytes(reduce.name().as_bytes(), hash);
    let mut index = 0;
    while index < reduce.parameters().len() {
        hash = hash_bytes(&reduce.parameters()[index].to_bits().to_le_bytes(), hash);
        index += 1;
    }
    hash
}

/// Hashes the bytes and a terminator, 0xff, which no name contains.
const fn hash_bytes(bytes: &[u8], mut hash: u64) -> u64 {
    let mut index = 0;
    while index <= bytes.len() {
        let byte = if index < bytes.len() { bytes[index] } else { 0xff };
        hash = (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Metric;
    use crate::diagnostic::reduction::Mean;

    /// Builds a schema with one field per name, all in one group.
    fn schema(names: impl Iterator<Item = String>) -> Schema {
        let field = |name: String| {
            let name: &'static str = name.leak();
            let metrics = vec![Metric { name, reduce: Reduce::of::<Mean>() }].leak();
            Entry::Field(Field { group: "loss", name, optional: false, samples: false, metrics })
        };
        Schema { entries: names.map(field).collect::<Vec<_>>().leak() }
    }

    fn both(first: Schema, second: Schema) -> Schema {
        Schema { entries: vec![Entry::Flatten(first), Entry::Flatten(second)].leak() }
    }

    fn numbered(range: std::ops::Range<usize>) -> Schema {
        schema(range.map(|number| format!("metric_{number}")))
    }

    #[test]
    fn names_that_differ_pass_however_many() {
        for count in [0, 1, SLOTS / 2, SLOTS, 5 * SLOTS] {
            both(numbered(0..count), numbered(count..2 * count)).check();
        }
    }

    #[test]
    fn one_name_in_two_parts_is_found_however_many() {
        for count in [1, SLOTS / 2, SLOTS, 5 * SLOTS] {
            for twice in [0, count / 2, count - 1] {
                let again = schema([format!("metric_{twice}")].into_iter());
                let panic = std::panic::catch_unwind(|| both(numbered(0..count), again).check()).unwrap_err();
                let text = panic.downcast_ref::<String>().unwrap();
                assert_eq!(
                    *text,
                    format!("metric `loss/metric_{twice}` is declared twice: rename one or change its group")
                );
            }
        }
    }
}
