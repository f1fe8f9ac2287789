//! `demo`, `test` and `ci`: the cargo commands that they run and how they treat the results.
#![cfg(unix)]

mod machine;

use std::fs;

use anyhow::Result;

use machine::{Machine, UNPACK, errors, succeeded};

const RESULTS: &str = r#"
if [ "$*" = run ] && [ "$LD_LIBRARY_PATH" ]; then exit 9; fi
if [ "$1" = new ]; then /bin/mkdir -p "$2/src"; fi
if [ "$1" = test ]; then echo "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured"; fi"#;

/// A machine where installing libtorch is instant and every cargo command succeeds.
fn machine() -> Result<Machine> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    machine.cargo(RESULTS)?;
    for file in ["README.md", "Cargo.toml", "Cargo.lock"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        fs::copy(format!("{root}/{file}"), machine.path("checkout").join(file))?;
    }
    Ok(machine)
}

/// The cargo commands so far, without their environments.
fn commands(machine: &Machine) -> Vec<String> {
    let log = machine.log();
    let commands = log.iter().filter_map(|line| line.strip_prefix("cargo "));
    commands.map(|line| line.split(" | ").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn demo_installs_libtorch_and_forwards_arguments_and_exit_code() -> Result<()> {
    let machine = machine()?;
    machine.cargo("exit 42")?;
    let output = machine.xtask(&["demo", "vae", "--", "--epochs", "3"]).output()?;
    assert_eq!(output.status.code(), Some(42), "{}", errors(&output));
    assert!(machine.link().exists());
    assert_eq!(commands(&machine), ["run --release --package booster-examples --bin vae -- --epochs 3"]);
    Ok(())
}

#[test]
fn demo_runs_the_classification_unless_told_otherwise() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["demo"]).output()?)?;
    assert!(commands(&machine)[0].contains("--bin classification"));
    Ok(())
}

#[test]
fn cargo_finds_libtorch_in_its_configuration_unless_the_user_names_one() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["demo"]).output()?)?;
    let users = machine.path("users");
    fs::rename(machine.path("cache/libtorch-2.13.0-cpu"), machine.path("install"))?;
    std::os::unix::fs::symlink(libtorch(&machine), &users)?;
    succeeded(&machine.xtask(&["demo"]).env("LIBTORCH", &users).output()?)?;
    let log = machine.log();
    let seen: Vec<_> = log.iter().filter_map(|line| line.split(" | ").nth(1)).collect();
    assert_eq!(seen, ["", &users.to_string_lossy()]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn demo_keeps_the_flavor_that_is_linked() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["setup", "--cuda"]).output()?)?;
    let linked = fs::read_link(machine.link())?;
    succeeded(&machine.xtask(&["demo"]).output()?)?;
    assert_eq!(machine.installs(), 1);
    // A broken install is rebuilt in the same flavor.
    fs::remove_file(machine.link().join("lib/libtorch_cuda.so"))?;
    succeeded(&machine.xtask(&["demo"]).output()?)?;
    assert_eq!(machine.installs(), 2);
    assert!(machine.link().join("lib/libtorch_cuda.so").exists());
    assert_eq!(fs::read_link(machine.link())?, linked);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn builds_against_another_libtorch_are_removed() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["setup"]).output()?)?;
    assert!(commands(&machine).is_empty());
    succeeded(&machine.xtask(&["setup", "--cuda"]).output()?)?;
    assert_eq!(
        commands(&machine),
        ["dev", "release"].map(|profile| { format!("clean --quiet --package torch-sys --profile {profile}") })
    );
    Ok(())
}

/// The `include` and `lib` of the moved install.
fn libtorch(machine: &Machine) -> std::path::PathBuf {
    let install = machine.path("install");
    if install.join("torch").exists() { install.join("torch") } else { install }
}

#[test]
fn test_adds_up_the_results_and_passes_on_the_python_packages() -> Result<()> {
    let machine = machine()?;
    fs::create_dir(machine.path("checkout/tests"))?;
    fs::write(machine.path("checkout/tests/requirements.txt"), "tensorboard\n")?;
    for installs in [2, 2] {
        let output = machine.xtask(&["test"]).output()?;
        succeeded(&output)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("tests: 12 passed, 0 failed, 4 ignored, in 4 suites"), "{text}");
        assert_eq!(machine.installs(), installs, "libtorch and the packages must install once each");
    }
    let log = machine.log();
    let readers = log.iter().find(|line| line.starts_with("cargo test --package booster-tests --tests -- --ignored"));
    let packages = readers.and_then(|line| line.split(" | ").nth(2)).unwrap_or_default();
    assert!(packages.contains("cache/python-"), "{log:?}");
    assert!(fs::exists(packages)?);
    Ok(())
}

