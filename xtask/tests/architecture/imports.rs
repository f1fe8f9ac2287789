//! The imports between the files of a package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree, Visibility};

/// The segments of a module or import path.
type Names = Vec<String>;

/// The files of a package by module.
pub(crate) struct Package {
    files: BTreeMap<Names, File>,
}

struct File {
    /// The path below `src`.
    name: String,
    lines: usize,
    /// Its re-exports, by their names here.
    exports: BTreeMap<String, Names>,
    imports: BTreeSet<Names>,
}

impl Package {
    /// Reads the files below a folder, except tests.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        read(folder, folder, &mut files)?;
        Ok(Self { files })
    }

    /// The top-level modules, except those that only re-export.
    pub(crate) fn top_modules(&self) -> BTreeSet<String> {
        let tops = self.files.keys().filter_map(|module| module.first().cloned());
        tops.filter(|module| !["prelude", "private"].contains(&module.as_str())).collect()
    }

    /// The imports between top-level modules.
    pub(crate) fn imports_of_top_modules(&self) -> BTreeSet<(String, String)> {
        let tops = self.top_modules();
        let mut imports = BTreeSet::new();
        for (from, to) in self.edges() {
            if let (Some(from), Some(to)) = (from.first(), to.first())
                && tops.contains(from)
                && tops.contains(to)
            {
                imports.insert((from.clone(), to.clone()));
            }
        }
        imports
    }

    /// Returns the number of lines of each file.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = (&str, usize)> {
        self.files.values().map(|file| (file.name.as_str(), file.lines))
    }

    /// The import cycles: groups of files that import each other, directly or indirectly.
    pub(crate) fn cycles(&self) -> Vec<Vec<String>> {
        let edges = self.edges();
        let reached = |from: &Names| {
            let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
            while let Some(file) = open.pop() {
                for (_, to) in edges.iter().filter(|(of, _)| of == file) {
                    if reached.insert(to) {
                        open.push(to);
                    }
                }
            }
            reached
        };
        let reached = self.files.keys().map(|file| (file, reached(file))).collect::<BTreeMap<_, _>>();
        let cycle = |file: &Names| {
            let back = reached[file].iter().filter(|other| reached[**other].contains(file));
            back.map(|other| self.files[*other].name.clone()).collect::<Vec<_>>()
        };
        let cycles = self.files.keys().map(cycle);
        cycles.filter(|cycle| !cycle.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The imports between files.
    fn edges(&self) -> BTreeSet<(Names, Names)> {
        let edges = self.files.iter().flat_map(|(from, file)| {
            let to = file.imports.iter().map(|path| self.resolve(path));
            to.filter(move |to| to != from && !to.is_empty()).map(|to| (from.clone(), to))
        });
        edges.collect()
    }

    /// The module that defines the item of a path, following re-exports.
    fn resolve(&self, path: &[String]) -> Names {
        let module = (0..=path.len()).rev().map(|length| &path[..length]).find(|path| self.files.contains_key(*path));
        let module = module.unwrap_or_default().to_vec();
        let export = path.get(module.len()).and_then(|name| self.files.get(&module)?.exports.get(name));
        match export {
            Some(target) if target.as_slice() != path => self.resolve(target),
            _ => module,
        }
    }
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<Names, File>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if stem == "tests" || stem.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            read(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root)?;
            let mut module =
                below.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect::<Names>();
            if ["mod", "lib"].contains(&stem.as_str()) {
                module.pop();
            }
            let text = fs::read_to_string(&path)?;
            let syntax = syn::parse_file(&text).with_context(|| format!("parsing `{}`", path.display()))?;
            let mut reader = Reader { module: module.clone(), file: module.clone(), ..Reader::default() };
            reader.visit_file(&syntax);
            let Reader { exports, imports, .. } = reader;
            let name = below.display().to_string();
            files.insert(module, File { name, lines: text.lines().count(), exports, imports });
        }
    }
    Ok(())
}

#[derive(Default)]
struct Reader {
    /// The module of the file.
    file: Names,
    /// The current module: the file's, or one inline in it.
    module: Names,
    exports: BTreeMap<String, Names>,
    imports: BTreeSet<Names>,
}

impl Reader {
    /// A path from the package root, or `None` if it is in another package.
    fn absolute(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut absolute = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            _ => return None,
        };
        let supers = rest.iter().take_while(|name| *name == "super").count();
        absolute.truncate(absolute.len().checked_sub(supers)?);
        absolute.extend(rest.iter().skip(supers).cloned());
        Some(absolute)
    }

    fn read_use(&mut self, tree: &UseTree, before: &[String], is_export: bool) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Names>();
        let (path, name) = match tree {
            UseTree::Path(path) => return self.read_use(&path.tree, &with(path.ident.to_string()), is_export),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.read_use(tree, before, is_export)),
            UseTree::Name(name) if name.ident == "self" => (before.to_vec(), before.last().cloned()),
            UseTree::Name(name) => (with(name.ident.to_string()), Some(name.ident.to_string())),
            UseTree::Rename(rename) => (with(rename.ident.to_string()), Some(rename.rename.to_string())),
            UseTree::Glob(_) => (before.to_vec(), None),
        };
        let Some(path) = self.absolute(&path) else { return };
        match name {
            Some(name) if is_export => drop(self.exports.insert(name, path)),
            _ if is_export => {}
            _ => drop(self.imports.insert(path)),
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !is_test && module.content.is_some() {
            self.module.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // Re-exports count where they are used; imports of an inline module count for its file.
        let is_export = !matches!(item.vis, Visibility::Inherited) && self.module == self.file;
        self.read_use(&item.tree, &[], is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Names>();
        if let Some(path) = self.absolute(&names).filter(|_| names.len() > 1) {
            self.imports.insert(path);
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
