//! Each case is a misuse, and each misuse is one error on the user's own token.
//!
//! `TRYBUILD=overwrite cargo test -p booster-ui-tests` writes the expected messages anew: read them before keeping them.

mod texts;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler whose words the cases pin. Others word and order their notes differently.
const COMPILER: &str = "rustc 1.95";

#[test]
fn every_misuse_is_explained() -> Result<(), Box<dyn Error>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = String::from_utf8(Command::new(rustc).arg("--version").output()?.stdout)?;
    if version.starts_with(COMPILER) {
        trybuild::TestCases::new().compile_fail("cases/*/*.rs");
    } else {
        println!("SKIPPED: the messages are those of {COMPILER}, and this is {}", version.trim());
    }
    Ok(())
}

/// A case about several faults says in its first line how many errors it gives; all others give one.
#[test]
fn every_misuse_is_one_error() -> Result<(), Box<dyn Error>> {
    let cases = cases()?;
    for case in &cases {
        let name = case.path.display();
        let promised = case.source.lines().next().and_then(|line| line.strip_prefix("// errors: "));
        let expected = promised.map_or(Ok(1), str::parse::<usize>)?;
        let found = case.messages.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(found, expected, "errors in {name}");
        assert!(!case.messages.contains("\nwarning") && !case.messages.starts_with("warning"), "a warning in {name}");
        for private in ["__private", "__marker", "__IN_ERROR", "InError"] {
            assert!(!case.messages.contains(private), "`{private}` in {name}");
        }
    }
    println!("{} cases", cases.len());
    assert!(cases.len() >= 80, "{} cases", cases.len());
    Ok(())
}

/// Where a token of the user's is to blame, the macro's own name is not.
#[test]
fn no_error_is_on_the_name_of_a_macro() -> Result<(), Box<dyn Error>> {
    for case in cases()? {
        let name = case.path.display();
        for line in case.messages.split("\nerror").filter_map(place) {
            let blamed = case.source.lines().nth(line - 1).unwrap_or_default().trim_start();
            let on_macro = ["#[derive(", "#[evaluator]"].iter().any(|attribute| blamed.starts_with(attribute));
            assert!(!on_macro, "line {line} of {name} is blamed");
        }
    }
    Ok(())
}

/// No branch of the macros that reports an error is without a case.
#[test]
fn every_text_of_the_macros_is_in_a_case() -> Result<(), Box<dyn Error>> {
    let messages: String = cases()?.into_iter().map(|case| case.messages).collect();
    let texts = texts::all()?;
    let missing: Vec<_> = texts.iter().filter(|text| !text.occurs_in(&messages)).map(texts::Text::shown).collect();
    assert_eq!(missing, Vec::<String>::new(), "texts that no case has");
    println!("{} texts", texts.len());
    assert!(texts.len() >= 100, "{} texts", texts.len());
    Ok(())
}

/// A trait that a user may miss says what to do, for a type of their own and for another crate's.
#[test]
fn every_public_trait_says_what_to_do() -> Result<(), Box<dyn Error>> {
    let mut traits = 0;
    for path in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../booster/src"))? {
        let source = fs::read_to_string(&path)?;
        for item in syn::parse_file(&source)?.items {
            let syn::Item::Trait(item) = item else { continue };
            if !matches!(item.vis, syn::Visibility::Public(_)) {
                continue;
            }
            traits += 1;
            let says =
                item.attrs.iter().any(|attr| attr.path().segments.iter().any(|it| it.ident == "on_unimplemented"));
            assert!(says, "`{}` in {} has no `#[diagnostic::on_unimplemented]`", item.ident, path.display());
        }
    }
    println!("{traits} traits");
    assert!(traits >= 10, "{traits} traits");
    Ok(())
}

/// What has to compile is compiled by cargo, in editions 2021 and 2024: a file that no module names would not be.
#[test]
fn every_shape_is_compiled() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shapes = rust_files(&package.join("src/shapes"))?;
    let list = fs::read_to_string(package.join("src/shapes/mod.rs"))?;
    for shape in &shapes {
        let name = shape.file_stem().and_then(|name| name.to_str()).ok_or("a file without a name")?;
        assert!(name == "mod" || list.contains(&format!("pub mod {name};")), "{} is not compiled", shape.display());
    }
    let renamed = rust_files(&package.join("renamed/src"))?;
    println!("{} shapes", shapes.len() + renamed.len() - 2);
    assert!(shapes.len() > 20, "{} shapes", shapes.len());
    Ok(())
}

/// The line that an error points at: `--> path:line:column`.
fn place(message: &str) -> Option<usize> {
    let place = message.lines().find_map(|line| line.trim_start().strip_prefix("--> cases/"))?;
    place.split(':').nth(1)?.parse().ok()
}

/// A file that does not compile, with what rustc says about it.
struct Case {
    path: PathBuf,
    source: String,
    messages: String,
}

fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    let paths = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    let read = |path: PathBuf| -> Result<Case, Box<dyn Error>> {
        let source = fs::read_to_string(&path)?;
        let messages = fs::read_to_string(path.with_extension("stderr"))?;
        Ok(Case { path, source, messages })
    };
    paths.into_iter().map(read).collect()
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
