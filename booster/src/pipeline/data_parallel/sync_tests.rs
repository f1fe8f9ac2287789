use super::*;

#[test]
fn parameters_are_kept_from_a_step_to_the_next_gradient() {
    let of = |version| CopiedVersion { writes: 0, version, is_frozen: false, is_stale: false };
    let frozen = |version| CopiedVersion { is_frozen: true, ..of(version) };
    let mut version = ParameterVersion::default();
    assert!(of(version).is_still(of(version)));
    let before = version;
    version.step(true);
    assert!(!of(version).is_still(of(version)) && frozen(version).is_still(frozen(before)));
    let recorded = version;
    version.step(false);
    assert!(!of(version).is_still(of(recorded)) && of(version).is_still(of(version)));
    let stepped = version;
    version.changes += 1;
    assert!(!of(version).is_still(of(stepped)) && !frozen(version).is_still(frozen(stepped)));
}

#[test]
fn a_graph_from_before_a_step_may_give_gradients_after_it() {
    let of = |version| CopiedVersion { writes: 0, version, is_frozen: false, is_stale: false };
    let mut version = ParameterVersion::default();
    version.record_graph();
    version.step(true);
    version.step(false);
    assert!(!of(version).is_still(of(version)), "an optimizer may have stepped on the graph's gradients since");
}
