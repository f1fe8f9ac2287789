//! Checks that the plots in the docs match the schedules.

use super::{OneCycle, Schedule};
use crate::error::Result;

const COLUMNS: u64 = 60;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Plots a schedule as a row of bars, scaled from its minimum to its maximum.
fn plot(schedule: &Schedule) -> String {
    let values = (0..COLUMNS).map(|step| schedule.at(step)).collect::<Vec<_>>();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let level = |value: f64| ((value - least) / (greatest - least) * (BARS.len() as f64 - 1.0)).round() as usize;
    values.into_iter().map(|value| BARS[level(value)]).collect()
}

#[test]
fn plots_in_the_docs_match_their_schedules() -> Result<()> {
    let schedules = [
        ("linear", Schedule::linear(1.0, 0.0, 50)?),
        ("cosine", Schedule::cosine(1.0, 0.0, 50)?),
        ("exponential", Schedule::exponential(1.0, 0.01, 50)?),
        ("decay", Schedule::decay(1.0, 0.0, 0.5, 10)?),
        ("one_cycle", Schedule::one_cycle(OneCycle::new(1.0, 60))?),
        ("warm_up", Schedule::cosine(1.0, 0.0, 48)?.warm_up(12)),
        ("then", Schedule::constant(1.0)?.then(40, Schedule::linear(1.0, 0.0, 20)?)),
        ("repeat", Schedule::cosine(1.0, 0.0, 20)?.repeat(20)),
        ("staircase", Schedule::linear(1.0, 0.0, 50)?.staircase(10)),
    ];
    let source = include_str!("mod.rs");
    let outdated = schedules.iter().filter_map(|(name, schedule)| {
        let line = format!("    /// {}\n", plot(schedule));
        let function = source.find(&format!("    pub fn {name}(")).expect("a function for each plot");
        let documentation = source[..function].rsplit("\n\n").next().unwrap_or_default();
        (!documentation.contains(&line)).then(|| format!("{name}\n{line}"))
    });
    let outdated = outdated.collect::<String>();
    assert!(outdated.is_empty(), "outdated plots, expected\n{outdated}");
    Ok(())
}
