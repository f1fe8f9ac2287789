//! Plots of all metrics in one figure.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Point, PointData, Sink, WrittenTags, make_folder, refuse_content, write_file};
use crate::error::{Error, Result};

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (480, 320);
const REMEDY: &str = "use `Curves::replace` to overwrite it";
/// Panels per row.
const COLUMNS: usize = 3;

/// A sink that draws an SVG figure with one panel per metric, and one curve per part of a run.
///
/// Parts may have different metrics. The figure is drawn on [`flush`](Sink::flush), and when the last of its sinks is
/// dropped. Histograms, images and non-finite values are left out.
///
/// ```
/// use booster::logging::{Curves, Point, PointData, Sink};
///
/// # fn main() -> booster::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("booster-curves-{}", std::process::id()));
/// let mut train = Curves::create(folder.join("curves.svg"), "train")?;
/// let mut test = train.beside("test");
/// for epoch in 1..=10 {
///     let nll = 1.0 / epoch as f64;
///     train.points(epoch, &[Point { group: "loss", name: "nll", data: PointData::Scalar(nll) }])?;
///     test.points(epoch, &[Point { group: "loss", name: "nll", data: PointData::Scalar(nll + 0.1) }])?;
/// }
/// test.flush()?;
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok(())
/// # }
/// ```
pub struct Curves {
    part: String,
    figure: Arc<Mutex<Figure>>,
}

/// Points of a curve, by step.
type Curve = BTreeMap<u64, f64>;

struct Figure {
    path: PathBuf,
    /// Whether the file may be overwritten, because it holds this figure or the caller allowed it.
    may_replace: bool,
    /// The parts, in insertion order.
    parts: Vec<String>,
    /// The tags written to each part, shared by all of its sinks.
    written: BTreeMap<String, WrittenTags>,
    /// The curves by metric, in insertion order, and by part.
    panels: Vec<(String, BTreeMap<String, Curve>)>,
    is_drawn: bool,
}

impl Curves {
    /// Creates a figure and the sink of its first part, in a file that is missing or empty.
    ///
    /// Missing folders are created.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file is not empty (use [`replace`](Self::replace) to overwrite it), or if the
    /// folder cannot be created.
    pub fn create(path: impl AsRef<Path>, part: impl Into<String>) -> Result<Self> {
        refuse_content(path.as_ref(), REMEDY)?;
        Self::new(path.as_ref(), part.into(), false)
    }

    /// Like [`create`](Self::create), but overwrites the file when the figure is first drawn.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the folder cannot be created.
    pub fn replace(path: impl AsRef<Path>, part: impl Into<String>) -> Result<Self> {
        Self::new(path.as_ref(), part.into(), true)
    }

    fn new(path: &Path, part: String, may_replace: bool) -> Result<Self> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let (path, parts) = (path.to_owned(), vec![part.clone()]);
        let (written, panels) = (BTreeMap::new(), Vec::new());
        let figure = Figure { path, may_replace, parts, written, panels, is_drawn: true };
        Ok(Self { part, figure: Arc::new(Mutex::new(figure)) })
    }

    /// Returns a sink for another part of the same figure.
    pub fn beside(&self, part: impl Into<String>) -> Self {
        let part = part.into();
        let mut figure = self.figure();
        if !figure.parts.contains(&part) {
            figure.parts.push(part.clone());
        }
        Self { part, figure: Arc::clone(&self.figure) }
    }

    fn figure(&self) -> MutexGuard<'_, Figure> {
        // A panic between two points leaves the figure consistent.
        self.figure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Curves {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        self.figure().add(&self.part, step, points)
    }

    fn flush(&mut self) -> Result<()> {
        self.figure().draw()
    }
}

impl Figure {
    fn add(&mut self, part: &str, step: u64, points: &[Point<'_>]) -> Result<()> {
        self.written.entry(part.to_owned()).or_default().once(step, points, || Ok(()))?;
        for point in points {
            if let PointData::Scalar(number) = point.data
                && number.is_finite()
            {
                let metric = format!("{}/{}", point.group, point.name);
                self.panel(metric).entry(part.to_owned()).or_default().insert(step, number);
            }
        }
        Ok(())
    }

    fn panel(&mut self, metric: String) -> &mut BTreeMap<String, Curve> {
        self.is_drawn = false;
        let index = self.panels.iter().position(|(name, _)| *name == metric).unwrap_or_else(|| {
            self.panels.push((metric, BTreeMap::new()));
            self.panels.len() - 1
        });
        &mut self.panels[index].1
    }

    /// Writes the figure if it has changed.
    fn draw(&mut self) -> Result<()> {
        if self.is_drawn {
            return Ok(());
        }
        let mut picture = String::new();
        self.draw_into(&mut picture).map_err(|cause| Error::custom(cause.to_string()).during("draw curves"))?;
        if !self.may_replace {
            refuse_content(&self.path, REMEDY)?;
        }
        write_file(&self.path, picture.as_bytes())?;
        (self.may_replace, self.is_drawn) = (true, true);
        Ok(())
    }

    fn draw_into(&self, picture: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let columns = self.panels.len().clamp(1, COLUMNS);
        let rows = self.panels.len().div_ceil(columns);
        let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
        let area = SVGBackend::with_string(picture, size).into_drawing_area();
        area.fill(&WHITE)?;
        for (panel, (metric, curves)) in area.split_evenly((rows, columns)).iter().zip(&self.panels) {
            self.draw_panel(panel, metric, curves)?;
        }
        Ok(area.present()?)
    }

    fn draw_panel(
        &self,
        panel: &DrawingArea<SVGBackend<'_>, Shift>,
        metric: &str,
        curves: &BTreeMap<String, Curve>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let steps = span(curves.values().flat_map(BTreeMap::keys).map(|&step| step as f64));
        let values = span(curves.values().flat_map(BTreeMap::values).copied().map(within));
        let mut chart = ChartBuilder::on(panel)
            .caption(metric, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size(56)
            .build_cartesian_2d(steps, values)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|step| format!("{step}"))
            .draw()?;
        for (index, part) in self.parts.iter().enumerate() {
            let Some(curve) = curves.get(part) else { continue };
            let color = Palette99::pick(index).to_rgba();
            let points = curve.iter().map(|(&step, &value)| (step as f64, within(value)));
            // A single point has no line, so it is drawn as a dot.
            let dots = points.clone().filter(|_| curve.len() == 1).map(|at| Circle::new(at, 3, color.filled()));
            chart.draw_series(dots)?;
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(part)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
        Ok(())
    }
}

impl Drop for Figure {
    fn drop(&mut self) {
        // Callers that need the error call `flush`.
        let _ = self.draw();
    }
}

/// Clamps a value so that differences and margins do not overflow.
fn within(value: f64) -> f64 {
    value.clamp(f64::MIN / 4.0, f64::MAX / 4.0)
}

/// Returns the range from minimum to maximum, widened if they are equal.
fn span(numbers: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, greatest) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), number| {
        (least.min(number), greatest.max(number))
    });
    if greatest > least {
        return least..greatest;
    }
    let room = if least == 0.0 { 1.0 } else { least.abs() * 0.1 };
    least - room..least + room
}

impl fmt::Debug for Curves {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = self.figure();
        formatter
            .debug_struct("Curves")
            .field("path", &figure.path)
            .field("part", &self.part)
            .field("metrics", &figure.panels.len())
            .finish_non_exhaustive()
    }
}
