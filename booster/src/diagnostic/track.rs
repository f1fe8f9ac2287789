//! What an aggregator keeps of one field.

use std::fmt;

use tch::{Device, Kind, Tensor};

use super::chunk::Chunk;
use super::leaf::{LeafRef, LeafValue};
use super::reduction::STATE_LENGTH;
use super::samples::Samples;
use super::schema::Field;
use super::weights::{Ratio, Weighted};
use crate::batch::to_device;
use crate::error::{Error, Result};

/// The running state of one field: handles to the values of recent updates, and one state per metric for all before.
#[derive(Debug)]
pub(crate) struct Track {
    field: &'static Field,
    /// What the field's values are like, from the first one on.
    nature: Option<Nature>,
    pending: Vec<Pending>,
    /// One state per metric, once there was a value.
    states: Option<Vec<Tensor>>,
}

/// A value that is not reduced yet.
#[derive(Debug)]
struct Pending {
    value: LeafValue,
    /// How many samples its diagnostics stand for.
    samples: Samples,
}

/// What all values of a field have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Nature {
    /// Numbers on the host.
    Numbers,
    /// 0-dimensional tensors.
    Scalars,
    /// Tensors `[batch, *dims]`, with these dims.
    Samples(Vec<i64>),
    /// 0-dimensional weighted values.
    WeightedScalars,
    /// Weighted values `[batch, *dims]`, with these dims.
    Weighted(Vec<i64>),
    /// Ratios of any shape.
    Ratios,
}

impl Nature {
    fn of(leaf: LeafRef<'_>) -> Option<Self> {
        match leaf {
            LeafRef::Absent => None,
            LeafRef::Tensor(tensor) => Some(match tensor.size().split_first() {
                None => Self::Scalars,
                Some((_, dims)) => Self::Samples(dims.to_vec()),
            }),
            LeafRef::Weighted(Weighted { value, .. }) => Some(match value.size().split_first() {
                None => Self::WeightedScalars,
                Some((_, dims)) => Self::Weighted(dims.to_vec()),
            }),
            LeafRef::Ratio(_) => Some(Self::Ratios),
            LeafRef::Float(_) | LeafRef::Integer(_) | LeafRef::Boolean(_) | LeafRef::Duration(_) => Some(Self::Numbers),
        }
    }
}

impl fmt::Display for Nature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |dims: &[i64]| {
            let dims = dims.iter().map(ToString::to_string);
            format!("[{}]", std::iter::once("batch".to_owned()).chain(dims).collect::<Vec<_>>().join(", "))
        };
        match self {
            Self::Numbers => formatter.write_str("a number"),
            Self::Scalars => formatter.write_str("a 0-dimensional tensor"),
            Self::Samples(dims) => write!(formatter, "a tensor of shape {}", shape(dims)),
            Self::WeightedScalars => formatter.write_str("a 0-dimensional weighted value"),
            Self::Weighted(dims) => write!(formatter, "weighted values of shape {}", shape(dims)),
            Self::Ratios => formatter.write_str("a ratio"),
        }
    }
}

impl Track {
    pub(crate) fn new(field: &'static Field) -> Self {
        Self { field, nature: None, pending: Vec::new(), states: None }
    }

