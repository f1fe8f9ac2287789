use tch::{Device, Kind};

use super::Error;

#[test]
fn a_libtorch_error_is_shown_without_its_stack() {
    let left = tch::Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
    let error = Error::from(left.f_matmul(&left).expect_err("2x3 by 2x3 has no product"));
    assert_eq!(error.to_string(), "libtorch: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
}

#[test]
fn a_lack_of_memory_is_shown_without_its_stack() {
    let error = tch::Tensor::f_zeros([1 << 50], (Kind::Double, Device::Cpu)).expect_err("8 PiB are too many");
    let text = Error::from(error).to_string();
    assert!(text.contains("can't allocate memory") && text.lines().count() == 1, "{text}");
}

#[test]
fn what_main_prints_of_an_error_is_its_text() {
    let error = Error::EmptyBatch.during("evaluate on Cpu");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn context_is_put_before_the_cause() {
    let error = Error::EmptyBatch.during("evaluate on Cpu");
    assert!(error.to_string().starts_with("evaluate on Cpu: the batch is empty"), "{error}");
}
