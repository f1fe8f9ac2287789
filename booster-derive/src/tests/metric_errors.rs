use super::{assert_errors, diagnostic};

const EXPECTED: &str = "expected `mean`, `sum`, `min`, `max`, `last`, `count`, `std`, `var`, a percentile such as \
                        `p95`, `ema(0.99)`, `histogram`, `mean_dims`, `reduce = path::To::Type` or `samples`";
const EMA: &str = "write `ema(0.99)`, with the decay per sample";
const HISTOGRAM: &str = "write `histogram`, or `histogram(low, high, bins)`";
const BINS: &str = "write an integer from 1 to 10000";
const PERCENTILE: &str = "write a percentile such as `p95` or `p99_9`";
const REDUCE: &str = "write `reduce = path::To::Type`";
const REMOVE: &str = "remove one of them";

/// Asserts the errors of a struct with these fields.
#[track_caller]
fn assert_fields(fields: &str, expected: &[(&str, &str, &str)]) {
    assert_errors(diagnostic(&format!("struct D<T> {{ {fields} }}")), expected);
}

/// Asserts the errors of a field with these reductions.
#[track_caller]
fn assert_metric(metric: &str, expected: &[(&str, &str, &str)]) {
    assert_fields(&format!("#[group = \"a\"] #[metric({metric})] kl: Tensor"), expected);
}

#[test]
fn a_metric_names_its_reduction_in_parentheses() {
    for attribute in ["#[metric]", "#[metric()]", "#[metric = \"mean\"]"] {
        let fields = format!("#[group = \"a\"] {attribute} kl: Tensor");
        let message = "`metric` takes its arguments in parentheses";
        assert_fields(&fields, &[(attribute, message, "write `#[metric(mean)]`")]);
    }
    assert_fields(
        "#[group = \"a\"] #[metric(mean)] #[metric(sum)] kl: Tensor",
        &[("#[metric(sum)]", "duplicate `#[metric]` on field `kl`", "a field has one `#[metric]`")],
    );
    let help = "write `#[metric(mean)]`";
    for (list, on) in
        [("0.95", "0.95"), ("mean, \"std\"", "\"std\""), ("mean,, std", ","), (", mean", ","), ("mean, a::", "a::")]
    {
        assert_metric(list, &[(on, &format!("unexpected `{on}`"), help)]);
    }
}

#[test]
fn a_misspelt_reduction_is_suggested() {
    for (written, meant) in [
        ("men", "mean"),
        ("Mean", "mean"),
        ("r#mean", "mean"),
        ("summ", "sum"),
        ("counts", "count"),
        ("vars", "var"),
        ("histgram", "histogram"),
        ("mean_dim", "mean_dims"),
        ("sample", "samples"),
        ("average", "mean"),
        ("maximum", "max"),
        ("stddev", "std"),
        ("variance", "var"),
        ("median", "p50"),
    ] {
        let message = format!("unknown reduction `{written}`, did you mean `{meant}`?");
        assert_metric(written, &[(written, &message, EXPECTED)]);
    }
    assert_metric(
        "histgram(0, 1, 2)",
        &[("histgram", "unknown reduction `histgram`, did you mean `histogram`?", EXPECTED)],
    );
}

#[test]
fn an_unknown_reduction_is_refused() {
    for word in ["geometric", "p", "p_5", "p9x", "p5_"] {
        assert_metric(word, &[(word, &format!("unknown reduction `{word}`"), EXPECTED)]);
    }
    for path in ["path::To", "Geometric", "::To"] {
        let help = format!("write `reduce = {path}`");
        assert_metric(path, &[(path, &format!("unknown reduction `{path}`"), &help)]);
    }
}

