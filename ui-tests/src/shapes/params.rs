//! Parameters: lent, cloned, with defaults.

use ::booster::tch::Tensor;

/// All ways to have one.
#[::booster::evaluator]
pub fn parameterized(
    _: &(),
    batch: &Tensor,
    _: ::booster::Mode,
    #[param] plain: f64,
    #[param] lent: &::std::string::String,
    #[param] kept: &'static str,
    #[param(default = 0.5)] default: f64,
    #[param(default = ::core::option::Option::None)] maybe: ::core::option::Option<fn(&f64) -> &f64>,
    #[param(default = (1, [2.0; 2]))] tuple: (i64, [f64; 2]),
) -> ::booster::Result<Tensor> {
    if lent == kept {
        return ::core::result::Result::Err(::booster::Error::custom("the same"));
    }
    let scale = maybe.map_or(plain, |map| *map(&default)) + tuple.1[0];
    ::core::result::Result::Ok(batch.f_mul_scalar(scale)?)
}

/// All have defaults: so has the evaluator.
#[::booster::evaluator]
pub fn defaults(
    _: &(),
    batch: &Tensor,
    _: ::booster::Mode,
    #[param(default = 0.5)] scale: f64,
) -> ::booster::Result<Tensor> {
    ::core::result::Result::Ok(batch.f_mul_scalar(scale)?)
}

/// Makes them.
#[must_use]
pub fn made() -> (Parameterized, Defaults) {
    let one = Parameterized::new(0.1, ::std::string::String::new(), "kept").with_default(2.0).with_tuple((3, [0.1; 2]));
    (one, <Defaults as ::core::default::Default>::default().with_scale(3.0))
}

/// Written as a struct: all its fields are public.
#[must_use]
pub fn written() -> Defaults {
    Defaults { scale: 0.5 }
}
