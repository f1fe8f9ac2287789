//! Tensor metadata, read in one call and without synchronizing the device.

use std::fmt;
use std::ops::Deref;

use tch::{Device, Kind, Tensor};

use crate::ffi::{self, CInfo, SHORT};

/// The shape, kind, device and storage size of a dense tensor.
#[derive(Clone, Debug)]
pub struct Info {
    /// The shape.
    pub shape: Shape,
    /// The kind.
    pub kind: Kind,
    /// The device.
    pub device: Device,
    /// The size of the storage in bytes, which exceeds [`bytes`](Info::bytes) for a view of a larger tensor.
    pub storage_bytes: usize,
    /// Whether the tensor requires a gradient.
    pub requires_grad: bool,
}

/// The reason that [`Info`] cannot describe a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDense {
    /// The tensor is undefined, as `Tensor::new()` is.
    Undefined,
    /// The layout is not strided but, for example, sparse or nested.
    Layout,
    /// tch does not support the kind, such as `uint16`.
    Kind,
    /// tch does not support the device, such as `meta`.
    Device,
}

impl fmt::Display for NotDense {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Undefined => "an undefined tensor",
            Self::Layout => "a sparse or nested tensor",
            Self::Kind => "a tensor of an unknown kind",
            Self::Device => "a tensor on an unknown device",
        })
    }
}

/// The sizes of a tensor's dimensions.
#[derive(Clone)]
pub struct Shape {
    short: [i64; SHORT],
    dim: usize,
    /// All sizes, if they do not fit into `short`.
    long: Vec<i64>,
}

impl Shape {
    /// The shape of a 0-dimensional tensor.
    pub const SCALAR: Self = Self { short: [0; SHORT], dim: 0, long: Vec::new() };

    /// Returns the number of entries.
    pub fn numel(&self) -> usize {
        self.iter().map(|&size| usize::try_from(size).unwrap_or(0)).product()
    }
}

impl Deref for Shape {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        if self.dim <= SHORT { &self.short[..self.dim] } else { &self.long }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl Info {
    /// Reads the metadata of a dense tensor.
    ///
    /// # Errors
    /// Returns [`NotDense`] if the tensor is not dense, or tch does not support its kind or device.
    pub fn of(tensor: &Tensor) -> Result<Self, NotDense> {
        let mut info =
            CInfo { sizes: [0; SHORT], dim: 0, storage_bytes: 0, kind: -1, device: -4, form: 0, requires_grad: 0 };
        // SAFETY: the tensor is live, and the call does not retain it; `CInfo` has the layout that the C++ writes.
        unsafe { ffi::booster_info(tensor.as_ptr(), &raw mut info) };
        match info.form {
            0 => return Err(NotDense::Undefined),
            1 => {}
            _ => return Err(NotDense::Layout),
        }
        let long = if info.dim > SHORT { tensor.size() } else { Vec::new() };
        Ok(Self {
            shape: Shape { short: info.sizes, dim: info.dim, long },
            kind: kind(info.kind).ok_or(NotDense::Kind)?,
            device: device(info.device).ok_or(NotDense::Device)?,
            storage_bytes: info.storage_bytes,
            requires_grad: info.requires_grad != 0,
        })
    }

