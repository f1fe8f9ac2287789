use super::*;

#[test]
fn parameters_are_kept_from_a_step_to_the_next_gradient() {
    let of = |age| Version { writes: 0, age, is_frozen: false, is_stale: false };
    let frozen = |age| Version { is_frozen: true, ..of(age) };
    let mut age = Age::default();
    assert!(of(age).is_still(of(age)));
    let before = age;
    age.step(true);
    assert!(!of(age).is_still(of(age)) && frozen(age).is_still(frozen(before)));
    let recorded = age;
    age.step(false);
    assert!(!of(age).is_still(of(recorded)) && of(age).is_still(of(age)));
    let stepped = age;
    age.changes += 1;
    assert!(!of(age).is_still(of(stepped)) && !frozen(age).is_still(frozen(stepped)));
}

#[test]
fn a_graph_from_before_a_step_may_give_gradients_after_it() {
    let of = |age| Version { writes: 0, age, is_frozen: false, is_stale: false };
    let mut age = Age::default();
    age.record_graph();
    age.step(true);
    age.step(false);
    assert!(!of(age).is_still(of(age)), "the graph's gradients may have been stepped on since");
}
