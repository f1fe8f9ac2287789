//! Logs and curves: their contents, and parts with different metrics.

use std::fs;

use booster::logging::{Curves, Point, PointData, Sink, TensorBoard, TextLog};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn scalar(name: &str, number: f64) -> Point<'_> {
    Point { group: "loss", name, data: PointData::Scalar(number) }
}

#[test]
fn a_line_holds_each_number_in_full_and_a_run_that_goes_on_appends() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("deep/train.log");
    TextLog::create(&path)?.points(1, &[scalar("nll", 1.0 / 3.0), scalar("kl", f64::NAN)])?;
    TextLog::append(&path)?.points(2, &[scalar("nll", 1e-300)])?;
    let text = fs::read_to_string(&path)?;
    let lines = text.lines().collect::<Vec<_>>();
    assert_eq!(lines[0], "step 1  loss/nll 0.3333333333333333  loss/kl NaN");
    let number: f64 = lines[1].rsplit(' ').next().ok_or("no number")?.parse()?;
    assert_eq!(number, 1e-300);
    let error = TextLog::create(folder.path()).map(|_| ()).expect_err("a folder").to_string();
    assert!(error.starts_with("cannot open `"), "{error}");
    Ok(())
}

#[test]
fn what_is_created_leaves_what_is_there() -> Outcome {
    let folder = tempfile::tempdir()?;
    let [log, picture] = ["train.log", "curves.svg"].map(|name| folder.path().join(name));
    // A run that ended before its first line left an empty file.
    drop(TextLog::create(&log)?);
    TextLog::create(&log)?.points(1, &[scalar("nll", 1.0)])?;
    let error = TextLog::create(&log).expect_err("a log is there").to_string();
    assert!(error.starts_with("cannot create `") && error.contains("use `TextLog::append` to continue it"), "{error}");
    assert_eq!(fs::read_to_string(&log)?, "step 1  loss/nll 1\n");

    let [mut one, mut other] = [Curves::create(&picture, "train")?, Curves::create(&picture, "train")?];
    for step in 1..=2 {
        one.points(step, &[scalar("one", 1.0)])?;
        one.flush()?;
    }
    other.points(1, &[scalar("other", 1.0)])?;
    for error in [other.flush().expect_err("drawn since"), Curves::create(&picture, "train").expect_err("drawn")] {
        let error = error.to_string();
        assert!(
            error.starts_with("cannot create `") && error.contains("use `Curves::replace` to overwrite it"),
            "{error}"
        );
    }
    drop(other);
    assert!(fs::read_to_string(&picture)?.contains("loss/one"));
    Curves::replace(&picture, "train")?.points(1, &[scalar("new", 1.0)])?;
    assert!(fs::read_to_string(&picture)?.contains("loss/new"));

    let first = TensorBoard::create(folder.path())?;
    let second = TensorBoard::create(folder.path())?;
    assert!(first.path() != second.path() && first.path().exists());
    Ok(())
}

#[test]
fn parts_with_other_metrics_share_a_picture() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("curves.svg");
    let mut train = Curves::create(&path, "train")?;
    let mut test = train.beside("test");
    for step in 1..=5 {
        train.points(step, &[scalar("nll", 1.0 / step as f64), scalar("grad", f64::INFINITY)])?;
        test.points(step, &[scalar("nll", 0.5), scalar("only <here>", 2.0)])?;
    }
    train.flush()?;
    let picture = fs::read_to_string(&path)?;
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"), "{picture}");
    for text in ["loss/nll", "loss/only &lt;here&gt;", "train", "test"] {
        assert!(picture.contains(text), "{text}");
    }
    // The metric has no finite values.
    assert!(!picture.contains("loss/grad"));

    // Dropping the last sink redraws the figure with the new points.
    test.points(6, &[scalar("late", 1.0)])?;
    drop(train);
    assert!(!fs::read_to_string(&path)?.contains("loss/late"));
    drop(test);
    assert!(fs::read_to_string(&path)?.contains("loss/late"));
    Ok(())
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut curves = Curves::create(folder.path(), "train")?;
    curves.flush()?;
    curves.points(1, &[scalar("nll", 1.0)])?;
    let error = curves.flush().expect_err("a folder").to_string();
    assert!(error.starts_with("cannot write to `"), "{error}");
    Ok(())
}

#[test]
fn several_sinks_all_get_what_is_written_even_if_one_fails() -> Outcome {
    struct Broken;
    impl Sink for Broken {
        fn points(&mut self, _: u64, _: &[Point<'_>]) -> booster::Result<()> {
            Err(booster::Error::custom("the disk is gone"))
        }
    }
    let folder = tempfile::tempdir()?;
    let [one, other] = ["one.log", "other.log"].map(|name| folder.path().join(name));
    let mut sinks = (TextLog::create(&one)?, Broken, vec![Box::new(TextLog::create(&other)?) as Box<dyn Sink>]);
    let error = sinks.points(1, &[scalar("nll", 1.0)]).expect_err("one is broken");
    assert_eq!(error.to_string(), "the disk is gone");
    sinks.flush()?;
    assert_eq!(fs::read_to_string(&one)?, "step 1  loss/nll 1\n");
    assert_eq!(fs::read_to_string(&other)?, "step 1  loss/nll 1\n");
    Ok(())
}

#[test]
fn numbers_at_the_end_of_their_range_are_drawn() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut curves = Curves::create(folder.path().join("curves.svg"), "train")?;
    curves.points(1, &[scalar("nll", -1.7e308), scalar("kl", 1e-300)])?;
    curves.points(2, &[scalar("nll", 1.7e308), scalar("kl", 1e300)])?;
    curves.flush()?;
    Ok(())
}
