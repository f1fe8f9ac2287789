//! What readers of the repository's documents rely on: links that lead somewhere, and a README of one page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the checkout")?.to_owned())
}

/// The targets of the links in a text, code left out.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|prose| prose.split("](").skip(1));
    targets.filter_map(|target| target.split_once(')').map(|(target, _)| target)).collect()
}

/// A link's file, without the heading in it.
fn file_of(target: &str) -> &str {
    target.split_once('#').map_or(target, |(file, _)| file)
}

/// The anchor of a heading, as rustdoc makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_between_files_lead_to_files() -> Result<()> {
    let root = root()?;
    let mut dead = Vec::new();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(name))?;
        let between = links(&text).into_iter().filter(|target| !target.starts_with("https://"));
        dead.extend(
            between.filter(|target| !root.join(file_of(target)).exists()).map(|target| format!("{name}: {target}")),
        );
    }
    assert!(dead.is_empty(), "{dead:#?}");
    Ok(())
}

/// Its pages are read on GitHub too, where a link to an item would be dead: they name items as [`Item`].
#[test]
fn the_guides_pages_link_to_nothing_that_only_rustdoc_knows() -> Result<()> {
    for entry in fs::read_dir(root()?.join("booster/src/guide"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path)?;
            let dead = links(&text).into_iter().filter(|target| !target.starts_with("https://")).collect::<Vec<_>>();
            assert!(dead.is_empty(), "{}: {dead:#?}", path.display());
        }
    }
    Ok(())
}

#[test]
fn the_readme_is_one_page_without_hidden_lines() -> Result<()> {
    let text = fs::read_to_string(root()?.join("README.md"))?;
    assert!(text.lines().count() < 150, "{} lines", text.lines().count());
    let (_, program) = text.split_once("```rust\n").context("no program")?;
    let (program, _) = program.split_once("```").context("the program has no end")?;
    assert!(program.lines().count() < 30, "{} lines", program.lines().count());
    let code = text.split("```").skip(1).step_by(2).filter(|code| code.starts_with("rust"));
    let hidden = code.flat_map(str::lines).filter(|line| *line == "#" || line.starts_with("# ")).collect::<Vec<_>>();
    assert!(hidden.is_empty(), "{hidden:#?}");
    Ok(())
}

#[test]
fn the_guides_index_leads_to_headings() -> Result<()> {
    let folder = root()?.join("booster/src/guide");
    let mut dead = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        for target in links(&text) {
            let Some((page, fragment)) = target.split_once('#') else { continue };
            let Ok(page) = fs::read_to_string(folder.join(format!("{page}.md"))) else { continue };
            let prose = page.split("```").step_by(2).flat_map(str::lines);
            let mut headings = prose.filter_map(|line| line.strip_prefix('#'));
            if !headings.any(|heading| anchor(heading.trim_start_matches('#').trim()) == fragment) {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
    Ok(())
}
