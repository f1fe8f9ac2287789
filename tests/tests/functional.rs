//! Tensor functions, against libtorch's equivalents and in cases where those fail.

use booster::functional::{BatchReduction, available_device, batch_reduce, image_grid, log_mean_exp, log_sum_exp};
use booster::logging::Image;
use booster::tch::{Cuda, Device, Kind, Tensor};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const FLOATS: (Kind, Device) = (Kind::Float, Device::Cpu);

#[test]
fn batch_reduce_keeps_the_first_dimension_and_floating_kinds() -> Outcome {
    let values = Tensor::arange(24, FLOATS).reshape([2, 3, 4]);
    for kind in [Kind::Float, Kind::Double, Kind::BFloat16] {
        let sums = batch_reduce(&values.to_kind(kind), BatchReduction::Sum)?;
        assert_eq!((sums.kind(), sums), (kind, Tensor::from_slice(&[66.0, 210.0]).to_kind(kind)));
        let means = batch_reduce(&values.to_kind(kind), BatchReduction::Mean)?;
        assert_eq!((means.kind(), means), (kind, Tensor::from_slice(&[5.5, 17.5]).to_kind(kind)));
    }
    Ok(())
}

#[test]
fn batch_reduce_counts_integers_and_bools() -> Outcome {
    let hits = Tensor::from_slice(&[true, false, true, true]).reshape([2, 2]);
    assert_eq!(batch_reduce(&hits, BatchReduction::Sum)?, Tensor::from_slice(&[1i64, 2]));
    assert_eq!(batch_reduce(&hits, BatchReduction::Mean)?, Tensor::from_slice(&[0.5f32, 1.0]));
    let bytes = Tensor::full([1, 300], 200, (Kind::Uint8, Device::Cpu));
    assert_eq!(batch_reduce(&bytes, BatchReduction::Sum)?, Tensor::from_slice(&[60_000i64]), "no overflow");
    Ok(())
}

#[test]
fn batch_reduce_leaves_one_number_per_sample_as_it_is() -> Outcome {
    let values = Tensor::from_slice(&[1.0f32, 2.0, 3.0]);
    for reduction in [BatchReduction::Sum, BatchReduction::Mean] {
        assert_eq!(batch_reduce(&values, reduction)?, values);
        assert_eq!(batch_reduce(&Tensor::zeros([0, 3], FLOATS), reduction)?.size(), [0]);
    }
    let error = batch_reduce(&values.get(0), BatchReduction::Sum).map_err(|error| error.to_string());
    assert_eq!(
        error,
        Err("batch_reduce: expected a tensor of shape [batch, *dims], found a tensor of rank 0".to_owned())
    );
    Ok(())
}

#[test]
fn log_sum_exp_agrees_with_libtorch_where_that_is_finite() -> Outcome {
    let _turn = generator();
    let values = (Tensor::randn([5, 7, 3], (Kind::Double, Device::Cpu)) * 300.0).set_requires_grad(true);
    for dim in [0, 1, 2, -1, -3] {
        let (found, expected) = (log_sum_exp(&values, dim)?, values.logsumexp([dim], false));
        assert!(relative_difference(&found, &expected) < 1e-14);
        let gradient = |of: Tensor| Tensor::run_backward(&[of.square().sum(Kind::Double)], &[&values], false, false);
        assert!(relative_difference(&gradient(found)[0], &gradient(expected)[0]) < 1e-12);
        let length = values.size()[usize::try_from(dim.rem_euclid(3))?] as f64;
        let mean = log_mean_exp(&values, dim)?;
        assert!(relative_difference(&mean, &(values.logsumexp([dim], false) - length.ln())) < 1e-14);
    }
    Ok(())
}

