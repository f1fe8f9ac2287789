//! [`Leaf`] for tensors, ratios, weighted values, numbers, and options of these.

use std::time::Duration;

use tch::Tensor;

use super::weighted::{Ratio, Weighted};
use super::{Leaf, LeafRef, LeafValue, SampleCount};
use crate::sealed::Sealed;

/// Methods with identical bodies that the trait cannot provide because they need `Self: Sized`.
macro_rules! erased {
    () => {
        fn leaf_mut(&mut self) -> &mut dyn Leaf {
            self
        }

        fn assign(&mut self, value: LeafValue) -> Result<(), LeafValue> {
            *self = Self::from_value(value)?;
            Ok(())
        }
    };
}

impl Sealed for Tensor {}

impl Leaf for Tensor {
    fn leaf_ref(&self) -> LeafRef<'_> {
        LeafRef::Tensor(self)
    }

    erased!();

    fn share_leaf(&self) -> Self {
        self.shallow_clone()
    }

    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        [Some(self), None]
    }

    fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
        if let LeafValue::Tensor(tensor) = value { Ok(tensor) } else { Err(value) }
    }
}

impl Sealed for Ratio {}

impl Leaf for Ratio {
    fn leaf_ref(&self) -> LeafRef<'_> {
        LeafRef::Ratio(self)
    }

    erased!();

    fn share_leaf(&self) -> Self {
        Self::new(self.numerator.shallow_clone(), self.denominator.shallow_clone())
    }

    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        [Some(&mut self.numerator), Some(&mut self.denominator)]
    }

    fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
        if let LeafValue::Ratio(ratio) = value { Ok(ratio) } else { Err(value) }
    }
}

impl Sealed for Weighted {}

impl Leaf for Weighted {
    fn leaf_ref(&self) -> LeafRef<'_> {
        LeafRef::Weighted(self)
    }

    erased!();

    fn share_leaf(&self) -> Self {
        Self::new(self.value.shallow_clone(), self.weight.shallow_clone())
    }

    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        [Some(&mut self.value), Some(&mut self.weight)]
    }

    fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
        if let LeafValue::Weighted(weighted) = value { Ok(weighted) } else { Err(value) }
    }
}

impl<L> Sealed for Option<L> {}

impl<L: Leaf> Leaf for Option<L> {
    fn leaf_ref(&self) -> LeafRef<'_> {
        self.as_ref().map_or(LeafRef::Absent, |leaf| LeafRef::Present(leaf))
    }

    erased!();

    fn share_leaf(&self) -> Self {
        self.as_ref().map(Leaf::share_leaf)
    }

    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        self.as_mut().map_or([None, None], Leaf::tensors_mut)
    }

    fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
        if let LeafValue::Absent = value { Ok(None) } else { L::from_value(value).map(Some) }
    }
}

/// Implements [`Leaf`] for number types, given conversions to and from the variant's content.
macro_rules! numbers {
    ($($number:ty: $variant:ident, $read:expr, $write:expr;)+) => {$(
        impl Sealed for $number {}

        impl Leaf for $number {
            fn leaf_ref(&self) -> LeafRef<'_> {
                LeafRef::$variant(($read)(*self))
            }

            erased!();

            fn share_leaf(&self) -> Self {
                *self
            }

            fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
                let LeafValue::$variant(number) = value else { return Err(value) };
                ($write)(number).ok_or(LeafValue::$variant(number))
            }
        }
    )+};
}

numbers! {
    f64: Float, |value| value, Some;
    f32: Float, f64::from, |value| Some(value as f32);
    bool: Boolean, |value| value, Some;
    Duration: Duration, |value| value, Some;
}

macro_rules! integers {
    ($($integer:ty)+) => {
        numbers! {$(
            $integer: Integer, |value| value as i128, |value: i128| <$integer>::try_from(value).ok();
        )+}
        $(impl SampleCount for $integer {})+
    };
}

integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

impl SampleCount for f32 {}
impl SampleCount for f64 {}
impl SampleCount for Tensor {}
