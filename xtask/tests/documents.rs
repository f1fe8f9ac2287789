//! Checks of the repository's documents: no dead links, and a README of one page.

mod links;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::links::Document;

fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the package has no parent folder")?.to_owned())
}

/// Returns the paths of the guide's pages.
fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(root()?.join("booster/src/guide"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    anyhow::ensure!(!pages.is_empty(), "the guide has no pages");
    Ok(pages)
}

#[test]
fn links_to_files_headings_and_hosts_resolve() -> Result<()> {
    let (root, mut broken) = (root()?, Vec::new());
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        broken.extend(Document::read(&root.join(name))?.broken_links()?);
    }
    assert!(broken.is_empty(), "{broken:#?}");
    Ok(())
}

/// The pages are also read on GitHub, where a link to an item would be dead, so they write items as [`Item`].
#[test]
fn the_guides_links_do_not_depend_on_rustdoc() -> Result<()> {
    let mut broken = Vec::new();
    for page in pages()? {
        broken.extend(Document::read(&page)?.broken_links_of_rustdoc()?);
    }
    assert!(broken.is_empty(), "{broken:#?}");
    Ok(())
}

/// rustdoc checks that the pages exist, but not their headings.
#[test]
fn the_guides_links_to_headings_resolve() -> Result<()> {
    let folder = root()?.join("booster/src/guide");
    let index = Document::read(&folder.join("mod.rs"))?;
    let mut broken = Vec::new();
    let mut found = 0;
    for target in index.targets() {
        let Some((page, fragment)) = target.split_once('#') else { continue };
        found += 1;
        if !Document::read(&folder.join(format!("{page}.md")))?.has_anchor(fragment) {
            broken.push(target);
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(found > 0, "the index has no link to a heading");
    Ok(())
}

#[test]
fn the_readme_is_one_page_without_hidden_lines() -> Result<()> {
    let text = fs::read_to_string(root()?.join("README.md"))?;
    assert!(text.lines().count() < 150, "{} lines", text.lines().count());
    let (_, program) = text.split_once("```rust\n").context("no program")?;
    let (program, _) = program.split_once("```").context("unterminated program")?;
    assert!(program.lines().count() < 30, "{} lines", program.lines().count());
    let code = text.split("```").skip(1).step_by(2).filter(|code| code.starts_with("rust"));
    let hidden = code.flat_map(str::lines).filter(|line| *line == "#" || line.starts_with("# ")).collect::<Vec<_>>();
    assert!(hidden.is_empty(), "{hidden:#?}");
    Ok(())
}

/// Each kind of broken link is found, and code is ignored.
#[test]
fn broken_links_are_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("page.md");
    fs::write(folder.path().join("other.md"), "# Other\n\n## A `b`, c\n")?;
    let text = "# Page\n\n[a](#page) [b](other.md#a-b-c) [c](https://docs.rs/tch) `[d](nowhere.md)`\n\n\
        ```text\n[e](nowhere.md)\n```\n\n";
    let mut broken = Vec::new();
    for link in
        ["[f](gone.md)", "[g](other.md#gone)", "[h](#gone)", "[i](http://docs.rs)", "[j](https://)", "[k][gone]"]
    {
        fs::write(&path, format!("{text}{link}\n"))?;
        broken.extend(Document::read(&path)?.broken_links()?);
    }
    assert_eq!(
        broken,
        [
            "page.md:9: `gone.md`: no such file",
            "page.md:9: `other.md#gone`: no such heading",
            "page.md:9: `#gone`: no such heading",
            "page.md:9: `http://docs.rs`: not https",
            "page.md:9: `https://`: empty host",
            "page.md:9: `gone`: no such definition",
        ]
    );
    Ok(())
}
