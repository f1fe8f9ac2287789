//! What is computed of a schema at compile time: that no metric occurs twice, and its hash.

use super::reduction::Reduce;
use super::schema::{Entry, Field, Schema};

impl Schema {
    /// Fails, at compile time where it is evaluated there, if two metrics of one group have the same name.
    ///
    /// # Panics
    /// With the group and name of the first metric that occurs twice.
    #[track_caller]
    pub const fn check(&self) {
        let count = self.count();
        let mut index = 1;
        while index < count {
            let (group, name) = self.metric(index);
            let mut earlier = 0;
            while earlier < index {
                let (other_group, other_name) = self.metric(earlier);
                if same(group, other_group) && same(name, other_name) {
                    twice(group, name);
                }
                earlier += 1;
            }
            index += 1;
        }
    }

    /// A number that two schemas share only if they have the same metrics in the same order (64-bit FNV-1a).
    pub const fn hash(&self) -> u64 {
        hash_entries(self.entries, 0xcbf2_9ce4_8422_2325)
    }

    /// The number of metrics.
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

    /// The group and name of a metric.
    const fn metric(&self, mut metric: usize) -> (&'static str, &'static str) {
        let mut index = 0;
        while index < self.entries.len() {
            match &self.entries[index] {
                Entry::Field(Field { group, metrics, .. }) => {
                    if metric < metrics.len() {
                        return (group, metrics[metric].name);
                    }
                    metric -= metrics.len();
                }
                Entry::Flatten(schema) => {
                    let count = schema.count();
                    if metric < count {
                        return schema.metric(metric);
                    }
                    metric -= count;
                }
                Entry::BatchSize => {}
            }
            index += 1;
        }
        ("", "")
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

/// Panics with the metric's name: a constant's panic takes one text, put together by hand.
#[expect(clippy::panic, reason = "the panic of a constant is a compile error")]
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

/// The bytes, and an end that no name has.
const fn hash_bytes(bytes: &[u8], mut hash: u64) -> u64 {
    let mut index = 0;
    while index <= bytes.len() {
        let byte = if index < bytes.len() { bytes[index] } else { 0xff };
        hash = (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}
