//! Slots in a temporary folder.

use std::cell::Cell;

use anyhow::bail;
use tempfile::TempDir;

use super::*;

struct Fixture {
    parent: TempDir,
    made: Cell<u32>,
}

impl Fixture {
    fn new() -> Result<Self> {
        Ok(Self { parent: tempfile::tempdir()?, made: Cell::new(0) })
    }

    fn slot(&self, identity: &str) -> Slot {
        Slot::inside(self.parent.path().to_owned(), "thing-1", identity)
    }

    fn fill(&self, identity: &str, force: bool) -> Result<Slot> {
        let slot = self.slot(identity);
        slot.fill(force, |staging| {
            self.made.set(self.made.get() + 1);
            fs::create_dir(staging.content.join("lib"))?;
            fs::write(staging.content.join("lib/library"), "machine code")?;
            fs::write(staging.scratch.join("download"), "packed")?;
            Ok(())
        })?;
        Ok(slot)
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(files(self.parent.path())?.into_iter().map(|(path, _)| path).collect())
    }
}

#[test]
fn a_complete_folder_is_made_once_and_nothing_else_is_left() -> Result<()> {
    let fixture = Fixture::new()?;
    fixture.fill("one", false)?;
    let slot = fixture.fill("one", false)?;
    assert!(slot.is_complete());
    assert_eq!(fixture.made.get(), 1);
    assert_eq!(fixture.names()?, ["thing-1.lock", "thing-1/.complete", "thing-1/lib/library"]);
    Ok(())
}

#[test]
fn force_rebuilds_a_complete_folder() -> Result<()> {
    let fixture = Fixture::new()?;
    fixture.fill("one", false)?;
    fixture.fill("one", true)?;
    assert_eq!(fixture.made.get(), 2);
    Ok(())
}

#[test]
fn a_truncated_file_is_detected_and_repaired() -> Result<()> {
    let fixture = Fixture::new()?;
    let slot = fixture.fill("one", false)?;
    fs::write(slot.path().join("lib/library"), "mach")?;
    assert!(!slot.is_complete());
    fixture.fill("one", false)?;
    assert_eq!(fs::read_to_string(slot.path().join("lib/library"))?, "machine code");
    assert_eq!(fixture.made.get(), 2);
    Ok(())
}

#[test]
fn a_missing_file_is_detected() -> Result<()> {
    let fixture = Fixture::new()?;
    let slot = fixture.fill("one", false)?;
    fs::remove_file(slot.path().join("lib/library"))?;
    assert!(!slot.is_complete());
    Ok(())
}

#[test]
fn a_folder_without_its_manifest_is_rebuilt() -> Result<()> {
    let fixture = Fixture::new()?;
    let slot = fixture.slot("one");
    fs::create_dir_all(slot.path().join("lib"))?;
    fs::write(slot.path().join("lib/half"), "half")?;
    fixture.fill("one", false)?;
    assert!(slot.is_complete());
    assert!(!slot.path().join("lib/half").exists());
    Ok(())
}

#[test]
fn a_folder_of_another_recipe_is_rebuilt() -> Result<()> {
    let fixture = Fixture::new()?;
    fixture.fill("one", false)?;
    assert!(fixture.fill("two", false)?.is_complete());
    assert_eq!(fixture.made.get(), 2);
    Ok(())
}

#[test]
fn the_leftovers_of_a_killed_run_are_removed() -> Result<()> {
    let fixture = Fixture::new()?;
    let rest = fixture.parent.path().join(".thing-1.a1b2c3/content");
    fs::create_dir_all(&rest)?;
    fs::write(rest.join("half"), "half")?;
    let other = fixture.parent.path().join(".thing-10.a1b2c3");
    fs::create_dir(&other)?;
    fixture.fill("one", false)?;
    assert!(!rest.exists());
    assert!(other.exists(), "another slot's staging folder was removed");
    Ok(())
}

#[test]
fn a_failed_run_keeps_the_old_folder_and_leaves_nothing_else() -> Result<()> {
    let fixture = Fixture::new()?;
    let slot = fixture.fill("one", false)?;
    let outcome = slot.fill(true, |staging| {
        fs::write(staging.content.join("half"), "half")?;
        bail!("the network is down")
    });
    assert!(outcome.is_err());
    assert!(slot.is_complete());
    assert_eq!(fixture.names()?, ["thing-1.lock", "thing-1/.complete", "thing-1/lib/library"]);
    Ok(())
}

#[test]
fn concurrent_fills_make_the_folder_once() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let made = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        let fillers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let slot = Slot::inside(parent.path().to_owned(), "thing-1", "one");
                    slot.fill(false, |staging| {
                        made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(50));
                        fs::write(staging.content.join("file"), "content")?;
                        Ok(())
                    })
                })
            })
            .collect();
        for filler in fillers {
            assert!(filler.join().is_ok_and(|outcome| outcome.is_ok()));
        }
    });
    assert_eq!(made.into_inner(), 1);
    Ok(())
}
