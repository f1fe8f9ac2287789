//! The imports of the packages, checked against `ARCHITECTURE.md`.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::imports::Package;

fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the package has no parent folder")?.to_owned())
}

/// The layers of a package, bottom up: the first `layers` block below its heading.
fn layers(package: &str) -> Result<Vec<BTreeSet<String>>> {
    let text = fs::read_to_string(root()?.join("ARCHITECTURE.md"))?;
    let (_, section) = text.split_once(&format!("\n## `{package}`\n")).context("no such heading")?;
    let (_, block) = section.split_once("```layers\n").context("no `layers` block")?;
    let (block, _) = block.split_once("```").context("unterminated block")?;
    Ok(block.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect())
}

/// The imports that violate the layers, as `from -> to`.
fn against_the_layers(layers: &[BTreeSet<String>], package: &Package) -> Result<Vec<String>> {
    let mut level_of = BTreeMap::new();
    for (level, modules) in layers.iter().enumerate() {
        for module in modules {
            if level_of.insert(module.as_str(), level).is_some() {
                bail!("`{module}` is in two layers");
            }
        }
    }
    let modules = package.top_modules();
    let drawn = level_of.keys().map(|module| (*module).to_owned()).collect::<BTreeSet<_>>();
    if modules != drawn {
        let missing = modules.symmetric_difference(&drawn).collect::<Vec<_>>();
        bail!("missing from the layers or from the code: {missing:?}");
    }
    let rises = |from: &str, to: &str| from != to && level_of[to] >= level_of[from];
    let imports = package.imports_of_top_modules();
    Ok(imports.iter().filter(|(from, to)| rises(from, to)).map(|(from, to)| format!("{from} -> {to}")).collect())
}

#[test]
fn modules_import_only_from_lower_layers() -> Result<()> {
    for name in ["booster", "booster-derive"] {
        let package = Package::read(&root()?.join(name).join("src"))?;
        let found = against_the_layers(&layers(name)?, &package).with_context(|| name.to_owned())?;
        assert!(found.is_empty(), "{name}: imports that violate the layers of ARCHITECTURE.md: {found:#?}");
    }
    Ok(())
}

#[test]
fn no_files_import_each_other_in_a_cycle() -> Result<()> {
    for name in ["booster", "booster-derive", "booster-sys"] {
        let cycles = Package::read(&root()?.join(name).join("src"))?.cycles();
        assert!(cycles.is_empty(), "{name}: {cycles:#?}");
    }
    Ok(())
}

#[test]
fn no_file_is_longer_than_three_hundred_lines() -> Result<()> {
    for name in ["booster", "booster-derive", "booster-sys"] {
        for (file, lines) in Package::read(&root()?.join(name).join("src"))?.lengths() {
            assert!(lines <= 300, "{name}: `{file}` has {lines} lines");
        }
    }
    Ok(())
}

/// Builds a package from files.
fn package(files: &[(&str, &str)]) -> Result<(tempfile::TempDir, Package)> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, text)?;
    }
    let package = Package::read(folder.path())?;
    Ok((folder, package))
}

#[test]
fn a_cycle_is_found_through_re_exports_and_paths() -> Result<()> {
    let (_folder, package) = package(&[
        ("lib.rs", "mod one; mod two; pub use crate::two::Two;"),
        ("one.rs", "use crate::Two; pub struct One(Two);"),
        ("two/mod.rs", "mod inner; pub use self::inner::Two;"),
        ("two/inner.rs", "pub struct Two(Box<crate::one::One>);"),
    ])?;
    assert_eq!(package.cycles(), [["one.rs", "two/inner.rs"]]);
    Ok(())
}

#[test]
fn imports_in_tests_do_not_count() -> Result<()> {
    let (_folder, package) = package(&[
        ("lib.rs", "mod one; mod two;"),
        ("one.rs", "use super::two::Two; pub struct One(Two);"),
        ("two.rs", "pub struct Two; #[cfg(test)] mod tests { use crate::one::One; }"),
    ])?;
    assert!(package.cycles().is_empty());
    let layers = |lines: [&str; 2]| lines.map(|name| BTreeSet::from([name.to_owned()]));
    assert!(against_the_layers(&layers(["two", "one"]), &package)?.is_empty());
    assert_eq!(against_the_layers(&layers(["one", "two"]), &package)?, ["one -> two"]);
    assert!(against_the_layers(&layers(["one", "three"]), &package).is_err());
    Ok(())
}
