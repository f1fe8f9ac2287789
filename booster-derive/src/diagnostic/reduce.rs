//! The reductions of the library: how each is written, and what it gives.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Type, TypePath};

use crate::library::Library;
use crate::names;
use crate::text::compact;

/// How a field's values become one value of the summary.
#[derive(Clone)]
pub(super) enum Reduce {
    Named(&'static Named),
    /// `p95`; in hundredths of a percent.
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
    /// Its type in the library.
    ty: &'static str,
    value: Value<'static>,
    sentence: &'static str,
}

/// What a reduction gives.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number,
    Histogram,
    Array,
    /// The value of the user's own reduction.
    Of(&'a Type),
}

const NAMED: [Named; 10] = [
    number("mean", "Mean", "Reduced by mean."),
    number("sum", "Sum", "Reduced by sum."),
    number("min", "Min", "Reduced by minimum."),
    number("max", "Max", "Reduced by maximum."),
    number("last", "Last", "Reduced to the last value."),
    number("count", "Count", "Reduced to the number of samples."),
    number("std", "Std", "Reduced to the standard deviation."),
    number("var", "Var", "Reduced to the variance."),
    Named {
        word: "histogram",
        ty: "AutoHistogram",
        value: Value::Histogram,
        sentence: "Reduced to a histogram that finds its own range.",
    },
    Named {
        word: "mean_dims",
        ty: "MeanDims",
        value: Value::Array,
        sentence: "Reduced by mean over the samples, with the other dimensions kept.",
    },
];

const fn number(word: &'static str, ty: &'static str, sentence: &'static str) -> Named {
    Named { word, ty, value: Value::Number, sentence }
}

impl Reduce {
    /// What holds where nothing is said.
    pub(super) const MEAN: Self = Self::Named(&NAMED[0]);
    /// What also counts samples.
    pub(super) const SUM: Self = Self::Named(&NAMED[1]);

    /// The reduction without arguments that `word` names.
    pub(super) fn named(word: &str) -> Option<Self> {
        NAMED.iter().find(|named| named.word == word).map(Self::Named)
    }

    /// What its metric's name ends in where the field has others before it.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Named(named) => named.word.to_owned(),
            Self::Quantile { word, .. } => word.clone(),
            Self::Ema { .. } => "ema".to_owned(),
            Self::Histogram { .. } => "histogram".to_owned(),
            Self::Custom(ty) => names::snake(&last_ident(ty)),
        }
    }

    /// The type that reduces.
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

    /// Whether both reduce alike, as far as a macro can know.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let [this, other] = [self, other].map(|reduce| reduce.ty(&Library::default()).to_string());
        this == other
    }

    /// Whether it may be applied to every leaf, ratios included.
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

    /// The user's own type, if it is one.
    pub(super) fn custom(&self) -> Option<&Type> {
        match self {
            Self::Custom(ty) => Some(ty),
            Self::Named(_) | Self::Quantile { .. } | Self::Ema { .. } | Self::Histogram { .. } => None,
        }
    }

    /// How the documentation of a summary says it.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Named(named) => named.sentence.to_owned(),
            Self::Quantile { hundredths, .. } => {
                format!("Reduced to the {} % quantile.", f64::from(*hundredths) / 100.0)
            }
            Self::Ema { decay } => {
                format!("Reduced by exponential moving average, with a decay of {decay} per sample.")
            }
            Self::Histogram { low, high, bins } => {
                format!("Reduced to a histogram of {bins} bins from {low} to {high}.")
            }
            Self::Custom(ty) => format!("Reduced by `{}`.", compact(ty)),
        }
    }
}

impl Value<'_> {
    /// Its type, by the path that documentation shows.
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

/// `f64`s are no const parameters: their bits stand in for them.
fn bits(value: f64) -> Literal {
    Literal::u64_unsuffixed(value.to_bits())
}

/// The path of `ty`, without the invisible groups that `macro_rules!` puts around one.
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
