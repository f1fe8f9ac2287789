//! The packages that cargo would publish, and their contents.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const PUBLISHED: [&str; 3] = ["booster-derive", "booster-sys", "booster-tch"];

fn packages() -> Result<Vec<Value>> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["packages"].as_array().context("no packages")?.clone())
}

#[test]
fn only_the_library_and_its_dependencies_are_published() -> Result<()> {
    let packages = packages()?;
    let publishable = packages.iter().filter(|package| package["publish"].is_null());
    let mut names: Vec<_> = publishable.filter_map(|package| package["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, PUBLISHED);
    Ok(())
}

#[test]
fn published_packages_have_the_metadata_that_a_registry_shows() -> Result<()> {
    for package in packages()?.iter().filter(|package| package["publish"].is_null()) {
        let name = package["name"].as_str().context("no name")?;
        for field in ["description", "documentation", "license", "rust_version", "readme"] {
            assert!(package[field].is_string(), "{name} has no `{field}`");
        }
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().map_or(0, Vec::len);
            assert!((1..=5).contains(&count), "{name} has {count} {field}");
        }
        let folder =
            Path::new(package["manifest_path"].as_str().context("no manifest")?).parent().context("a folder")?;
        let readme = folder.join(package["readme"].as_str().unwrap_or_default());
        assert!(readme.is_file(), "{} does not exist", readme.display());
        if name != "booster-derive" {
            assert_eq!(
                package["metadata"]["docs"]["rs"]["features"][0], "doc-only",
                "{name} must build on docs.rs without libtorch"
            );
        }
    }
    Ok(())
}
