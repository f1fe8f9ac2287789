//! Each case is a misuse, and each misuse is one error on the user's own token.
//!
//! `TRYBUILD=overwrite cargo test -p booster-ui-tests` writes the expected messages anew: read them before keeping them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_misuse_is_explained() {
    trybuild::TestCases::new().compile_fail("cases/*/*.rs");
}

/// A case about several faults says in its first line how many errors it gives; all others give one.
#[test]
fn every_misuse_is_one_error() -> Result<(), Box<dyn Error>> {
    let cases = cases(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").as_path())?;
    assert!(!cases.is_empty());
    for case in cases {
        let source = fs::read_to_string(&case)?;
        let promised = source.lines().next().and_then(|line| line.strip_prefix("// errors: "));
        let expected = promised.map_or(Ok(1), str::parse::<usize>)?;
        let messages = fs::read_to_string(case.with_extension("stderr"))?;
        let found = messages.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(found, expected, "errors in {}", case.display());
        assert!(!messages.contains("__private"), "a private name in {}", case.display());
    }
    Ok(())
}

fn cases(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(cases(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
