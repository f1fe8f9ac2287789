//! Reference numbers computed by other programs, from `figures/`.

use booster::tch::{Kind, Tensor};
use serde_json::Value;

/// Named numbers, in groups.
#[derive(Clone, Debug)]
pub struct Figures(Value);

impl Figures {
    /// Reads the figures written by `python/NAME.py`.
    ///
    /// # Errors
    /// Returns an error if the file is missing or damaged.
    pub fn read(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let path = format!("{}/figures/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Ok(Self(serde_json::from_str(&std::fs::read_to_string(path)?)?))
    }

    /// Returns the figures under a name, or an empty value, which matches nothing, if there are none.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        Self(self.0[name].clone())
    }

    /// All numbers of a nested list, in order; NaN for anything else.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        match &self.0 {
            Value::Array(entries) => entries.iter().flat_map(|entry| Self(entry.clone()).numbers()).collect(),
            value => vec![value.as_f64().unwrap_or(f64::NAN)],
        }
    }

    /// The lengths of nested lists.
    #[must_use]
    pub fn shape(&self) -> Vec<i64> {
        let mut shape = Vec::new();
        let mut value = &self.0;
        while let Value::Array(entries) = value {
            shape.push(entries.len() as i64);
            value = entries.first().unwrap_or(&Value::Null);
        }
        shape
    }

    /// The names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
    }

    /// The numbers as a tensor in the shape of their lists.
    pub fn tensor(&self, kind: Kind) -> Tensor {
        Tensor::from_slice(&self.numbers()).to_kind(kind).reshape(self.shape())
    }

    /// Asserts that a tensor has these numbers, within a `relative` plus an `absolute` tolerance; the latter allows for
    /// cancellation of larger terms.
    ///
    /// # Panics
    /// Panics at the first number that differs.
    pub fn assert_close(&self, found: &Tensor, [relative, absolute]: [f64; 2], what: &str) {
        let found = Vec::<f64>::try_from(&found.to_kind(Kind::Double).flatten(0, -1)).unwrap_or_default();
        let expected = self.numbers();
        assert_eq!(found.len(), expected.len(), "{what}");
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let close = (found - expected).abs() <= relative * expected.abs() + absolute;
            assert!(close, "{what}[{index}]: {found:e}, expected {expected:e}");
        }
    }
}