    /// Returns the total size of the entries in bytes, excluding gaps between them.
    pub fn bytes(&self) -> usize {
        self.shape.numel() * self.kind.elt_size_in_bytes()
    }
}

/// Returns the length of a tensor's first dimension, or `None` for a 0-dimensional tensor.
///
/// # Errors
/// Returns [`NotDense::Undefined`] if the tensor is undefined.
pub fn length(tensor: &Tensor) -> Result<Option<i64>, NotDense> {
    // SAFETY: the tensor is live, and the call does not retain it.
    match unsafe { ffi::booster_length(tensor.as_ptr()) } {
        -2 => Err(NotDense::Undefined),
        -1 => Ok(None),
        length => Ok(Some(length)),
    }
}

/// Converts the number that libtorch assigns to a kind.
const fn kind(number: i32) -> Option<Kind> {
    Some(match number {
        0 => Kind::Uint8,
        1 => Kind::Int8,
        2 => Kind::Int16,
        3 => Kind::Int,
        4 => Kind::Int64,
        5 => Kind::Half,
        6 => Kind::Float,
        7 => Kind::Double,
        8 => Kind::ComplexHalf,
        9 => Kind::ComplexFloat,
        10 => Kind::ComplexDouble,
        11 => Kind::Bool,
        12 => Kind::QInt8,
        13 => Kind::QUInt8,
        14 => Kind::QInt32,
        15 => Kind::BFloat16,
        23 => Kind::Float8e5m2,
        24 => Kind::Float8e4m3fn,
        25 => Kind::Float8e5m2fnuz,
        26 => Kind::Float8e4m3fnuz,
        _ => return None,
    })
}

/// Converts a device number returned by `booster_info`.
const fn device(number: i32) -> Option<Device> {
    Some(match number {
        -1 => Device::Cpu,
        -2 => Device::Mps,
        -3 => Device::Vulkan,
        0.. => Device::Cuda(number.unsigned_abs() as usize),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_agrees_with_tch() {
        let whole = Tensor::zeros([4, 3, 1], (Kind::Half, Device::Cpu));
        for tensor in [whole.shallow_clone(), whole.narrow(0, 1, 2), whole.select(0, 1), whole.permute([2, 0, 1])] {
            let info = Info::of(&tensor).unwrap();
            assert_eq!((info.shape.to_vec(), info.kind, info.device), (tensor.size(), Kind::Half, Device::Cpu));
            assert_eq!((info.bytes(), info.storage_bytes), (tensor.numel() * 2, 24));
            assert!(!info.requires_grad);
        }
        assert!(Info::of(&Tensor::from(1.0).set_requires_grad(true)).unwrap().requires_grad);
        let many = Tensor::zeros([1, 2, 1, 2, 1, 2, 1, 2], (Kind::Float, Device::Cpu));
        assert_eq!(Info::of(&many).unwrap().shape.to_vec(), many.size());
    }

    #[test]
    fn every_kind_of_tch_is_supported() {
        let kinds = [
            Kind::Uint8,
            Kind::Int8,
            Kind::Int16,
            Kind::Int,
            Kind::Int64,
            Kind::Half,
            Kind::Float,
            Kind::Double,
            Kind::ComplexHalf,
            Kind::ComplexFloat,
            Kind::ComplexDouble,
            Kind::Bool,
            Kind::BFloat16,
            Kind::Float8e5m2,
            Kind::Float8e4m3fn,
            Kind::Float8e5m2fnuz,
            Kind::Float8e4m3fnuz,
        ];
        for kind in kinds {
            assert_eq!(Info::of(&Tensor::empty([2], (kind, Device::Cpu))).unwrap().kind, kind);
        }
        let quantized = Tensor::from_slice(&[1f32]).quantize_per_tensor(0.1, 0, Kind::QInt8);
        assert_eq!(Info::of(&quantized).unwrap().kind, Kind::QInt8);
    }

    #[test]
    fn the_length_is_that_of_the_first_dimension() {
        let tensor = Tensor::zeros([4, 3], (Kind::Float, Device::Cpu));
        assert_eq!(length(&tensor), Ok(Some(4)));
        assert_eq!(length(&tensor.sum(Kind::Float)), Ok(None));
        assert_eq!(length(&Tensor::new()), Err(NotDense::Undefined));
    }

    #[test]
    fn other_layouts_are_an_error() {
        assert_eq!(Info::of(&Tensor::new()).unwrap_err(), NotDense::Undefined);
        let sparse = Tensor::from_slice(&[1f32, 0.0]).to_sparse(None, None::<&[i64]>, None);
        assert_eq!(Info::of(&sparse).unwrap_err(), NotDense::Layout);
    }
}
