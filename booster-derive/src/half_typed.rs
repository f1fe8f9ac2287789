//! Parsing of incomplete code, for completion in an editor.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, DeriveInput, Expr, ItemFn, Stmt, Token, Type, Visibility};

/// Parses a struct and drops fields without a type, which rustc reports itself.
pub(crate) fn structure(input: &TokenStream) -> syn::Result<DeriveInput> {
    syn::parse2(input.clone()).or_else(|error| syn::parse2(without_half_fields(input)).map_err(|_| error))
}

fn without_half_fields(input: &TokenStream) -> TokenStream {
    let whole = |token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let fields = whole_fields.parse2(group.stream()).unwrap_or_else(|_| group.stream());
            let mut whole = Group::new(Delimiter::Brace, fields);
            whole.set_span(group.span());
            whole.into()
        }
        token => token,
    };
    input.clone().into_iter().map(whole).collect()
}

/// Drops fields without a type: `a: A, b, c: C` becomes `a: A, c: C`.
fn whole_fields(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut whole = TokenStream::new();
    while !input.is_empty() {
        let attrs = input.call(Attribute::parse_outer)?;
        let (vis, ident): (Visibility, Ident) = (input.parse()?, input.parse()?);
        let colon: Option<Token![:]> = input.parse()?;
        if let Some(colon) = colon
            && !input.is_empty()
            && !input.peek(Token![,])
        {
            let ty: Type = input.parse()?;
            whole.extend(quote!(#(#attrs)* #vis #ident #colon #ty,));
        }
        if !input.is_empty() && (colon.is_some() || input.peek(Token![,])) {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(whole)
}

/// Parses a function and keeps invalid statements as tokens. Returns `None` if the signature is invalid.
pub(crate) fn function(item: &TokenStream) -> Option<ItemFn> {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(body)) = tokens.last_mut() else { return None };
    let statements = body.stream();
    let mut empty = Group::new(body.delimiter(), TokenStream::new());
    empty.set_span(body.span());
    *body = empty;
    let mut function: ItemFn = syn::parse2(tokens.into_iter().collect()).ok()?;
    function.block.stmts = whole_statements.parse2(statements).ok()?;
    Some(function)
}

fn whole_statements(input: ParseStream<'_>) -> syn::Result<Vec<Stmt>> {
    let mut statements = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        if let Ok(statement) = ahead.parse() {
            input.advance_to(&ahead);
            statements.push(statement);
            continue;
        }
        let mut bare = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![;]) {
            bare.extend([input.parse::<TokenTree>()?]);
        }
        input.parse::<Option<Token![;]>>()?.to_tokens(&mut bare);
        statements.push(Stmt::Expr(Expr::Verbatim(bare), None));
    }
    Ok(statements)
}
