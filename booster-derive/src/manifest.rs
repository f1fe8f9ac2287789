//! The name of the booster dependency in a package's `Cargo.toml`.
//!
//! Falls back to `::booster` if the file is missing or the name is ambiguous; `crate = path` overrides it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

const PACKAGE: &str = "booster-tch";
const LIBRARY: &str = "booster";

/// Returns the name of the booster dependency in the package being compiled, if that dependency is renamed.
pub(crate) fn renamed() -> Option<String> {
    /// The last result and its manifest's path, since an editor expands the macros of many packages in one process.
    static LAST: Mutex<Option<(PathBuf, Option<String>)>> = Mutex::new(None);
    let path = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, name)) = &*last
        && *of == path
    {
        return name.clone();
    }
    let manifest = fs::read_to_string(&path).ok();
    let name = manifest.and_then(|manifest| name_in(&manifest, || workspace_of(&path)));
    *last = Some((path, name.clone()));
    name
}

/// Returns the manifest of the workspace that contains the package with the manifest at `path`.
fn workspace_of(path: &Path) -> Option<String> {
    let folders = path.ancestors().skip(1);
    let manifests = folders.filter_map(|folder| fs::read_to_string(folder.join("Cargo.toml")).ok());
    manifests.into_iter().find(|manifest| {
        let mut headers = manifest.lines().filter_map(header);
        headers.any(|keys| keys.first().is_some_and(|first| first == "workspace"))
    })
}

/// Returns the name of booster among the dependencies in `manifest`, if booster is renamed and its name unambiguous.
fn name_in(manifest: &str, workspace: impl FnOnce() -> Option<String>) -> Option<String> {
    let mut found = dependencies(manifest, false);
    if found.values().any(|dependency| dependency.inherited) {
        let shared = workspace().map(|manifest| dependencies(&manifest, true)).unwrap_or_default();
        for (key, dependency) in found.iter_mut().filter(|(_, dependency)| dependency.inherited) {
            dependency.renamed |= shared.get(key).is_some_and(|shared| shared.renamed);
        }
    }
    let names = found.into_iter().filter_map(|(key, dependency)| match &*key {
        _ if dependency.renamed => Some(key.replace('-', "_")),
        PACKAGE => Some(LIBRARY.to_owned()),
        _ => None,
    });
    let mut names: BTreeSet<String> = names.collect();
    let name = names.pop_last()?;
    (names.is_empty() && name != LIBRARY).then_some(name)
}

/// The settings of a dependency that determine its name.
#[derive(Default)]
struct Dependency {
    /// Whether the dependency has `package = "booster-tch"`.
    renamed: bool,
    /// Whether the dependency has `workspace = true`.
    inherited: bool,
}

/// Returns the dependencies of a package, or those of its workspace, by key.
///
/// Parses only the TOML that dependencies use: headers, dotted keys and inline tables on one line.
fn dependencies(manifest: &str, of_workspace: bool) -> BTreeMap<String, Dependency> {
    let mut found: BTreeMap<String, Dependency> = BTreeMap::new();
    // The keys after `dependencies` in the current header, or `None` outside a dependency table.
    let mut table = None;
    for line in manifest.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(keys) = header(line) {
            table = below_dependencies(keys, of_workspace);
            continue;
        }
        let (Some(table), Some((keys, value))) = (&table, line.split_once('=')) else { continue };
        let keys: Vec<String> = table.iter().cloned().chain(keys_of(keys)).collect();
        let Some((key, rest)) = keys.split_first() else { continue };
        let dependency = found.entry(key.clone()).or_default();
        let says = |word: &str, expected: &[&str]| match rest {
            [] => value.match_indices(word).any(|(at, _)| {
                let own = value[..at].ends_with(|before: char| "{, \t".contains(before));
                let value = value[at + word.len()..].trim_start().strip_prefix('=');
                own && value.is_some_and(|value| begins(value, expected))
            }),
            [only] => only == word && begins(value, expected),
            _ => false,
        };
        dependency.renamed |= says("package", &["\"booster-tch\"", "'booster-tch'"]);
        dependency.inherited |= says("workspace", &["true"]);
    }
    found
}

