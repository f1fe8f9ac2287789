//! Generic parameters: which ones a type mentions, and the subset that a generated item needs.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{GenericParam, Generics, Ident, Lifetime, Macro, Path, Type, WherePredicate, parse_quote};

/// Names of parameters, including the apostrophe of lifetimes.
pub(crate) type Names = BTreeSet<String>;

pub(crate) fn name_of(param: &GenericParam) -> String {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.to_string(),
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
    }
}

/// Returns `param` as a generic argument.
pub(crate) fn argument(param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.to_token_stream(),
        GenericParam::Type(param) => param.ident.to_token_stream(),
        GenericParam::Const(param) => param.ident.to_token_stream(),
    }
}

/// Returns the names of all parameters of `generics`.
pub(crate) fn names(generics: &Generics) -> Names {
    generics.params.iter().map(name_of).collect()
}

struct Mentions<'a> {
    known: &'a Names,
    found: Names,
}

impl Mentions<'_> {
    fn ident(&mut self, ident: &Ident) {
        let name = ident.to_string();
        if self.known.contains(&name) {
            self.found.insert(name);
        }
    }

    /// Visits the opaque arguments of a macro, in which any identifier may be a parameter.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => self.ident(&ident),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        let name = lifetime.to_string();
        if self.known.contains(&name) {
            self.found.insert(name);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        // A parameter can only be the first segment of a path.
        if path.leading_colon.is_none()
            && let Some(head) = path.segments.first()
        {
            self.ident(&head.ident);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.tokens(mac.tokens.clone());
    }
}

fn mentioned_by(generics: &Generics, look: impl FnOnce(&mut Mentions<'_>)) -> Names {
    let known = names(generics);
    let mut mentions = Mentions { known: &known, found: Names::new() };
    look(&mut mentions);
    mentions.found
}

/// Returns the parameters of `generics` that `ty` mentions.
pub(crate) fn mentioned(generics: &Generics, ty: &Type) -> Names {
    mentioned_by(generics, |mentions| mentions.visit_type(ty))
}

/// Returns the parameters of `generics` that any of `types` mentions.
pub(crate) fn mentioned_in<'a>(generics: &Generics, types: impl IntoIterator<Item = &'a Type>) -> Names {
    mentioned_by(generics, |mentions| {
        for ty in types {
            mentions.visit_type(ty);
        }
    })
}

/// Returns whether `ty` depends on a parameter, and so needs a bound.
///
/// A bound on any other type would be trivial: rustc would warn about a true bound and report an error for a false one,
/// in addition to the error on the type.
pub(crate) fn is_generic(generics: &Generics, ty: &Type) -> bool {
    !mentioned(generics, ty).is_empty()
}

/// Extends `kept` with all parameters that the inline bounds of the parameters in `kept` mention, transitively.
pub(crate) fn closure(generics: &Generics, mut kept: Names) -> Names {
    loop {
        let wider = mentioned_by(generics, |mentions| {
            for param in &generics.params {
                if kept.contains(&name_of(param)) {
                    mentions.found.insert(name_of(param));
                    visit_bounds(mentions, param);
                }
            }
        });
        if wider == kept {
            return kept;
        }
        kept = wider;
    }
}

fn visit_bounds(mentions: &mut Mentions<'_>, param: &GenericParam) {
    match param {
        GenericParam::Lifetime(param) => {
            for bound in &param.bounds {
                mentions.visit_lifetime(bound);
            }
        }
        GenericParam::Type(param) => {
            for bound in &param.bounds {
                mentions.visit_type_param_bound(bound);
            }
        }
        GenericParam::Const(_) => {}
    }
}

