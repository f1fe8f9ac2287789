//! The reductions of the library.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Type, TypePath};

use crate::library::Library;
use crate::names;
use crate::text::compact;

/// A reduction of a field's values to one value of the summary.
#[derive(Clone)]
pub(super) enum Reduce {
    Named(&'static Named),
    /// A percentile in hundredths of a percent, such as `p95`.
    Quantile {
        word: String,
        hundredths: u32,
    },
    /// `ema(0.99)`.
    Ema {
        decay: f64,
    },
    /// `histogram(low, high, bins)`.
    Histogram {
        low: f64,
        high: f64,
        bins: u32,
    },
    /// `reduce = path::To::Type`.
    Custom(Box<Type>),
}

/// A reduction without arguments.
pub(super) struct Named {
    word: &'static str,
    /// The name of the type in the library.
    ty: &'static str,
    value: Value<'static>,
    sentence: &'static str,
}

/// The type of a reduction's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number,
    Histogram,
    Array,
    /// The value of a custom reduction.
    Of(&'a Type),
}

const NAMED: [Named; 10] = [
    number("mean", "Mean", "Reduced to the mean."),
    number("sum", "Sum", "Reduced to the sum."),
    number("min", "Min", "Reduced to the minimum."),
    number("max", "Max", "Reduced to the maximum."),
    number("last", "Last", "Reduced to the last value."),
    number("count", "Count", "Reduced to the number of samples."),
    number("std", "Std", "Reduced to the standard deviation."),
    number("var", "Var", "Reduced to the variance."),
    Named {
        word: "histogram",
        ty: "AutoHistogram",
        value: Value::Histogram,
        sentence: "Reduced to a histogram with an automatic range.",
    },
    Named {
        word: "mean_dims",
        ty: "MeanDims",
        value: Value::Array,
        sentence: "Reduced to the mean over samples, keeping the other dimensions.",
    },
];

const fn number(word: &'static str, ty: &'static str, sentence: &'static str) -> Named {
    Named { word, ty, value: Value::Number, sentence }
}

impl Reduce {
    /// The default reduction.
    pub(super) const MEAN: Self = Self::Named(&NAMED[0]);
    /// The reduction of a field that counts the samples.
    pub(super) const SUM: Self = Self::Named(&NAMED[1]);

    /// Returns the reduction without arguments named `word`.
    pub(super) fn named(word: &str) -> Option<Self> {
        NAMED.iter().find(|named| named.word == word).map(Self::Named)
    }

    /// Returns the suffix of the metric's name, which a field's first reduction omits.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Named(named) => named.word.to_owned(),
            Self::Quantile { word, .. } => word.clone(),
            Self::Ema { .. } => "ema".to_owned(),
            Self::Histogram { .. } => "histogram".to_owned(),
            Self::Custom(ty) => names::snake(&last_ident(ty)),
        }
    }

    /// Returns the type that implements the reduction.
    pub(super) fn ty(&self, library: &Library) -> TokenStream {
        match self {
            Self::Named(named) => {
                let ty = Ident::new(named.ty, Span::call_site());
                quote!(#library::reduce::#ty)
            }
            Self::Quantile { hundredths, .. } => {
                let hundredths = Literal::u32_unsuffixed(*hundredths);
                quote!(#library::reduce::Quantile<#hundredths>)
            }
            Self::Ema { decay } => {
                let decay = bits(*decay);
                quote!(#library::reduce::MovingAverage<#decay>)
            }
            Self::Histogram { low, high, bins } => {
                let (low, high, bins) = (bits(*low), bits(*high), Literal::u32_unsuffixed(*bins));
                quote!(#library::reduce::FixedHistogram<#low, #high, #bins>)
            }
            Self::Custom(ty) => ty.to_token_stream(),
        }
    }

    /// Returns whether two reductions have the same type tokens, since a macro cannot resolve aliases.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let [this, other] = [self, other].map(|reduce| reduce.ty(&Library::default()).to_string());
        this == other
    }

    /// Returns whether the reduction supports every leaf type, including ratios.
    pub(super) fn takes_every_leaf(&self) -> bool {
        matches!(self, Self::Named(Named { ty: "Mean" | "Sum" | "Count", .. }))
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Named(named) => named.value,
            Self::Quantile { .. } | Self::Ema { .. } => Value::Number,
            Self::Histogram { .. } => Value::Histogram,
            Self::Custom(ty) => Value::Of(ty),
        }
    }

    /// Returns the type of a custom reduction.
    pub(super) fn custom(&self) -> Option<&Type> {
        match self {
            Self::Custom(ty) => Some(ty),
            Self::Named(_) | Self::Quantile { .. } | Self::Ema { .. } | Self::Histogram { .. } => None,
        }
    }

    /// Returns the sentence that documents the reduction in a summary.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Named(named) => named.sentence.to_owned(),
            Self::Quantile { hundredths, .. } => {
                format!("Reduced to the {}% quantile.", f64::from(*hundredths) / 100.0)
            }
            Self::Ema { decay } => {
                format!("Reduced to the exponential moving average with a decay of {decay} per sample.")
            }
            Self::Histogram { low, high, bins } => {
                format!("Reduced to a histogram with {bins} bins from {low} to {high}.")
            }
            Self::Custom(ty) => format!("Reduced by `{}`.", compact(ty)),
        }
    }
}

impl Value<'_> {
    /// Returns the type by its public path, which documentation shows.
    pub(super) fn ty(self, library: &Library) -> TokenStream {
        let root = library.root();
        match self {
            Self::Number => quote!(::core::primitive::f64),
            Self::Histogram => quote!(#root::diagnostic::Histogram),
            Self::Array => quote!(#root::diagnostic::Array),
            Self::Of(ty) => library.public_method(ty, "Reduction", "Value"),
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number)
    }
}

/// Returns the bits of a number, since an `f64` cannot be a const parameter.
fn bits(value: f64) -> Literal {
    Literal::u64_unsuffixed(value.to_bits())
}

/// Returns the path of `ty`, without the invisible groups of `macro_rules!`.
pub(super) fn path(ty: &Type) -> Option<&TypePath> {
    match ty {
        Type::Path(path) => Some(path),
        Type::Group(group) => path(&group.elem),
        _ => None,
    }
}

fn last_ident(ty: &Type) -> String {
    let last = path(ty).and_then(|ty| ty.path.segments.last());
    last.map_or_else(String::new, |segment| names::plain(&segment.ident))
}
