use super::{assert_computed, assert_errors, diagnostic};

/// Asserts the tokens that the errors of a struct with these fields point at.
#[track_caller]
fn assert_fields(fields: &str, expected: &[&str]) {
    assert_errors(diagnostic(&format!("struct D<T> {{ {fields} }}")), expected);
}

/// Asserts the tokens that the errors of a field with these reductions point at.
#[track_caller]
fn assert_metric(metric: &str, expected: &[&str]) {
    assert_fields(&with_metric(metric), expected);
}

/// Returns a field with these reductions.
fn with_metric(metric: &str) -> String {
    format!("#[group = \"a\"] #[metric({metric})] kl: Tensor")
}

/// Asserts that the error of a field with these reductions points at `on` and suggests `written`.
#[track_caller]
fn assert_suggested(metric: &str, on: &str, written: &str) {
    assert_computed(diagnostic(&format!("struct D {{ {} }}", with_metric(metric))), on, written);
}

#[test]
fn a_metric_names_its_reduction_in_parentheses() {
    for attribute in ["#[metric]", "#[metric()]", "#[metric = \"mean\"]"] {
        assert_fields(&format!("#[group = \"a\"] {attribute} kl: Tensor"), &[attribute]);
    }
    assert_fields("#[group = \"a\"] #[metric(mean)] #[metric(sum)] kl: Tensor", &["#[metric(sum)]"]);
    for (list, on) in
        [("0.95", "0.95"), ("mean, \"std\"", "\"std\""), ("mean,, std", ","), (", mean", ","), ("mean, a::", "a::")]
    {
        assert_metric(list, &[on]);
    }
}

#[test]
fn a_suggestion_is_made_for_a_misspelled_reduction() {
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
        ("MEAN", "mean"),
        ("MEEN", "mean"),
        ("STD", "std"),
        ("STDDEV", "std"),
        ("MeanDims", "mean_dims"),
        ("MEAN_DIMS", "mean_dims"),
        ("Histogram", "histogram"),
        ("Median", "p50"),
        ("Variance", "var"),
        ("P95", "p95"),
        ("P99_9", "p99_9"),
        ("EMA", "ema"),
    ] {
        assert_suggested(written, written, meant);
    }
    assert_suggested("histgram(0, 1, 2)", "histgram", "histogram");
}

#[test]
fn an_unknown_reduction_is_reported() {
    for word in ["geometric", "p", "p_5", "p9x", "p5_"] {
        assert_metric(word, &[word]);
    }
    for path in ["path::To", "Geometric", "GEOMETRIC", "Sums", "::To"] {
        assert_suggested(path, path, &format!("reduce = {path}"));
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
        assert_suggested(&format!("{word}{argument}"), word, written);
    }
}

#[test]
fn a_percentile_must_be_between_0_and_100() {
    for (word, written) in [
        ("p105", "p95"),
        ("p100_5", "p95"),
        ("p99999999999999999999", "p95"),
        ("p100", "max"),
        ("p0", "min"),
        ("p00_00", "min"),
        ("p99_995", "p99_99"),
        ("p99.9", "p99_9"),
    ] {
        assert_suggested(word, word, written);
    }
}

#[test]
fn arguments_of_a_reduction_without_any_are_reported() {
    for (word, arguments) in
        [("mean", "(3)"), ("std", "= 2"), ("p95", "(0.95)"), ("mean_dims", "[1]"), ("samples", "(n)")]
    {
        assert_metric(&format!("{word} {arguments}, max"), &[arguments]);
    }
    assert_metric("mean std", &["std"]);
}