/// Returns the parameters in `kept`, without defaults and with only the bounds that mention no other parameter.
pub(crate) fn restricted(generics: &Generics, kept: &Names) -> Generics {
    let within = |look: &dyn Fn(&mut Mentions<'_>)| mentioned_by(generics, |mentions| look(mentions)).is_subset(kept);
    let params = generics.params.iter().filter_map(|param| {
        if !kept.contains(&name_of(param)) {
            return None;
        }
        let mut param = param.clone();
        if let GenericParam::Type(param) = &mut param {
            param.bounds = std::mem::take(&mut param.bounds)
                .into_iter()
                .filter(|bound| within(&|mentions| mentions.visit_type_param_bound(bound)))
                .collect();
        }
        Some(without_default(param))
    });
    let mut restricted: Generics = {
        let params = params.collect::<Vec<_>>();
        if params.is_empty() { Generics::default() } else { parse_quote!(<#(#params),*>) }
    };
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    add_predicates(
        &mut restricted,
        predicates
            .filter(|predicate| {
                let mentioned = mentioned_by(generics, |mentions| {
                    mentions.visit_where_predicate(predicate);
                });
                !mentioned.is_empty() && mentioned.is_subset(kept)
            })
            .cloned(),
    );
    restricted
}

fn without_default(mut param: GenericParam) -> GenericParam {
    match &mut param {
        GenericParam::Type(param) => param.default = None,
        GenericParam::Const(param) => param.default = None,
        GenericParam::Lifetime(_) => {}
    }
    param
}

/// Returns `generics` without bounds, where clause and defaults.
pub(crate) fn bare(generics: &Generics) -> Generics {
    let mut bare = generics.clone();
    bare.where_clause = None;
    for param in &mut bare.params {
        *param = without_default(param.clone());
        if let GenericParam::Type(param) = param {
            param.colon_token = None;
            param.bounds.clear();
        }
    }
    bare
}

/// Adds `predicates` to the where clause of `generics`.
pub(crate) fn add_predicates(generics: &mut Generics, predicates: impl IntoIterator<Item = WherePredicate>) {
    let mut predicates = predicates.into_iter().peekable();
    // An empty `where` would show up in the user's documentation.
    if predicates.peek().is_some() {
        generics.make_where_clause().predicates.extend(predicates);
    }
}

/// Returns a type that mentions only `names`, for a marker field that uses otherwise unused parameters.
pub(crate) fn phantom(generics: &Generics, names: &Names) -> TokenStream {
    let mentions = generics.params.iter().filter_map(|param| match param {
        _ if !names.contains(&name_of(param)) => None,
        GenericParam::Lifetime(param) => {
            let lifetime = &param.lifetime;
            Some(quote!(&#lifetime ()))
        }
        GenericParam::Type(param) => {
            let ident = &param.ident;
            Some(quote!(#ident))
        }
        GenericParam::Const(_) => None,
    });
    quote!((#(#mentions,)*))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generics() -> Generics {
        let item: syn::ItemStruct = parse_quote! {
            struct S<'a, A: Leaf<B> + Copy, B = i64, C: 'a, const N: usize = 3>
            where A: Send, (A, C): Sync, i64: Copy {}
        };
        Generics { where_clause: item.generics.where_clause.clone(), ..item.generics }
    }

    fn mentioned_names(ty: &Type) -> Vec<String> {
        mentioned(&generics(), ty).into_iter().collect()
    }

    #[test]
    fn only_paths_that_start_with_a_parameter_mention_it() {
        assert_eq!(mentioned_names(&parse_quote!(Vec<Option<A>>)), ["A"]);
        assert_eq!(mentioned_names(&parse_quote!(<A as B>::C)), ["A", "B"]);
        assert_eq!(mentioned_names(&parse_quote!([&'a f64; N])), ["'a", "N"]);
        assert_eq!(mentioned_names(&parse_quote!(mac!(A))), ["A"]);
        assert!(mentioned_names(&parse_quote!(module::A)).is_empty());
        assert!(mentioned_names(&parse_quote!(::A)).is_empty());
    }

    #[test]
    fn the_closure_includes_parameters_in_bounds() {
        let closed = closure(&generics(), Names::from(["A".to_owned()]));
        assert_eq!(closed.into_iter().collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn restricted_generics_keep_only_bounds_on_kept_parameters() {
        let kept = Names::from(["A".to_owned()]);
        let restricted = restricted(&generics(), &kept);
        assert_eq!(restricted.to_token_stream().to_string(), "< A : Copy >");
        assert_eq!(restricted.where_clause.to_token_stream().to_string(), "where A : Send");
    }
}