#[test]
fn log_sum_exp_of_all_minus_infinity_is_minus_infinity_with_no_gradient() -> Outcome {
    let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
    let rows = Tensor::from_slice(&[least, least, least, 0.0, most, 1.0, most, most, least, most]);
    let rows = rows.reshape([5, 2]).set_requires_grad(true);
    for result in [log_sum_exp(&rows, 1)?, log_mean_exp(&rows, 1)? + 2.0f64.ln()] {
        assert_eq!(Vec::<f64>::try_from(&result)?, [least, 0.0, most, most, most]);
        let gradient = Tensor::run_backward(&[result.sum(Kind::Double)], &[&rows], false, false).remove(0);
        let expected = [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]].concat();
        assert_eq!(Vec::<f64>::try_from(&gradient.flatten(0, -1))?, expected);
    }
    let nan = log_sum_exp(&Tensor::from_slice(&[f64::NAN, 1.0]), 0)?;
    assert!(nan.isnan().int64_value(&[]) == 1, "what is no number stays so");
    Ok(())
}

#[test]
fn log_sum_exp_refuses_what_it_cannot_reduce() {
    let text = |tensor: &Tensor, dim| log_sum_exp(tensor, dim).err().map(|error| error.to_string()).unwrap_or_default();
    let expected = "log_sum_exp: expected a floating-point tensor with entries along dimension";
    let values = Tensor::zeros([2, 0], FLOATS);
    assert_eq!(text(&values, 1), format!("{expected} 1, found shape [2, 0] of kind Float"));
    assert_eq!(text(&values, 2), format!("{expected} 2, found shape [2, 0] of kind Float"));
    assert_eq!(text(&values, -3), format!("{expected} -3, found shape [2, 0] of kind Float"));
    let integers = Tensor::zeros([2], (Kind::Int64, Device::Cpu));
    assert_eq!(text(&integers, 0), format!("{expected} 0, found shape [2] of kind Int64"));
    assert!(text(&integers.get(0), 0).starts_with(expected));
}

/// Returns a pixel of a grid.
fn pixel(grid: &Tensor, channel: i64, row: i64, column: i64) -> i64 {
    grid.int64_value(&[channel, row, column])
}

#[test]
fn image_grid_puts_each_image_where_it_belongs() -> Outcome {
    // Image i has the values 10 i + 1, 10 i + 2 and 10 i + 3 in its channels.
    let of_images = Tensor::arange(5, (Kind::Int64, Device::Cpu)).reshape([5, 1, 1, 1]) * 10;
    let of_channels = Tensor::arange(3, (Kind::Int64, Device::Cpu)).reshape([1, 3, 1, 1]) + 1;
    let images = (of_images + of_channels).expand([5, 3, 4, 6], false).to_kind(Kind::Uint8);
    let grid = image_grid(&images, 3, 2)?;
    assert_eq!((grid.size(), grid.kind()), (vec![3, 2 + 2 * 6, 2 + 3 * 8], Kind::Uint8));
    for row in 0..14 {
        for column in 0..26 {
            let inside = row % 6 >= 2 && column % 8 >= 2;
            let image = row / 6 * 3 + column / 8;
            for channel in 0..3 {
                let expected = if inside && image < 5 { image * 10 + channel + 1 } else { 0 };
                assert_eq!(pixel(&grid, channel, row, column), expected, "{channel} {row} {column}");
            }
        }
    }
    assert_eq!(image_grid(&images, 3, 0)?.size(), [3, 8, 18]);
    assert_eq!(image_grid(&images, 100, 1)?.size(), [3, 6, 36], "no empty columns");
    Ok(())
}

#[test]
fn image_grid_does_not_touch_its_input() -> Outcome {
    let images = Tensor::from_slice(&[-0.5f32, 0.0, 0.5, 2.0]).reshape([1, 1, 2, 2]);
    let before = images.copy();
    let grid = image_grid(&images, 1, 0)?;
    assert_eq!(images, before);
    assert_eq!(
        grid,
        Tensor::from_slice(&[0u8, 0, 128, 255]).reshape([1, 2, 2]),
        "0.5 is rounded to even: 127.5 to 128"
    );
    let bytes = Tensor::zeros([1, 1, 2, 2], (Kind::Uint8, Device::Cpu));
    let _ = image_grid(&bytes, 1, 0)?.fill_(9);
    assert_eq!(bytes.sum(Kind::Int64).int64_value(&[]), 0, "the grid is no view of the images");
    Ok(())
}

