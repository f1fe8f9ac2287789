//! The check for conflicting names.

use std::collections::BTreeSet;

use syn::TypePath;
use syn::visit::{self, Visit};

use super::ast::Evaluator;
use crate::ctxt::Ctxt;

/// Reports a generated struct whose name is that of a type in the function's signature or marks.
///
/// Returns whether the names conflict.
pub(super) fn named_already(ctxt: &Ctxt, evaluator: &Evaluator<'_>) -> bool {
    let ident = &evaluator.ident;
    let mut named = Named(BTreeSet::new());
    named.visit_signature(&evaluator.function.sig);
    for mark in &evaluator.marks {
        named.visit_type(mark.ty);
    }
    let mut made = vec![ident.to_string()];
    if evaluator.diagnostics().next().is_some() {
        made.extend(["Diagnostics", "DiagnosticsSummary"].map(|suffix| format!("{ident}{suffix}")));
    }
    if evaluator.output().next().is_some() {
        made.push(format!("{ident}Output"));
    }
    let Some(clash) = made.iter().find(|name| named.0.contains(*name)) else { return false };
    ctxt.error_with_help(
        &evaluator.function.sig.ident,
        format_args!("the generated struct `{clash}` conflicts with the type `{clash}` in this function"),
        format_args!("rename the evaluator: `#[evaluator(name = {ident}Evaluator)]`"),
    );
    true
}

/// A visitor that collects the types named by a single identifier.
struct Named(BTreeSet<String>);

impl<'ast> Visit<'ast> for Named {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        if let (None, 1, Some(only)) = (&path.qself, path.path.segments.len(), path.path.segments.first()) {
            self.0.insert(only.ident.to_string());
        }
        visit::visit_type_path(self, path);
    }
}
