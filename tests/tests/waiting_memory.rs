//! What waits to be reduced is bounded in bytes, whatever the leaves are.
//!
//! It measures the whole process: this file has one test.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

#[derive(Diagnostic)]
struct Ratios {
    #[group = "metrics"]
    ratio: Ratio,
}

#[derive(Diagnostic)]
struct Masked {
    #[group = "metrics"]
    #[metric(last)]
    masked: Weighted,
}

#[derive(Diagnostic)]
struct Plain {
    #[group = "metrics"]
    #[metric(last)]
    plain: Tensor,
}

#[derive(Diagnostic)]
struct Views {
    #[group = "metrics"]
    #[metric(last)]
    view: Tensor,
}

fn resident_mib() -> Result<u64, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).ok_or("statm has no second number")?;
    Ok((pages.parse::<u64>()? * 4096) >> 20)
}

/// The most MiB that an aggregator adds to the process in 20 updates.
fn most<D: Diagnostic>(diagnostics: impl Fn(i64) -> D) -> Result<u64, Box<dyn std::error::Error>> {
    let before = resident_mib()?;
    let mut aggregator = Aggregator::new();
    let mut most = 0;
    for update in 0..20 {
        aggregator.update(&diagnostics(update))?;
        most = most.max(resident_mib()?.saturating_sub(before));
    }
    Ok(most)
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
fn what_waits_is_bounded_for_every_leaf() -> Result<(), Box<dyn std::error::Error>> {
    let ones = |mebibytes: i64| Tensor::ones([4, mebibytes << 16], (Kind::Float, Device::Cpu));
    // 64 MiB wait, and one update more; the allocator may keep as much for later. All updates have 320 MiB.
    let bound = 2 * (64 + 16);
    let ratios = most(|_| Ratios { ratio: Ratio::new(ones(8), ones(8)) })?;
    assert!(ratios < bound, "{ratios} MiB of ratios");
    let masked = most(|_| Masked { masked: Weighted::new(ones(8), ones(8)) })?;
    assert!(masked < bound, "{masked} MiB of weighted values");
    let plain = most(|_| Plain { plain: ones(16) })?;
    assert!(plain < bound, "{plain} MiB of values");
    // Views of something that is too large for the allocator to keep, in some updates alone.
    let views = most(|update| Views {
        view: if update == 0 { ones(64).narrow(1, 0, 1).copy() } else { ones(64).narrow(1, 0, 1) },
    })?;
    assert!(views < bound, "{views} MiB of views");
    Ok(())
}
