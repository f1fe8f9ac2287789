//! Every text that the macros can report, as it stands in their sources.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, Item, LitStr, Token};

/// A message or a help, in the pieces between what is filled in.
pub(crate) struct Text {
    pub(crate) place: String,
    pieces: Vec<String>,
}

impl Text {
    /// Whether a line holds all pieces, in order.
    pub(crate) fn occurs_in(&self, messages: &str) -> bool {
        messages.lines().any(|line| {
            let mut rest = line;
            self.pieces.iter().all(|piece| match rest.split_once(piece.as_str()) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            })
        })
    }

    pub(crate) fn shown(&self) -> String {
        format!("{}: {}", self.place, self.pieces.join(".."))
    }

    /// Reads a literal, or one in a `format!`: `a {name} b` has two pieces.
    fn read(place: &str, expr: &Expr) -> Option<Self> {
        let literal = match expr {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(literal), .. }) => literal.clone(),
            Expr::Macro(mac) => mac.mac.parse_body_with(first_literal).ok()?,
            _ => return None,
        };
        let text = literal.value();
        let pieces = text.split('{').enumerate().map(|(index, part)| match part.split_once('}') {
            Some((_, behind)) if index > 0 => behind.to_owned(),
            _ => part.to_owned(),
        });
        Some(Self { place: place.to_owned(), pieces: pieces.collect() })
    }
}

/// The literal of `format!(literal, ..)`.
fn first_literal(input: syn::parse::ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    input.parse::<proc_macro2::TokenStream>()?;
    Ok(literal)
}

/// All texts of the macros' sources, without their tests.
pub(crate) fn all() -> Result<Vec<Text>, Box<dyn Error>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../booster-derive/src");
    let mut reports = Reports::default();
    for path in super::rust_files(&sources)? {
        let name = path.strip_prefix(&sources)?;
        // The place where all reports end up has no text of its own.
        if name.starts_with("tests") || name == Path::new("ctxt.rs") {
            continue;
        }
        reports.place = PathBuf::from(name).display().to_string();
        reports.visit_file(&syn::parse_file(&fs::read_to_string(&path)?)?);
    }
    assert_eq!(reports.elsewhere, Vec::<String>::new(), "a message is not written where it is reported");
    assert_eq!(reports.alike, Vec::<String>::new(), "a case cannot tell these from others");
    Ok(reports.texts)
}

/// Finds the calls of `Ctxt::error` and `Ctxt::error_with_help`.
#[derive(Default)]
struct Reports {
    place: String,
    texts: Vec<Text>,
    /// Calls whose message is no literal.
    elsewhere: Vec<String>,
    /// Calls that say what another one says.
    alike: Vec<String>,
    said: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Reports {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        if call.method != "error" && call.method != "error_with_help" {
            return;
        }
        let line = call.method.span().start().line;
        let place = format!("{}:{line}", self.place);
        match call.args.get(1).and_then(|message| Text::read(&place, message)) {
            Some(text) => self.texts.push(text),
            None => self.elsewhere.push(place.clone()),
        }
        let said: Vec<String> = call.args.iter().skip(1).map(|text| text.to_token_stream().to_string()).collect();
        if !self.said.insert(said.join(", ")) {
            self.alike.push(place.clone());
        }
        // A help may be a constant: it is written once, for several messages.
        self.texts.extend(call.args.get(2).and_then(|help| Text::read(&place, help)));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let tests = matches!(item, Item::Mod(module) if module.ident == "tests");
        if !tests {
            visit::visit_item(self, item);
        }
    }
}
