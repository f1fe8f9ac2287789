//! The serde format, validation and values of schedules.

use serde::{Deserialize, Serialize};

use super::argument::{Argument, finite};
use super::curve::{cosine, fraction, geometric, linear};
use super::one_cycle::OneCycle;
use crate::error::{Error, Result};
use crate::training::serde_f64;

/// An unvalidated schedule; [`Schedule`](super::Schedule) holds a valid one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Shape {
    Constant {
        #[serde(with = "serde_f64")]
        value: f64,
    },
    Linear {
        #[serde(with = "serde_f64")]
        from: f64,
        #[serde(with = "serde_f64")]
        to: f64,
        steps: u64,
    },
    Cosine {
        #[serde(with = "serde_f64")]
        from: f64,
        #[serde(with = "serde_f64")]
        to: f64,
        steps: u64,
    },
    Exponential {
        #[serde(with = "serde_f64")]
        from: f64,
        #[serde(with = "serde_f64")]
        to: f64,
        steps: u64,
    },
    Decay {
        #[serde(with = "serde_f64")]
        from: f64,
        #[serde(with = "serde_f64")]
        to: f64,
        #[serde(with = "serde_f64")]
        rate: f64,
        steps: u64,
    },
    OneCycle(OneCycle),
    WarmUp {
        #[serde(with = "serde_f64")]
        from: f64,
        steps: u64,
        schedule: Box<Shape>,
    },
    Piecewise {
        pieces: Vec<Piece>,
    },
    Repeat {
        steps: u64,
        schedule: Box<Shape>,
    },
    Staircase {
        steps: u64,
        schedule: Box<Shape>,
    },
    Scale {
        #[serde(with = "serde_f64")]
        factor: f64,
        schedule: Box<Shape>,
    },
}

/// A schedule and the step at which it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    pub(super) start: u64,
    pub(super) schedule: Shape,
}

impl Shape {
    pub(super) fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant { value } => *value,
            Self::Linear { from, to, steps } => linear(*from, *to, fraction(step, *steps)),
            Self::Cosine { from, to, steps } => cosine(*from, *to, fraction(step, *steps)),
            Self::Exponential { from, to, steps } => geometric(*from, *to, fraction(step, *steps)),
            Self::Decay { to, steps: 0, .. } => *to,
            Self::Decay { from, to, rate, steps } => linear(*to, *from, rate.powf(step as f64 / *steps as f64)),
            Self::OneCycle(cycle) => cycle.at(step),
            Self::WarmUp { from, steps, schedule } => match step.checked_sub(*steps) {
                Some(step) => schedule.at(step),
                None => linear(*from, schedule.at(0), fraction(step, *steps)),
            },
            Self::Piecewise { pieces } => {
                let next = pieces.partition_point(|piece| piece.start <= step);
                // Always present, since the first piece starts at 0.
                pieces[..next].last().map_or(0.0, |piece| piece.schedule.at(step - piece.start))
            }
            Self::Repeat { steps, schedule } => schedule.at(step.checked_rem(*steps).unwrap_or(0)),
            Self::Staircase { steps, schedule } => schedule.at(step - step.checked_rem(*steps).unwrap_or(0)),
            Self::Scale { factor, schedule } => (factor * schedule.at(step)).clamp(f64::MIN, f64::MAX),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Constant { value } => finite("constant", &[("value", *value)]),
            Self::Linear { from, to, .. } => finite("linear", &[("from", *from), ("to", *to)]),
            Self::Cosine { from, to, .. } => finite("cosine", &[("from", *from), ("to", *to)]),
            Self::Exponential { from, to, .. } => check_exponential(*from, *to),
            Self::Decay { from, to, rate, .. } => {
                finite("decay", &[("from", *from), ("to", *to)])?;
                if (0.0..=1.0).contains(rate) {
                    return Ok(());
                }
                Err(Argument { kind: "decay", name: "rate", found: *rate }.must_be("in 0..=1"))
            }
            Self::OneCycle(cycle) => cycle.check(),
            Self::WarmUp { from, schedule, .. } => {
                finite("warm-up", &[("from", *from)]).and_then(|()| schedule.check())
            }
            Self::Piecewise { pieces } => {
                check_pieces(pieces)?;
                pieces.iter().try_for_each(|piece| piece.schedule.check())
            }
            Self::Repeat { schedule, .. } | Self::Staircase { schedule, .. } => schedule.check(),
            Self::Scale { factor, schedule } => {
                finite("scaled", &[("factor", *factor)]).and_then(|()| schedule.check())
            }
        }
    }
}

fn check_exponential(from: f64, to: f64) -> Result<()> {
    const KIND: &str = "exponential";
    finite(KIND, &[("from", from), ("to", to)])?;
    if from == 0.0 {
        return Err(Argument { kind: KIND, name: "from", found: from }.must_be("non-zero"));
    }
    if to == 0.0 || to.is_sign_negative() != from.is_sign_negative() {
        return Err(Argument { kind: KIND, name: "to", found: to }.must_be("of the same sign as `from`"));
    }
    Ok(())
}

fn check_pieces(pieces: &[Piece]) -> Result<()> {
    let starts_ascend = pieces.windows(2).all(|pair| pair[0].start < pair[1].start);
    if starts_ascend && pieces.first().is_some_and(|first| first.start == 0) {
        return Ok(());
    }
    Err(Error::argument(
        "piecewise schedule",
        "pieces",
        "in ascending order of start, beginning at 0",
        format!("a list with starts {:?}", pieces.iter().map(|piece| piece.start).collect::<Vec<_>>()),
    ))
}
