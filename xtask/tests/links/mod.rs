//! The links and headings of a Markdown file.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};
use url::Url;

/// The links and anchors of a Markdown file, or of the inner documentation of a Rust file.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    /// Link targets, with their lines.
    links: Vec<(usize, String)>,
    anchors: BTreeSet<String>,
    /// References without a definition, with their lines.
    undefined: Vec<(usize, String)>,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut text = fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
        if path.extension().is_some_and(|extension| extension == "rs") {
            text = text.lines().flat_map(|line| [line.strip_prefix("//!").unwrap_or_default().trim(), "\n"]).collect();
        }
        let line = |range: &Range<usize>| text[..range.start].matches('\n').count() + 1;
        let mut undefined = Vec::new();
        // A lone `[word]` may be plain text, or a rustdoc link, which rustdoc checks.
        let mut note_undefined = |link: BrokenLink<'_>| {
            if link.link_type == LinkType::Reference {
                undefined.push((line(&link.span), link.reference.to_string()));
            }
            None
        };
        let events = Parser::new_with_broken_link_callback(&text, Options::ENABLE_TABLES, Some(&mut note_undefined));
        let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None);
        for (event, range) in events.into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((line(&range), dest_url.to_string()));
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().as_deref().map(anchor)),
                _ => {}
            }
        }
        Ok(Self { path: path.to_owned(), links, anchors, undefined })
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|(_, target)| target.as_str())
    }

    pub(crate) fn has_anchor(&self, fragment: &str) -> bool {
        self.anchors.contains(fragment)
    }

    /// Returns the broken links, each with its location and fault.
    pub(crate) fn broken_links(&self) -> Result<Vec<String>> {
        let mut broken = self.broken_links_where(|target| self.fault(target))?;
        broken
            .extend(self.undefined.iter().map(|(line, reference)| self.report(*line, reference, "no such definition")));
        Ok(broken)
    }

    /// Like [`Document::broken_links`], for a page that rustdoc includes, which may only link to hosts.
    pub(crate) fn broken_links_of_rustdoc(&self) -> Result<Vec<String>> {
        self.broken_links_where(|target| Ok(external_fault(target)))
    }

    fn broken_links_where(&self, fault: impl Fn(&str) -> Result<Option<String>>) -> Result<Vec<String>> {
        let mut broken = Vec::new();
        for (line, target) in &self.links {
            broken.extend(fault(target)?.map(|fault| self.report(*line, target, &fault)));
        }
        Ok(broken)
    }

    fn report(&self, line: usize, target: &str, fault: &str) -> String {
        let name = self.path.file_name().unwrap_or_default().display();
        format!("{name}:{line}: `{target}`: {fault}")
    }

    fn fault(&self, target: &str) -> Result<Option<String>> {
        if target.contains(':') {
            return Ok(external_fault(target));
        }
        let (file, fragment) = target.split_once('#').map_or((target, None), |(file, rest)| (file, Some(rest)));
        let path = self.path.parent().unwrap_or(&self.path).join(file);
        if !path.exists() {
            return Ok(Some("no such file".to_owned()));
        }
        let missing = match fragment {
            None => false,
            Some(fragment) if file.is_empty() => !self.has_anchor(fragment),
            Some(fragment) => !Self::read(&path)?.has_anchor(fragment),
        };
        Ok(missing.then(|| "no such heading".to_owned()))
    }
}

/// Checks the form of an external link, without connecting to the host.
fn external_fault(target: &str) -> Option<String> {
    match Url::parse(target) {
        Err(error) => Some(error.to_string()),
        Ok(url) if url.scheme() != "https" => Some("not https".to_owned()),
        Ok(url) => url.host_str().is_none().then(|| "no host".to_owned()),
    }
}

/// Returns the anchor that GitHub and rustdoc generate for a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