#[test]
fn test_without_python_runs_the_rest_and_lists_the_skipped_tests() -> Result<()> {
    let machine = machine()?;
    machine.cargo(&format!(
        r#"case "$*" in *--list*) printf 'pythons_reader: test\n\n1 test, 0 benchmarks\n'; exit 0;; esac{RESULTS}"#
    ))?;
    fs::create_dir(machine.path("checkout/tests"))?;
    fs::write(machine.path("checkout/tests/requirements.txt"), "tensorboard\n")?;
    succeeded(&machine.setup()?)?;
    let without_pip = "#!/bin/sh\nif [ \"$1\" = -c ]; then echo 3.12; else exit 1; fi\n";
    for (python, reason) in [(without_pip, "has no pip"), ("", "no `python3` on PATH")] {
        machine.program("python3", python)?;
        if python.is_empty() {
            fs::remove_file(machine.path("bin/python3"))?;
        }
        let output = machine.xtask(&["test"]).output()?;
        succeeded(&output)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("tests: 12 passed, 0 failed, 4 ignored, in 4 suites"), "{text}");
        assert!(text.contains("tests skipped: 1, which need Python (") && text.contains(reason), "{text}");
        assert!(text.trim_end().ends_with(": pythons_reader"), "{text}");
        let ignored = "test --package booster-tests --tests -- --ignored --skip python";
        assert!(commands(&machine).iter().any(|command| command == ignored), "{:?}", commands(&machine));
    }
    Ok(())
}

#[test]
fn test_without_python_still_fails_if_a_test_does() -> Result<()> {
    let machine = machine()?;
    machine.cargo(r#"case "$*" in *booster-tests*--skip*) echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"; exit 101;; esac"#)?;
    fs::create_dir(machine.path("checkout/tests"))?;
    fs::write(machine.path("checkout/tests/requirements.txt"), "tensorboard\n")?;
    succeeded(&machine.setup()?)?;
    fs::remove_file(machine.path("bin/python3"))?;
    let output = machine.xtask(&["test"]).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("1 failed"), "{}", errors(&output));
    Ok(())
}

#[test]
fn ci_without_python_is_an_error() -> Result<()> {
    let machine = machine()?;
    fs::create_dir(machine.path("checkout/tests"))?;
    fs::write(machine.path("checkout/tests/requirements.txt"), "tensorboard\n")?;
    succeeded(&machine.setup()?)?;
    fs::remove_file(machine.path("bin/python3"))?;
    let output = machine.xtask(&["ci"]).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("the tests need Python: no `python3`"), "{}", errors(&output));
    Ok(())
}

#[test]
fn changed_requirements_are_installed_beside_the_old_ones() -> Result<()> {
    let machine = machine()?;
    fs::create_dir(machine.path("checkout/tests"))?;
    for (requirements, installs) in [("tensorboard\n", 2), ("tensorboard==2\n", 3)] {
        fs::write(machine.path("checkout/tests/requirements.txt"), requirements)?;
        succeeded(&machine.xtask(&["test"]).output()?)?;
        assert_eq!(machine.installs(), installs);
    }
    Ok(())
}

#[test]
fn packages_without_libtorch_build_in_their_own_folder() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["ci"]).output()?)?;
    let own = format!("| {}", machine.path("checkout/target/ui").display());
    for line in machine.log().iter().filter(|line| line.starts_with("cargo ")) {
        let without_libtorch = ["booster-ui-tests", "cargo package", "doc-only"].iter().any(|part| line.contains(part));
        assert_eq!(without_libtorch, line.contains(&own), "{line}");
    }
    Ok(())
}

#[test]
fn ci_creates_a_crate_as_the_readme_says() -> Result<()> {
    let machine = machine()?;
    succeeded(&machine.xtask(&["ci"]).env("LD_LIBRARY_PATH", "/nowhere").output()?)?;
    let commands = commands(&machine);
    let checkout = machine.path("checkout").display().to_string();
    let add = format!("add booster-tch --rename booster --path {checkout}/booster");
    let own = commands.iter().position(|command| command.starts_with("new "));
    let own = own.map_or(&[][..], |start| &commands[start..]);
    assert_eq!(own, ["new digits", &add, "run", "test"]);
    let run = machine.log().into_iter().find(|line| line.starts_with("cargo run | "));
    let expected = format!("cargo run | {checkout}/.libtorch |  | {checkout}/target");
    assert_eq!(run, Some(expected), "libtorch must be found only through the variables that the README exports");
    Ok(())
}

#[test]
fn ci_stops_at_the_first_failure_and_names_the_step() -> Result<()> {
    let machine = machine()?;
    machine.cargo(r#"if [ "$1" = doc ]; then exit 101; fi"#)?;
    let output = machine.xtask(&["ci"]).output()?;
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    assert!(text.contains("error: step `documentation` failed"), "{text}");
    assert_eq!(commands(&machine).last().map(String::as_str), Some("doc --no-deps"));
    Ok(())
}

#[test]
fn ci_ends_with_the_time_of_each_step_and_the_number_of_tests() -> Result<()> {
    let machine = machine()?;
    let output = machine.xtask(&["ci"]).output()?;
    succeeded(&output)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in
        ["all checks passed", "documentation ", "packages ", "own crate ", "demo ", "total ", "tests: 12 passed"]
    {
        assert!(text.contains(part), "{part:?} is missing from:\n{text}");
    }
    Ok(())
}
