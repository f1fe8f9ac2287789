//! Saving and loading of averages.

use std::collections::HashMap;
use std::path::Path;

use tch::{Device, Kind, Tensor, no_grad_guard};

use super::Ema;
use crate::device::to_device;
use crate::error::{Error, Result};
use crate::files::{write_file, write_whole};
use crate::transfers;

/// The name under which a file stores the number of updates.
pub(super) const UPDATES: &str = "ema.num_updates";

/// 2^53, up to which double precision represents every integer exactly.
const MOST_UPDATES: f64 = 9_007_199_254_740_992.0;

impl Ema {
    /// Saves the averages, under the names of their variables, and the number of updates in a file.
    ///
    /// The format is safetensors if the path has that extension, and libtorch's own otherwise.
    ///
    /// [`VarStore::load`](tch::nn::VarStore::load) also reads such a file, and sets a model's variables to the
    /// averages.
    ///
    /// # Errors
    /// Returns [`Error::Io`] or [`Error::Torch`], with the path, if the file cannot be written. An existing file is
    /// then unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.write(path).map_err(|error| error.during(format!("save averages to `{}`", path.display())))
    }

    /// Loads averages and the number of updates from a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if a variable is missing or has another shape, and [`Error::Torch`] if the file
    /// cannot be read, both with the path. The averages are then unchanged.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.read(path).map_err(|error| error.during(format!("load averages from `{}`", path.display())))
    }

    fn write(&self, path: &Path) -> Result<()> {
        let _no_grad = no_grad_guard();
        let mut tensors = vec![(UPDATES, Tensor::from_slice(&[self.updates as i64]))];
        for average in &self.averages {
            let value = &average.value;
            let value = if value.is_sparse() { value.f_coalesce()? } else { value.f_contiguous()? };
            let value = to_device(&value, Device::Cpu)?;
            tensors.extend(average.names.iter().map(|name| (name.as_str(), value.shallow_clone())));
        }
        write(&tensors, path)
    }

    fn read(&mut self, path: &Path) -> Result<()> {
        let _no_grad = no_grad_guard();
        let tensors = if is_safetensors(path) { Tensor::read_safetensors(path) } else { Tensor::load_multi(path) };
        let tensors = tensors?.into_iter().collect::<HashMap<_, _>>();
        let saved = self.averages.iter().map(|average| find(&tensors, &average.names[0], &average.value));
        let saved = saved.collect::<Result<Vec<_>>>()?;
        let updates = find(&tensors, UPDATES, &Tensor::from_slice(&[0_i64]))?.f_to_kind(Kind::Double)?;
        let updates = transfers::read(&updates)?[0];
        if !(0.0..=MOST_UPDATES).contains(&updates) {
            let (name, expected) = (UPDATES.to_owned(), format!("a number from 0 to {MOST_UPDATES}"));
            return Err(Error::variable(name, expected, updates.to_string()));
        }
        for (average, saved) in self.averages.iter_mut().zip(saved) {
            average.value.f_copy_(saved)?;
        }
        self.updates = updates as u64;
        Ok(())
    }
}

/// Writes tensors on the host to a file.
#[expect(clippy::disallowed_methods, reason = "the values are already on the host")]
fn write(tensors: &[(&str, Tensor)], path: &Path) -> Result<()> {
    if is_safetensors(path) {
        return write_whole(path, |to| Ok(Tensor::write_safetensors(tensors, to)?));
    }
    // tch's streams do not support empty tensors.
    if tensors.iter().any(|(_, tensor)| tensor.numel() == 0) {
        return write_whole(path, |to| Ok(Tensor::save_multi(tensors, to)?));
    }
    // libtorch aborts the process if it cannot finish writing a file.
    let mut bytes = Vec::new();
    Tensor::save_multi_to_stream(tensors, &mut bytes)?;
    write_file(path, &bytes)
}

fn is_safetensors(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors")
}

/// Returns a saved tensor, which must have the shape of `like`.
fn find<'a>(tensors: &'a HashMap<String, Tensor>, name: &str, like: &Tensor) -> Result<&'a Tensor> {
    let found = tensors.get(name);
    match found {
        Some(found) if found.f_is_same_size(like)? => Ok(found),
        _ => Err(Error::variable(
            name.to_owned(),
            format!("shape {:?}", like.size()),
            found.map_or("no such tensor".to_owned(), |found| format!("shape {:?}", found.size())),
        )),
    }
}