    pub(crate) fn field(&self) -> &'static Field {
        self.field
    }

    /// Checks that a value is like those before it. Nothing is changed.
    pub(crate) fn check(&self, leaf: LeafRef<'_>) -> Result<()> {
        if let Some(kind) = leaf.kinds().find(|&kind| !is_real(kind)) {
            return Err(self.error("a tensor of a real or bool kind", format!("kind {kind:?}")));
        }
        if let LeafRef::Weighted(weighted) = leaf
            && !weighted.fits()
        {
            return Err(self.error("weights of the values' shape or its first dimensions", leaf));
        }
        match (&self.nature, Nature::of(leaf)) {
            (Some(expected), Some(found)) if *expected != found => {
                Err(self.error(format_args!("{expected}, as in the updates before"), leaf))
            }
            _ => Ok(()),
        }
    }

    /// Takes a value that was checked.
    pub(crate) fn push(&mut self, leaf: LeafRef<'_>, samples: &Samples) -> Result<()> {
        let Some(nature) = Nature::of(leaf) else { return Ok(()) };
        let value = match leaf {
            LeafRef::Tensor(tensor) => LeafValue::Tensor(without_graph(tensor)?),
            LeafRef::Weighted(Weighted { value, weight }) => {
                LeafValue::Weighted(Weighted::new(without_graph(value)?, without_graph(weight)?))
            }
            LeafRef::Ratio(Ratio { numerator, denominator }) => {
                LeafValue::Ratio(Ratio::new(without_graph(numerator)?, without_graph(denominator)?))
            }
            number => number.number().map_or(LeafValue::Absent, LeafValue::Float),
        };
        self.nature.get_or_insert(nature);
        self.pending.push(Pending { value, samples: samples.share() });
        Ok(())
    }

    /// Reduces what is pending; after an error it is all still there.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if let Some(chunk) = self.chunk()?
            && !chunk.is_empty()
        {
            let lifted = self.field.metrics.iter().map(|metric| metric.reduce.lift(&chunk)).collect::<Result<_>>()?;
            self.states = Some(self.merged(lifted)?);
        }
        self.pending.clear();
        Ok(())
    }

    /// Takes in what another aggregator has of the same field, as newer values.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        if let (Some(expected), Some(found)) = (&self.nature, &other.nature)
            && expected != found
        {
            return Err(self.error(expected, format_args!("{found} in the other aggregator")));
        }
        if let Some(theirs) = &other.states {
            self.states = Some(self.merged(theirs.iter().map(Tensor::shallow_clone).collect())?);
        }
        self.nature = self.nature.take().or_else(|| other.nature.clone());
        Ok(())
    }

    /// The states, one per metric: none where there was no value.
    pub(crate) fn states(&self) -> &[Tensor] {
        self.states.as_deref().unwrap_or_default()
    }

    /// The values of the metrics, given what was read of the states.
    pub(crate) fn finish(&self, read: &[[f64; STATE_LENGTH]]) -> Vec<Option<f64>> {
        let finished =
            |(metric, state): (usize, &[f64; STATE_LENGTH])| self.field.metrics[metric].reduce.finish(*state);
        match self.states {
            Some(_) => read.iter().enumerate().map(finished).map(Some).collect(),
            None => vec![None; self.field.metrics.len()],
        }
    }

    /// These states merged into those that are there.
    fn merged(&self, later: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let Some(states) = &self.states else { return Ok(later) };
        let merge = |((metric, earlier), later): ((&super::Metric, &Tensor), &Tensor)| {
            metric.reduce.merge(earlier, &to_device(later, earlier.device())?)
        };
        self.field.metrics.iter().zip(states).zip(&later).map(merge).collect()
    }

    /// The pending values, joined.
    fn chunk(&self) -> Result<Option<Chunk>> {
        let device = match self.pending.first() {
            None => return Ok(None),
            Some(Pending { value: LeafValue::Tensor(tensor), .. }) => tensor.device(),
            Some(_) => Device::Cpu,
        };
        let tensors = || {
            self.pending.iter().filter_map(|pending| match &pending.value {
                LeafValue::Tensor(tensor) => Some(to_device(tensor, device)),
                _ => None,
            })
        };
        let samples = || Samples::stack(self.pending.iter().map(|pending| &pending.samples), device);
        Ok(match &self.nature {
            None => None,
            Some(Nature::Numbers) => {
                let numbers = self.pending.iter().filter_map(|pending| match pending.value {
                    LeafValue::Float(number) => Some(number),
                    _ => None,
                });
                let values = Tensor::f_from_slice(&numbers.collect::<Vec<_>>())?;
                Some(Chunk::Batches { values, samples: samples()? })
            }
            Some(Nature::Scalars) => {
                let values = Tensor::f_stack(&tensors().collect::<Result<Vec<_>>>()?, 0)?.f_to_kind(Kind::Double)?;
                Some(Chunk::Batches { values, samples: samples()? })
            }
            Some(Nature::Samples(_)) => {
                Some(Chunk::Samples(Tensor::f_cat(&tensors().collect::<Result<Vec<_>>>()?, 0)?))
            }
            Some(Nature::WeightedScalars | Nature::Weighted(_)) => {
                let parts = self.pending.iter().filter_map(|pending| match &pending.value {
                    LeafValue::Weighted(weighted) => Some(weighted),
                    _ => None,
                });
                Some(Chunk::of_weighted(parts)?)
            }
            Some(Nature::Ratios) => {
                let parts = self.pending.iter().filter_map(|pending| match &pending.value {
                    LeafValue::Ratio(ratio) => Some(ratio),
                    _ => None,
                });
                Some(Chunk::of_ratios(parts)?)
            }
        })
    }

    fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        let Field { group, name: field, .. } = *self.field;
        Error::Leaf { group, field, expected: expected.to_string(), found: found.to_string() }
    }
}

/// The values alone: an aggregator must not keep a graph alive.
fn without_graph(tensor: &Tensor) -> Result<Tensor> {
    Ok(if tensor.requires_grad() { tensor.f_detach()? } else { tensor.shallow_clone() })
}

fn is_real(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uint8
            | Kind::Int8
            | Kind::Int16
            | Kind::Int
            | Kind::Int64
            | Kind::Half
            | Kind::BFloat16
            | Kind::Float
            | Kind::Double
            | Kind::Bool
            | Kind::Float8e5m2
            | Kind::Float8e4m3fn
            | Kind::Float8e5m2fnuz
            | Kind::Float8e4m3fnuz
    )
}
