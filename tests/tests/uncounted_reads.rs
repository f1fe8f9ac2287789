//! Every read from a device goes through `booster::transfers`, which counts them. The lints name methods; these are
//! tch's conversions, which they cannot name.

use std::fs;
use std::path::{Path, PathBuf};

/// Types that a tensor converts to. Integers usually convert from numbers too, so those are recognized by name.
const OF_TENSORS: [&str; 4] = ["f64", "f32", "bool", "Vec"];
const OF_BOTH: [&str; 5] = ["i64", "i32", "i16", "i8", "u8"];

/// Sources of integers other than tensors.
const NUMBERS: [&str; 4] = ["count.", "step)", "edges.len()", "length)"];

/// Returns whether a line of code may convert a tensor, ignoring comments.
fn reads(line: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") {
        return false;
    }
    if code.contains(".try_into()")
        && [": f64", ": f32", ": bool", ": Vec<", ": i64"].iter().any(|ty| code.contains(ty))
    {
        return true;
    }
    code.match_indices("::try_from(").any(|(place, call)| {
        let (before, given) = (code[..place].trim_end_matches('>'), &code[place + call.len()..]);
        // `Vec::<f64>::try_from`, `<Vec<f64>>::try_from`: the outermost name.
        let name = before.split('<').next().unwrap_or_default().trim_end_matches(':');
        let is = |types: &[&str]| types.iter().any(|ty| before.ends_with(ty) || name.ends_with(ty));
        is(&OF_TENSORS)
            || before.contains("Vec<")
            || is(&OF_BOTH) && !NUMBERS.iter().any(|number| given.starts_with(number))
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn no_read_goes_uncounted() -> std::io::Result<()> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../booster/src"), &mut files)?;
    assert!(files.len() > 50, "the sources are not where they were");
    for path in files {
        // Tests may read from devices; they are separate files, or come last in a file.
        if path.to_string_lossy().ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            assert!(!reads(line), "{}:{}: a read that is not counted: {line}", path.display(), number + 1);
        }
    }
    Ok(())
}

#[test]
fn a_read_is_found() {
    for line in [
        "let loss = f64::try_from(&loss)?;",
        "let values = Vec::<f64>::try_from(tensor)?;",
        "let index = i64::try_from(&argmax)?;",
        "let all = bool::try_from(mask.f_all()?)?;",
        "let values = <Vec<f64>>::try_from(tensor)?;",
        "let rows: Vec<Vec<f32>> = tensor.try_into()?;",
    ] {
        assert!(reads(line), "{line}");
    }
    for line in [
        "let length = i64::try_from(length)?;",
        "u64::try_from(time.as_nanos())",
        "Tensor::try_from(array)",
        "/// let loss = f64::try_from(&loss)?;",
    ] {
        assert!(!reads(line), "{line}");
    }
}
