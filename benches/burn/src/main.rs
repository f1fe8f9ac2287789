//! Prints burn's precision of an epoch: one prediction of one is right, then one of nine.

use burn_core::data::dataloader::Progress;
use burn_core::tensor::{Tensor, TensorData};
use burn_flex::Flex;
use burn_train::metric::{ConfusionStatsInput, Metric, MetricMetadata, Numeric, PrecisionMetric};

const SAMPLES: usize = 10;

fn main() {
    let device = Default::default();
    let progress = || Progress { items_processed: 1, items_total: 1 };
    let metadata = MetricMetadata { progress: progress(), global_progress: progress(), iteration: Some(0), lr: None };
    let mut precision = PrecisionMetric::<Flex>::binary(0.5);
    for predicted in [1, 9] {
        let predictions: Vec<f32> = (0..SAMPLES).map(|sample| f32::from(sample < predicted)).collect();
        let targets: Vec<bool> = (0..SAMPLES).map(|sample| sample < 1).collect();
        let predictions = Tensor::<Flex, 2>::from_data(TensorData::new(predictions, [SAMPLES, 1]), &device);
        let targets = Tensor::from_data(TensorData::new(targets, [SAMPLES, 1]), &device);
        precision.update(&ConfusionStatsInput::new(predictions, targets), &metadata);
    }
    println!("{}", precision.running_value().current() / 100.0);
}
