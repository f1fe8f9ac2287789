//! Random numbers that replicas draw from one generator.
//!
//! libtorch has one generator for each device; the CPU's is the whole process's. Replicas that share one and draw at
//! the same time would get numbers in the order in which their threads run: a seeded run would not repeat. So a step
//! that draws lets such replicas take turns. Whether it draws is found out by looking at the generators' states.

use booster_sys::generator;
use tch::{Device, Tensor};

use crate::error::Result;
use crate::evaluation::Mode;

/// What is known about whether evaluations draw random numbers, in each mode.
#[derive(Debug, Default)]
pub(super) struct Draws {
    in_train: bool,
    in_eval: bool,
}

impl Draws {
    /// Whether evaluations were seen to draw.
    pub(super) fn are_made_in(&self, mode: Mode) -> bool {
        if mode.is_train() { self.in_train } else { self.in_eval }
    }

    /// Evaluations draw: from now on replicas that share a generator take turns.
    pub(super) fn were_made_in(&mut self, mode: Mode) {
        *(if mode.is_train() { &mut self.in_train } else { &mut self.in_eval }) = true;
    }
}

/// The states of some devices' generators.
#[derive(Debug)]
pub(super) struct States(Vec<(Device, Tensor)>);

impl States {
    /// The generators as they are.
    pub(super) fn of(devices: impl IntoIterator<Item = Device>) -> Result<Self> {
        let state = |device| Ok((device, generator::state(device)?));
        devices.into_iter().map(state).collect::<Result<_>>().map(Self)
    }

    /// Whether nothing was drawn since.
    pub(super) fn are_current(&self) -> Result<bool> {
        for (device, state) in &self.0 {
            if !state.f_equal(&generator::state(*device)?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts the generators back to what they were.
    pub(super) fn restore(&self) -> Result<()> {
        self.0.iter().try_for_each(|(device, state)| Ok(generator::set_state(*device, state)?))
    }
}

/// Each device once, in order.
pub(super) fn distinct(devices: impl IntoIterator<Item = Device>) -> Vec<Device> {
    let mut distinct = Vec::new();
    for device in devices {
        if !distinct.contains(&device) {
            distinct.push(device);
        }
    }
    distinct
}

/// The devices on which there are several replicas.
pub(super) fn shared(devices: &[Device]) -> Vec<Device> {
    let is_shared = |device: &Device| devices.iter().filter(|other| *other == device).count() > 1;
    distinct(devices.iter().copied().filter(is_shared))
}

/// Seeds apart the generators of CUDA devices that are in the same state: [`tch::manual_seed`] gives all the same seed,
/// and replicas would draw the same masks.
pub(super) fn separate(devices: &[Device]) -> Result<()> {
    // Odd, with bits all over: seeds that differ by multiples of it are unlike (Steele et al., 2014, SplitMix64).
    const APART: u64 = 0x9E37_79B9_7F4A_7C15;
    let devices = distinct(devices.iter().copied().filter(|device| device.is_cuda()));
    let [first, rest @ ..] = &devices[..] else { return Ok(()) };
    if rest.is_empty() {
        return Ok(());
    }
    let state = generator::state(*first)?;
    for (index, device) in (1_u64..).zip(rest) {
        if state.f_equal(&generator::state(*device)?)? {
            let bytes = Vec::<u8>::try_from(&state)?;
            let seed = bytes.iter().take(8).rev().fold(0, |seed, &byte| seed << 8 | u64::from(byte));
            generator::seed(*device, seed.wrapping_add(index.wrapping_mul(APART)))?;
        }
    }
    Ok(())
}
