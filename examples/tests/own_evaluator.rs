//! The program `own_evaluator`, run from the command line.

use std::error::Error;
use std::process::Command;

#[test]
fn every_field_of_the_diagnostics_is_a_row_of_the_table() -> Result<(), Box<dyn Error>> {
    let output = Command::new(env!("CARGO_BIN_EXE_own_evaluator")).output()?;
    let text = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{text}");
    let (_, table) = text.rsplit_once("test\n").ok_or("no test table")?;
    let value = |name: &str| {
        let line = table.lines().find(|line| line.split_whitespace().rev().nth(1) == Some(name));
        line.and_then(|line| line.split_whitespace().next_back()).and_then(|value| value.parse::<f64>().ok())
    };
    let [nll, worst_nll, accuracy, top3_accuracy, confidence] =
        ["nll", "worst_nll", "accuracy", "top3_accuracy", "confidence"].map(value);
    assert!(accuracy > Some(0.95) && accuracy <= top3_accuracy && top3_accuracy <= Some(1.0), "{table}");
    assert!(nll > Some(0.0) && nll < worst_nll, "{table}");
    assert!(confidence > Some(0.1) && confidence < Some(1.0), "{table}");
    Ok(())
}