#[test]
fn the_decay_of_an_ema_must_be_between_0_and_1() {
    assert_metric("mean, ema", &["ema"]);
    for rest in ["()", "(0.9, 0.5)", "= 0.9", "[0.9]", "(0.9 0.5)"] {
        assert_metric(&format!("ema {rest}"), &[rest]);
    }
    for decay in ["0", "1", "1.0", "1.5", "-0.5", "-0.0", "0.99999999999999999999"] {
        assert_metric(&format!("ema({decay})"), &[decay]);
    }
    for decay in ["DECAY", "decay = 0.9", "\"0.9\"", "0.9f32", "1.0 - 0.1", "1e400"] {
        assert_metric(&format!("ema({decay})"), &[decay]);
    }
}

#[test]
fn a_histogram_needs_ascending_bounds_and_a_valid_number_of_bins() {
    for rest in ["()", "(0, 1)", "(20)", "(bins = 20)", "(0, 1, 2, 3)", "= 3", "[0, 1, 2]"] {
        assert_metric(&format!("histogram {rest}"), &[rest]);
    }
    assert_metric("histogram(1, 0, 5)", &["0"]);
    assert_metric("histogram(2.0, 2, 5)", &["2"]);
    assert_metric("histogram(-1, -1.5, 5)", &["-1.5"]);
    assert_metric("histogram(LOW, 1, 5)", &["LOW"]);
    for bins in ["0", "10001", "5.0", "BINS", "-3", "5usize", "99999999999999999999"] {
        assert_metric(&format!("histogram(0, 1, {bins})"), &[bins]);
    }
    assert_metric("histogram(1, 0, 0), std", &["0", "0"]);
}

#[test]
fn a_custom_reduction_is_a_type() {
    for written in ["reduce", "reduce(X)", "reduce ="] {
        assert_metric(written, &["reduce"]);
    }
    for found in ["\"path::To\"", "3", "&To", "(A, B)", "To from"] {
        assert_metric(&format!("reduce = {found}, mean"), &[found]);
    }
    for (ty, name) in [("Own<T>", "T"), ("T", "T"), ("Own<A, Self>", "Self"), ("T::Own", "T")] {
        let source = format!("struct D<T> {{ {} }}", with_metric(&format!("mean, reduce = {ty}")));
        assert_computed(diagnostic(&source), ty, name);
    }
}

#[test]
fn duplicate_reductions_are_reported() {
    for (metric, on) in [
        ("mean, mean", "mean"),
        ("p50, std, p50_0", "p50_0"),
        ("ema(0.5), ema(0.50)", "ema(0.50)"),
        ("histogram(0, 1, 5), histogram(0.0, 1.0, 5)", "histogram(0.0, 1.0, 5)"),
        ("reduce = To, reduce = To", "To"),
        ("samples, samples", "samples"),
    ] {
        assert_metric(metric, &[on]);
    }
}

#[test]
fn samples_cannot_be_combined() {
    for metric in ["samples, sum", "mean, samples", "min, samples, max"] {
        assert_metric(metric, &["samples"]);
    }
}

#[test]
fn duplicate_metric_names_are_reported() {
    let field = "#[group = \"a\"] kl_std: A";
    let reduced = "#[group = \"a\"] #[metric(mean, std)] kl: A";
    assert_fields(&format!("{reduced}, {field}"), &["kl_std"]);
    assert_fields(&format!("{field}, {reduced}"), &["std"]);
    assert_metric("mean, ema(0.5), ema(0.9)", &["ema(0.9)"]);
    assert_computed(
        diagnostic("struct D { #[group = \"a\"] #[metric(mean, reduce = x::ToB, reduce = y::ToB)] r#type: A }"),
        "y::ToB",
        "type_to_b",
    );
    assert_fields("#[group = \"a\"] #[metric(mean, std)] kl: A, #[group = \"b\"] kl_std: A", &[]);
    assert_metric("ema(0.5), ema(0.9)", &[]);
}

#[test]
fn all_errors_of_a_list_are_reported_at_once() {
    assert_metric("men, ema, p105, reduce = 3, std(2), histogram(), max", &["men", "ema", "p105", "3", "(2)", "()"]);
}
