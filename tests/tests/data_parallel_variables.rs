//! Variables and gradients of unusual forms: on many replicas as on one device.

use booster::prelude::*;
use booster::tch::nn;
use booster::tch::{Device, Kind, Tensor};
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];
const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

/// An embedding with sparse gradients, whose weights are also used as they are: by none of the samples, by all, or by those
/// of an even index.
#[evaluator]
fn embedded(model: &Tensor, batch: &Tensor, _mode: Mode, #[param] dense: Dense) -> booster::Result<Tensor> {
    let is_dense = match dense {
        Dense::None => false,
        Dense::All => true,
        Dense::FirstShard => batch.int64_value(&[0]) == 0,
    };
    if is_dense {
        return Ok((model.f_square()?.f_sum(None)? * batch.to_kind(Kind::Double)).f_mean(None)?);
    }
    Ok(Tensor::f_embedding(model, batch, -1, false, true)?.f_square()?.f_mean(None)?)
}

#[derive(Clone, Copy, Debug)]
enum Dense {
    None,
    All,
    FirstShard,
}

#[test]
fn sparse_and_dense_gradients_add_up_in_any_order() -> Outcome {
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::arange(15, OPTIONS).reshape([5, 3]) * 0.1, true);
    let batch = Tensor::from_slice(&[0_i64, 2, 2, 1, 4, 3]);
    for uses in [[Dense::None, Dense::All], [Dense::All, Dense::None], [Dense::None, Dense::FirstShard]] {
        let mut many = DataParallelPipeline::build(&DEVICES, net, Embedded::new(Dense::None))?;
        let mut by_graph = DataParallelPipeline::build(&DEVICES, net, Embedded::new(Dense::None))?;
        for dense in uses.into_iter().chain(uses) {
            many.evaluator_mut().dense = dense;
            by_graph.evaluator_mut().dense = dense;
            many.backward(&batch)?;
            by_graph.evaluate(&batch, Mode::Train)?.0.f_backward()?;
        }
        let [found, expected] = [many.var_store(), by_graph.var_store()].map(|store| {
            let gradient = store.variables()["weight"].grad();
            if gradient.is_sparse() { gradient.to_dense(None, false) } else { gradient }
        });
        assert!(relative_difference(&found, &expected) < 1e-12, "{uses:?}: {found} instead of {expected}");
    }
    Ok(())
}
