//! Matching of a replica's variables with the master's.

use std::collections::{BTreeMap, HashMap};

use booster_sys::identity::{is_same, sharers, storage};
use booster_sys::replica::forget_base;
use tch::Tensor;
use tch::nn::VarStore;

use super::sync::VariableSync;
use crate::error::{Error, Result};

/// Returns each variable of a store once, with all its names, in order of first name.
pub(super) fn named(store: &VarStore) -> Vec<(Vec<String>, Tensor)> {
    let mut variables = Vec::<(Vec<String>, Tensor)>::new();
    for (name, variable) in store.variables().into_iter().collect::<BTreeMap<_, _>>() {
        match variables.iter_mut().find(|(_, known)| is_same(known, &variable)) {
            Some((names, _)) => names.push(name),
            None => variables.push((vec![name], variable)),
        }
    }
    variables
}

/// Pairs the variables of two stores by name. `is_near` tells whether they are on the same device.
pub(super) fn pairs(master: &VarStore, replica: &VarStore, is_near: bool) -> Result<Vec<VariableSync>> {
    let parameters = master.trainable_variables();
    let mut others = replica.variables();
    let mut pairs = Vec::new();
    for (mut names, master) in named(master) {
        let mut of_names = names.iter().map(|name| others.remove(name).filter(|other| other.size() == master.size()));
        let Some(replica) = of_names.next().flatten() else { return Err(unlike(&names[0])) };
        if let Some(at) = of_names.position(|other| other.is_none_or(|other| !is_same(&other, &replica))) {
            return Err(unlike(&names[at + 1]));
        }
        // A view routes gradients to its base, and the base would look like another handle in the model.
        forget_base(&replica)?;
        let is_buffer = !parameters.iter().any(|parameter| is_same(parameter, &master));
        pairs.push((names.swap_remove(0), master, replica, is_buffer));
    }
    if let Some(name) = others.keys().next() {
        return Err(unlike(name));
    }
    check_memory(pairs.iter().map(|(name, _, replica, is_buffer)| (name, replica, *is_buffer)))?;
    let sync = |(name, master, replica, is_buffer)| VariableSync::new(name, master, replica, is_buffer, is_near);
    Ok(pairs.into_iter().map(sync).collect())
}

/// Checks that variables do not overlap in memory and that parameters have no views.
fn check_memory<'a>(variables: impl Iterator<Item = (&'a String, &'a Tensor, bool)>) -> Result<()> {
    // By storage: start, end, name, and the variable if it is a parameter.
    let mut places = HashMap::<usize, Vec<(usize, usize, &String, Option<&Tensor>)>>::new();
    for (name, variable, is_buffer) in variables {
        let storage = storage(variable).ok_or_else(|| refused(name, "a dense tensor", "a tensor without storage"))?;
        if variable.numel() > 0 {
            let steps = variable.size().into_iter().zip(variable.stride()).map(|(size, stride)| (size - 1) * stride);
            let start = variable.data_ptr() as usize;
            let end = start + (steps.sum::<i64>() as usize + 1) * variable.f_kind()?.elt_size_in_bytes();
            places.entry(storage).or_default().push((start, end, name, (!is_buffer).then_some(variable)));
        }
    }
    for mut places in places.into_values() {
        places.sort_by_key(|&(start, ..)| start);
        if let Some(both) = places.windows(2).find(|both| both[0].1 > both[1].0) {
            let found = format!("an overlap with `{}`", both[0].2);
            return Err(refused(both[1].2, "memory of its own", &found));
        }
        let held = places.iter().find(|place| place.3.is_some_and(|variable| sharers(variable) > places.len()));
        if let Some(&(.., name, Some(parameter))) = held {
            let found = format!(
                "a parameter of shape {:?} with a view or a detached handle stored in the model, which would not \
                 follow the parameter in a replica: create views in `forward`",
                parameter.size()
            );
            return Err(refused(name, "a parameter without views", &found));
        }
    }
    Ok(())
}

fn refused(name: &str, expected: &str, found: &str) -> Error {
    Error::variable(name.to_owned(), expected.to_owned(), found.to_owned())
}

fn unlike(name: &str) -> Error {
    Error::custom(format!(
        "the replica's variables differ from the master's: `{name}` is missing in one of them or has another shape; \
         the model's constructor must create the same variables on every call"
    ))
}