#[test]
fn a_quantile_is_written_in_percent() {
    for (word, argument, written) in [
        ("quantile", "(0.95)", "p95"),
        ("quantile", "(0.999)", "p99_9"),
        ("quantile", "(0.9999)", "p99_99"),
        ("quantile", "(0.07)", "p7"),
        ("quantile", "(0.99999)", "p95"),
        ("quantile", "(2)", "p95"),
        ("quantile", "", "p95"),
        ("percentile", "(12.5)", "p12_5"),
        ("percentile", "(-3)", "p95"),
    ] {
        let message = format!("unknown reduction `{word}`");
        assert_metric(&format!("{word}{argument}"), &[(word, &message, &format!("write `{written}`"))]);
    }
}

#[test]
fn a_percentile_lies_between_0_and_100() {
    for (word, help) in [
        ("p105", PERCENTILE),
        ("p100_5", PERCENTILE),
        ("p99999999999999999999", PERCENTILE),
        ("p100", "the largest value is `max`"),
        ("p0", "the smallest value is `min`"),
        ("p00_00", "the smallest value is `min`"),
    ] {
        assert_metric(word, &[(word, &format!("`{word}` is not between 0 and 100"), help)]);
    }
    assert_metric("p99_995", &[("p99_995", "`p99_995` has more than two decimals", "write `p99_99`")]);
    assert_metric("p99.9", &[("p99.9", "`p99.9` is not a name", "write `p99_9`")]);
}

#[test]
fn a_word_that_stands_alone_takes_no_arguments() {
    for (word, arguments) in
        [("mean", "(3)"), ("std", "= 2"), ("p95", "(0.95)"), ("mean_dims", "[1]"), ("samples", "(n)")]
    {
        let help = format!("write `{word}`, and a comma before what comes next");
        let message = format!("`{word}` takes no arguments");
        assert_metric(&format!("{word} {arguments}, max"), &[(arguments, &message, &help)]);
    }
    let help = "write `mean`, and a comma before what comes next";
    assert_metric("mean std", &[("std", "`mean` takes no arguments", help)]);
}

#[test]
fn an_ema_has_a_decay_between_0_and_1() {
    assert_metric("mean, ema", &[("ema", "`ema` needs its decay", EMA)]);
    for rest in ["()", "(0.9, 0.5)", "= 0.9", "[0.9]", "(0.9 0.5)"] {
        let message = "`ema` takes one number, its decay, in parentheses";
        assert_metric(&format!("ema {rest}"), &[(rest, message, EMA)]);
    }
    for decay in ["0", "1", "1.0", "1.5", "-0.5", "-0.0", "0.99999999999999999999"] {
        let message = format!("the decay `{decay}` is not between 0 and 1");
        assert_metric(&format!("ema({decay})"), &[(decay, &message, EMA)]);
    }
    for decay in ["DECAY", "decay = 0.9", "\"0.9\"", "0.9f32", "1.0 - 0.1", "1e400"] {
        let message = format!("expected a number, found `{decay}`");
        assert_metric(&format!("ema({decay})"), &[(decay, &message, EMA)]);
    }
}

#[test]
fn a_histogram_has_ascending_ends_and_bins() {
    for rest in ["()", "(0, 1)", "(20)", "(bins = 20)", "(0, 1, 2, 3)", "= 3", "[0, 1, 2]"] {
        let message = "`histogram` takes three numbers in parentheses, or none";
        assert_metric(&format!("histogram {rest}"), &[(rest, message, HISTOGRAM)]);
    }
    assert_metric("histogram(1, 0, 5)", &[("0", "`0` is not above `1`", "the low end comes first")]);
    assert_metric("histogram(2.0, 2, 5)", &[("2", "`2` is not above `2.0`", "the low end comes first")]);
    assert_metric("histogram(-1, -1.5, 5)", &[("-1.5", "`-1.5` is not above `-1`", "the low end comes first")]);
    assert_metric("histogram(LOW, 1, 5)", &[("LOW", "expected a number, found `LOW`", HISTOGRAM)]);
    for bins in ["0", "10001", "5.0", "BINS", "-3", "5usize", "99999999999999999999"] {
        let message = format!("`{bins}` is not a number of bins");
        assert_metric(&format!("histogram(0, 1, {bins})"), &[(bins, &message, BINS)]);
    }
    assert_metric(
        "histogram(1, 0, 0), std",
        &[("0", "`0` is not above `1`", "the low end comes first"), ("0", "`0` is not a number of bins", BINS)],
    );
}

