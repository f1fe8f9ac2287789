//! Strategies for random token streams and random edits of valid ones.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::collection::vec;
use proptest::prelude::*;

/// A token by its index in the pool, or a group of tokens.
#[derive(Clone, Debug)]
pub(super) enum Soup {
    Token(usize),
    Group(usize, Vec<Soup>),
}

/// Generates a few token trees.
pub(super) fn soup() -> impl Strategy<Value = Vec<Soup>> {
    let token = any::<usize>().prop_map(Soup::Token);
    let tree = token.prop_recursive(3, 24, 6, |inner| {
        (any::<usize>(), vec(inner, 0..6)).prop_map(|(delimiter, inner)| Soup::Group(delimiter, inner))
    });
    vec(tree, 0..12)
}

pub(super) fn tokens(soup: &[Soup], pool: &[TokenTree]) -> TokenStream {
    let tree = |soup: &Soup| match soup {
        Soup::Token(index) => pool[index % pool.len()].clone(),
        Soup::Group(delimiter, inner) => Group::new(delimiter_of(*delimiter), tokens(inner, pool)).into(),
    };
    soup.iter().map(tree).collect()
}

fn delimiter_of(index: usize) -> Delimiter {
    [Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None][index % 4]
}

/// An edit of one token.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// The index of the token at each nesting level.
    at: [usize; 5],
    /// The maximum nesting level.
    depth: usize,
    kind: usize,
    with: usize,
}

pub(super) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (any::<[usize; 5]>(), 1..6_usize, 0..6_usize, any::<usize>());
    vec(edit.prop_map(|(at, depth, kind, with)| Edit { at, depth, kind, with }), 1..3)
}

impl Edit {
    /// Deletes, duplicates, swaps, replaces, inserts or wraps one token.
    pub(super) fn apply(&self, tokens: TokenStream, pool: &[TokenTree]) -> TokenStream {
        self.on_level(0, tokens, pool)
    }

    fn on_level(&self, level: usize, tokens: TokenStream, pool: &[TokenTree]) -> TokenStream {
        let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let with = pool[self.with % pool.len()].clone();
        if tokens.is_empty() {
            return with.into();
        }
        let at = self.at[level % self.at.len()] % tokens.len();
        if level < self.depth
            && let TokenTree::Group(group) = &tokens[at]
        {
            let inner = self.on_level(level + 1, group.stream(), pool);
            tokens[at] = Group::new(group.delimiter(), inner).into();
            return tokens.into_iter().collect();
        }
        match self.kind {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[at].clone()),
            2 => {
                let other = self.with % tokens.len();
                tokens.swap(at, other);
            }
            3 => tokens[at] = with,
            4 => tokens.insert(at, with),
            _ => tokens[at] = Group::new(delimiter_of(self.with), tokens[at].clone().into()).into(),
        }
        tokens.into_iter().collect()
    }
}
