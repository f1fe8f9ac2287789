//! The devices of replicas and their random number generators.

use booster_sys::generator;
use tch::{Cuda, Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::transfers;

/// Checks that libtorch can use a device.
pub(super) fn available(device: Device) -> Result<()> {
    let found = Cuda::device_count();
    if let Device::Cuda(index) = device
        && index as i64 >= found
    {
        return Err(Error::NoSuchDevice { device, found });
    }
    let _ = Tensor::f_empty([0], (Kind::Uint8, device))?;
    Ok(())
}

/// Returns each device once, in order of first occurrence.
pub(super) fn distinct(devices: impl IntoIterator<Item = Device>) -> Vec<Device> {
    let mut distinct = Vec::new();
    for device in devices {
        if !distinct.contains(&device) {
            distinct.push(device);
        }
    }
    distinct
}

/// Reseeds CUDA generators that are in the same state: [`tch::manual_seed`] gives all devices the same seed, which
/// would make replicas draw the same dropout masks.
pub(super) fn separate(devices: &[Device]) -> Result<()> {
    // The increment of SplitMix64 (Steele et al., 2014): its multiples make dissimilar seeds.
    const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    let devices = distinct(devices.iter().copied().filter(|device| device.is_cuda()));
    let Some((first, rest)) = devices.split_first().filter(|(_, rest)| !rest.is_empty()) else { return Ok(()) };
    let state = generator::state(*first)?;
    for (index, device) in (1_u64..).zip(rest) {
        if transfers::equal_on_host(&state, &generator::state(*device)?)? {
            let bytes = transfers::read_bytes(&state)?;
            let seed = bytes.iter().take(8).rev().fold(0, |seed, &byte| seed << 8 | u64::from(byte));
            generator::seed(*device, seed.wrapping_add(index.wrapping_mul(GOLDEN_GAMMA)))?;
        }
    }
    Ok(())
}
