//! A module where the names of the prelude, of `core` and of tch mean something else.

/// What the names mean here.
pub mod shadows {
    /// Makes structs of these names.
    macro_rules! shadow {
        ($($name:ident)*) => {
            $(
                /// Not the standard one.
                #[derive(::core::fmt::Debug)]
                pub struct $name;
            )*
        };
    }

    shadow! {
        Result Option Vec String Tensor Box Clone Debug Copy Default PartialEq Send Sized Iterator Into From FnMut Fn
        Ok Err Some None PhantomData Diagnostic Batch Evaluator Summary Leaf Loss Mode Error Self_
    }

    /// Neither is the crate.
    pub mod core {}
    /// Neither is the crate.
    pub mod std {}
    /// Neither is the crate.
    pub mod booster {}
    /// Nor are the types.
    #[allow(non_camel_case_types)]
    #[derive(::core::fmt::Debug)]
    pub struct f64;
    /// Nor are the types.
    #[allow(non_camel_case_types)]
    #[derive(::core::fmt::Debug)]
    pub struct bool;
    /// Nor are the types.
    #[allow(non_camel_case_types)]
    #[derive(::core::fmt::Debug)]
    pub struct usize;
}

#[allow(unused_imports, clippy::wildcard_imports)]
use shadows::*;

/// Diagnostics.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Shadowed {
    /// A value.
    #[group = "loss"]
    #[metric(mean, p95, ema(0.9), histogram(0, 1, 10), mean_dims)]
    pub value: ::booster::tch::Tensor,
    /// A value that may be absent.
    #[group = "loss"]
    pub maybe: ::core::option::Option<::core::primitive::f64>,
    /// The samples.
    #[group = "info"]
    #[metric(samples)]
    pub size: i64,
}

/// A batch.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Pair(pub ::booster::tch::Tensor, pub ::core::option::Option<::booster::tch::Tensor>);

/// An evaluator.
#[::booster::evaluator]
pub fn shadowing(
    _: &(),
    batch: &Pair,
    _: ::booster::Mode,
    /// A parameter.
    #[param]
    scale: ::core::primitive::f64,
    /// Another.
    #[param(default = ::core::option::Option::None)]
    name: &::core::option::Option<::std::string::String>,
) -> ::core::result::Result<::booster::tch::Tensor, ::booster::Error> {
    /// A value.
    #[group = "loss"]
    #[output]
    let value: ::booster::tch::Tensor = batch.0.f_mul_scalar(scale)?;
    if name.is_some() {
        return ::core::result::Result::Err(::booster::Error::custom("a name"));
    }
    ::core::result::Result::Ok(value)
}