#[test]
fn image_grid_of_constant_images_keeps_their_value() -> Outcome {
    for (value, expected) in [(0.0, 0), (1.0, 255), (0.2, 51), (f64::NAN, 0), (f64::INFINITY, 255)] {
        let grid = image_grid(&Tensor::full([2, 1, 3, 3], value, FLOATS), 2, 0)?;
        assert_eq!(grid, Tensor::full([1, 3, 6], expected, (Kind::Uint8, Device::Cpu)), "{value}");
    }
    Ok(())
}

#[test]
fn image_grid_refuses_what_is_no_batch_of_images() {
    let refused = |size: &[i64], kind, columns, padding| {
        let images = Tensor::zeros(size, (kind, Device::Cpu));
        image_grid(&images, columns, padding).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let expected = "image_grid: expected images [samples, 1 or 3, height, width] of a floating kind or uint8, found";
    let shapes: [&[i64]; 5] = [&[3, 8, 8], &[1, 2, 8, 8], &[0, 1, 8, 8], &[1, 1, 0, 8], &[8, 8]];
    for shape in shapes {
        assert_eq!(refused(shape, Kind::Float, 1, 0), format!("{expected} shape {shape:?} of kind Float"));
    }
    assert_eq!(refused(&[1, 1, 2, 2], Kind::Int64, 1, 0), format!("{expected} shape [1, 1, 2, 2] of kind Int64"));
    assert!(refused(&[1, 1, 2, 2], Kind::Float, 0, 0).ends_with("found 0 columns and a padding of 0"));
    assert!(refused(&[1, 1, 2, 2], Kind::Float, 1, -1).ends_with("found 1 columns and a padding of -1"));
}

#[test]
fn what_is_undefined_complex_or_sparse_is_an_error() {
    let complex = Tensor::zeros([2, 1, 2, 2], (Kind::ComplexFloat, Device::Cpu));
    for wrong in [Tensor::new(), complex] {
        let outcomes = [
            batch_reduce(&wrong, BatchReduction::Sum),
            batch_reduce(&wrong, BatchReduction::Mean),
            log_sum_exp(&wrong, 0),
            log_mean_exp(&wrong, 0),
            image_grid(&wrong, 1, 0),
        ];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(booster::Error::Mismatch { .. })), "{outcome:?}");
        }
        assert!(matches!(Image::from_tensor(&wrong), Err(booster::Error::Mismatch { .. })));
    }
    let sparse = Tensor::ones([2, 1, 2, 2], FLOATS).to_sparse(None, None::<i64>, None);
    assert!(log_sum_exp(&sparse, 0).is_err() && image_grid(&sparse, 1, 0).is_err());
    assert!(Image::from_tensor(&Tensor::ones([1, 2, 2], FLOATS).to_sparse(None, None::<i64>, None)).is_err());
    assert!(image_grid(&Tensor::ones([1, 1, 2, 2], FLOATS), 1, i64::MAX).is_err(), "more pixels than can be counted");
}

#[test]
fn half_precision_is_summed_in_single_precision() -> Outcome {
    let values = Tensor::arange(1000, FLOATS) / 1000.0;
    for kind in [Kind::Half, Kind::BFloat16] {
        let values = values.to_kind(kind);
        let exact = |of: fn(&Tensor, i64) -> booster::Result<Tensor>| of(&values.to_kind(Kind::Double), 0);
        for of in [log_sum_exp, log_mean_exp] {
            let found = of(&values, 0)?;
            assert_eq!((found.kind(), &found), (kind, &exact(of)?.to_kind(kind)), "rounded once");
        }
    }
    Ok(())
}

#[test]
fn the_available_device_is_there() {
    let device = available_device();
    assert_eq!(device.is_cuda(), Cuda::is_available());
    assert_eq!(Tensor::zeros([1], (Kind::Float, device)).device(), device);
}
