//! Parentheses that preserve the precedence of `macro_rules!` fragments.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprParen, ItemFn, Macro, Meta, token};

/// Puts parentheses around the `macro_rules!` fragments in `function`.
///
/// rustc ignores the invisible groups around fragments in the output of a procedural macro: with `1.0 + 2.0` for `$e`,
/// `$e * 2.0` would be 5.
pub(super) fn made_visible(mut function: ItemFn) -> ItemFn {
    Visible.visit_item_fn_mut(&mut function);
    function
}

struct Visible;

impl VisitMut for Visible {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::Group(group) if !is_one_token_or_closed(&group.expr) => {
                let paren_token = token::Paren(group.group_token.span);
                let (attrs, inner) = (std::mem::take(&mut group.attrs), group.expr.clone());
                *expr = Expr::Paren(ExprParen { attrs, paren_token, expr: inner });
            }
            Expr::Verbatim(tokens) => *tokens = visible_tokens(tokens.clone()),
            _ => {}
        }
    }

    fn visit_macro_mut(&mut self, called: &mut Macro) {
        called.tokens = visible_tokens(called.tokens.clone());
    }

    fn visit_attribute_mut(&mut self, attr: &mut Attribute) {
        if let Meta::List(list) = &mut attr.meta {
            list.tokens = visible_tokens(list.tokens.clone());
        }
    }
}

/// Puts parentheses around the `macro_rules!` fragments in unparsed tokens.
fn visible_tokens(tokens: TokenStream) -> TokenStream {
    let visible = |tree| match tree {
        TokenTree::Group(group) => {
            let inner = visible_tokens(group.stream());
            let is_open = group.delimiter() == Delimiter::None
                && syn::parse2::<Expr>(inner.clone()).is_ok_and(|expr| !is_one_token_or_closed(&expr));
            let delimiter = if is_open { Delimiter::Parenthesis } else { group.delimiter() };
            let mut visible = Group::new(delimiter, inner);
            visible.set_span(group.span());
            TokenTree::Group(visible)
        }
        tree => tree,
    };
    tokens.into_iter().map(visible).collect()
}

/// Returns whether an expression needs no parentheses in any context.
fn is_one_token_or_closed(expr: &Expr) -> bool {
    match expr {
        Expr::Group(group) => is_one_token_or_closed(&group.expr),
        Expr::Array(_)
        | Expr::Call(_)
        | Expr::Field(_)
        | Expr::Index(_)
        | Expr::Lit(_)
        | Expr::Macro(_)
        | Expr::MethodCall(_)
        | Expr::Paren(_)
        | Expr::Path(_)
        | Expr::Repeat(_)
        | Expr::Try(_)
        | Expr::Tuple(_) => true,
        _ => false,
    }
}