#[test]
fn a_reduction_of_ones_own_is_a_type() {
    for written in ["reduce", "reduce(X)", "reduce ="] {
        assert_metric(written, &[("reduce", "`reduce` takes a type after `=`", REDUCE)]);
    }
    for found in ["\"path::To\"", "3", "&To", "(A, B)", "To from"] {
        let message = format!("expected the path of a type, found `{found}`");
        assert_metric(&format!("reduce = {found}, mean"), &[(found, &message, REDUCE)]);
    }
    let help = "name a type without the struct's parameters";
    for (ty, name) in [("Own<T>", "T"), ("T", "T"), ("Own<A, Self>", "Self"), ("T::Own", "T")] {
        let message = format!("a reduction cannot depend on `{name}`");
        assert_metric(&format!("mean, reduce = {ty}"), &[(ty, &message, help)]);
    }
}

#[test]
fn a_reduction_stands_once_on_a_field() {
    for (metric, on) in [
        ("mean, mean", "mean"),
        ("p50, std, p50_0", "p50_0"),
        ("ema(0.5), ema(0.50)", "ema(0.50)"),
        ("histogram(0, 1, 5), histogram(0.0, 1.0, 5)", "histogram(0.0, 1.0, 5)"),
        ("reduce = To, reduce = To", "To"),
        ("samples, samples", "samples"),
    ] {
        assert_metric(metric, &[(on, &format!("duplicate `{on}` on field `kl`"), REMOVE)]);
    }
}

#[test]
fn samples_stands_alone() {
    let expected = (
        "samples",
        "`samples` stands alone in `#[metric(..)]`",
        "a field that counts the samples is reduced by their sum",
    );
    for metric in ["samples, sum", "mean, samples", "min, samples, max"] {
        assert_metric(metric, &[expected]);
    }
}

#[test]
fn a_metric_has_a_name_of_its_own() {
    let help = "rename `kl` or `kl_std`, or put them into different groups";
    assert_fields(
        "#[group = \"a\"] #[metric(mean, std)] kl: A, #[group = \"a\"] kl_std: A",
        &[("kl_std", "group `a` has two metrics named `kl_std`", help)],
    );
    let help = "rename `kl_std` or `kl`, or put them into different groups";
    assert_fields(
        "#[group = \"a\"] kl_std: A, #[group = \"a\"] #[metric(mean, std)] kl: A",
        &[("std", "group `a` has two metrics named `kl_std`", help)],
    );
    assert_metric(
        "mean, ema(0.5), ema(0.9)",
        &[(
            "ema(0.9)",
            "group `a` has two metrics named `kl_ema`",
            "measure the value a second time, in a field of its own",
        )],
    );
    assert_fields(
        "#[group = \"a\"] #[metric(mean, reduce = x::ToB, reduce = y::ToB)] r#type: A",
        &[(
            "y::ToB",
            "group `a` has two metrics named `type_to_b`",
            "measure the value a second time, in a field of its own",
        )],
    );
    assert_fields("#[group = \"a\"] #[metric(mean, std)] kl: A, #[group = \"b\"] kl_std: A", &[]);
    assert_metric("ema(0.5), ema(0.9)", &[]);
}

#[test]
fn all_faults_of_a_list_are_reported_at_once() {
    assert_metric(
        "men, ema, p105, reduce = 3, std(2), histogram(), max",
        &[
            ("men", "unknown reduction `men`, did you mean `mean`?", EXPECTED),
            ("ema", "`ema` needs its decay", EMA),
            ("p105", "`p105` is not between 0 and 100", PERCENTILE),
            ("3", "expected the path of a type, found `3`", REDUCE),
            ("(2)", "`std` takes no arguments", "write `std`, and a comma before what comes next"),
            ("()", "`histogram` takes three numbers in parentheses, or none", HISTOGRAM),
        ],
    );
}