fn begins(value: &str, expected: &[&str]) -> bool {
    expected.iter().any(|expected| value.trim_start().starts_with(expected))
}

/// Returns the keys of a `[table.header]`.
fn header(line: &str) -> Option<Vec<String>> {
    let inner = line.trim_start().strip_prefix('[')?;
    let (inner, _) = inner.rsplit_once(']')?;
    Some(keys_of(inner))
}

/// Returns the keys after `dependencies` in a header, or `None` for the header of any other table.
fn below_dependencies(keys: Vec<String>, of_workspace: bool) -> Option<Vec<String>> {
    if (keys.first()? == "workspace") != of_workspace {
        return None;
    }
    let mut keys = keys.into_iter();
    keys.find(|key| matches!(&**key, "dependencies" | "dev-dependencies" | "build-dependencies"))?;
    Some(keys.collect())
}

/// Splits a dotted key: `a.'b.c'.d` has three keys.
fn keys_of(dotted: &str) -> Vec<String> {
    let mut quote = None;
    let parts = dotted.split(|letter| {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => {}
        }
        quote.is_none() && letter == '.'
    });
    parts.map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(manifest: &str) -> Option<String> {
        name_in(manifest, || None)
    }

    #[test]
    fn a_renamed_dependency_is_found_in_all_forms_of_toml() {
        for manifest in [
            "[dependencies]\nengine = { package = \"booster-tch\", version = \"0.1\" } # renamed",
            "[dev-dependencies]\nserde = '1'\nengine={version='0.1',package='booster-tch'}",
            "[package]\nname = \"a\"\n[dependencies.engine]\nversion = \"0.1\"\npackage = \"booster-tch\"\n[features]",
            "[target.'cfg(not(target_os = \"a.b\"))'.dependencies]\n\"engine\".package = \"booster-tch\"",
            "[dependencies]\nengine.version = \"0.1\"\nengine.package = \"booster-tch\"",
            "[build-dependencies]\nengine = { package = \"booster-tch\" }\n[dependencies]\nengine = { package = \"booster-tch\" }",
        ] {
            assert_eq!(name(manifest).as_deref(), Some("engine"), "{manifest}");
        }
        let dashed = "[dependencies]\nmy-engine = { package = \"booster-tch\" }";
        assert_eq!(name(dashed).as_deref(), Some("my_engine"));
    }

    #[test]
    fn a_name_inherited_from_the_workspace_is_found() {
        let workspace = "[workspace]\nmembers = []\n[workspace.dependencies]\nengine = { package = \"booster-tch\" }";
        for manifest in ["[dependencies]\nengine = { workspace = true }", "[dependencies]\nengine.workspace = true"] {
            let name = name_in(manifest, || Some(workspace.to_owned()));
            assert_eq!(name.as_deref(), Some("engine"), "{manifest}");
        }
        assert_eq!(name_in("[dependencies]\nother.workspace = true", || Some(workspace.to_owned())), None);
        // The package need not use a dependency of its workspace.
        assert_eq!(name(workspace), None);
    }

    #[test]
    fn the_default_name_is_not_a_rename() {
        for manifest in [
            "",
            "[package]\nname = \"booster-tch\"",
            "[dependencies]\nbooster-tch = \"0.1\"",
            "[dependencies]\nbooster = { package = \"booster-tch\", path = \"..\" }",
            "[dependencies]\nengine = { package = \"other\", features = [\"booster-tch\"] }",
            "[package.metadata]\nengine = { package = \"booster-tch\" }",
            "# [dependencies]\nengine = { package = \"booster-tch\" }",
            "[dependencies]\n# engine = { package = \"booster-tch\" }",
            "[dependencies]\nengine = { subpackage = \"booster-tch\" }",
            // Two names are ambiguous.
            "[dependencies]\nengine = { package = \"booster-tch\" }\nbooster-tch = \"0.1\"",
            "[dependencies]\nengine = { package = \"booster-tch\" }\nold = { package = \"booster-tch\" }",
        ] {
            assert_eq!(name(manifest), None, "{manifest}");
        }
    }
}
