// Bindings to the parts of libtorch that booster needs and tch lacks. Functions that can fail return null on success,
// or a message to be freed with booster_free, so that no exception leaves this file.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "common.h"

#include <ATen/Context.h>
#include <ATen/OpMathType.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/view_as_real.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

using namespace booster;

namespace {

// Returns the default generator of a tensor's device. A tensor argument avoids a separate device number.
const at::Generator &generator_beside(const at::Tensor &tensor) {
  return at::globalContext().defaultGenerator(tensor.device());
}

// Multiplies a tensor by `share`, or by `1 - share` if `rest` is set. A share on the CPU needs no copy to the device.
at::Tensor times(const at::Tensor &tensor, const at::Tensor &share, bool rest) {
  if (share.is_cpu()) {
    double number = share.item<double>();
    return tensor.mul(rest ? 1 - number : number);
  }
  // Cast first, since not every device supports the kind of the share.
  at::Tensor number = share.to(tensor.scalar_type()).to(tensor.device());
  return tensor.mul(rest ? at::rsub(number, 1) : number);
}

// Interpolates a mean toward a value. An undefined tensor counts as 0.
void move_mean(at::Tensor &mean, const at::Tensor &value, const at::Tensor &share) {
  if (!mean.defined() && !value.defined())
    return;
  const at::Tensor &known = mean.defined() ? mean : value;
  at::ScalarType kind = at::toOpMathType(known.scalar_type());
  at::Tensor next = value.defined() ? value.to(known.device(), kind) : value;
  if (!mean.defined()) {
    bool is_all = share.is_cpu() && share.item<double>() == 1;
    mean = is_all ? next : times(next, share, false);
  } else if (!next.defined()) {
    mean = times(mean, share, true);
  } else if (mean.is_sparse() || next.is_sparse()) {
    at::Tensor kept = times(mean, share, true);
    at::Tensor added = times(next, share, false);
    // libtorch can add a sparse tensor to a dense one, but not the reverse.
    mean = kept.is_sparse() ? added.add(kept) : kept.add(added);
    if (mean.is_sparse())
      mean = mean.coalesce();
  } else if (share.is_cpu()) {
    mean.lerp_(next, share.item());
  } else {
    mean.lerp_(next, share.to(kind).to(mean.device()));
  }
}

// Stores whether each tensor's memory has an owner outside the list: another handle to the tensor, or another tensor on
// its storage. Each entry of the list is one handle. Returns whether any tensor has such an owner.
bool owned_elsewhere(const at::Tensor *const *tensors, size_t count, bool *elsewhere) {
  bool is_any = false;
  for (size_t index = 0; index < count; ++index) {
    const at::Tensor &tensor = *tensors[index];
    elsewhere[index] = tensor.defined() &&
                       (tensor.use_count() > 1 || (tensor.has_storage() && tensor.storage().use_count() > 1));
    is_any |= elsewhere[index];
  }
  if (!is_any)
    return false;
  // Count the owners within the list, per storage: its tensors and their handles. A view holds a handle to its base.
  std::unordered_map<const void *, std::unordered_map<const at::TensorImpl *, size_t>> known;
  const auto memory_of = [](const at::TensorBase &tensor) -> const void * {
    return tensor.has_storage() ? static_cast<const void *>(tensor.storage().unsafeGetStorageImpl())
                                : static_cast<const void *>(tensor.unsafeGetTensorImpl());
  };
  for (size_t index = 0; index < count; ++index) {
    const at::Tensor &tensor = *tensors[index];
    if (!tensor.defined())
      continue;
    auto &on_memory = known[memory_of(tensor)];
    if (on_memory[tensor.unsafeGetTensorImpl()]++ == 0 && tensor.is_view())
      ++on_memory[tensor._base().unsafeGetTensorImpl()];
  }
  for (size_t index = 0; index < count; ++index) {
    const at::Tensor &tensor = *tensors[index];
    if (!elsewhere[index])
      continue;
    const auto &on_memory = known[memory_of(tensor)];
    elsewhere[index] = tensor.has_storage() && tensor.storage().use_count() > on_memory.size();
    for (const auto &[impl, handles] : on_memory)
      elsewhere[index] |= c10::raw::intrusive_ptr::use_count(const_cast<at::TensorImpl *>(impl)) > handles;
  }
  return std::any_of(elsewhere, elsewhere + count, [](bool is) { return is; });
}

// Sums values in double precision, and checks that all of them are finite.
template <typename Value> void sum_of(const Value *values, size_t count, double *sum, bool *is_finite) {
  // Independent partial sums let the processor overlap the additions.
  constexpr size_t WIDTH = 8;
  double sums[WIDTH] = {};
  size_t index = 0;
  for (; index + WIDTH <= count; index += WIDTH)
    for (size_t lane = 0; lane < WIDTH; ++lane)
      sums[lane] += static_cast<double>(values[index + lane]);
  double rest = 0;
  for (; index < count; ++index)
    rest += static_cast<double>(values[index]);
  *sum = std::accumulate(sums, sums + WIDTH, 0.0) + rest;
  // The sum of finite values may overflow.
  *is_finite = std::isfinite(*sum) || std::all_of(values, values + count, [](Value value) {
    return std::isfinite(static_cast<double>(value));
  });
}

constexpr size_t SHORT = 6;

// The version of the next value swapped into a variable: unique, and above any version reached by writes alone, so
// that no graph mistakes one value for another.
std::atomic<uint32_t> next_swapped{1u << 31};

// Mirrors `CInfo` in ffi.rs.
struct Info {
  int64_t sizes[SHORT];
  size_t dim;
  size_t storage_bytes;
  int32_t kind;
  int32_t device;
  int32_t form;
  int32_t requires_grad;
};

} // namespace

extern "C" {

// Reads metadata without synchronizing the device. Sets only `form` if the tensor is undefined or not dense.
void booster_info(const at::Tensor *tensor, Info *info) {
  info->form = !tensor->defined() ? 0 : tensor->is_nested() ? 2 : tensor->layout() == at::kStrided ? 1 : 3;
  if (info->form != 1 || !tensor->has_storage()) {
    info->form = info->form == 1 ? 3 : info->form;
    return;
  }
  at::IntArrayRef sizes = tensor->sizes();
  info->dim = sizes.size();
  for (size_t index = 0; index < sizes.size() && index < SHORT; ++index)
    info->sizes[index] = sizes[index];
  info->storage_bytes = tensor->storage().nbytes();
  info->kind = static_cast<int32_t>(tensor->scalar_type());
  at::Device device = tensor->device();
  info->device = device.is_cpu() ? -1 : device.is_mps() ? -2 : device.is_vulkan() ? -3 : device.is_cuda() ? device.index() : -4;
  info->requires_grad = tensor->requires_grad() ? 1 : 0;
}

void booster_free(char *message) {
  if (message != out_of_memory)
    free(message);
}

// Returns whether two handles refer to the same tensor, not only to the same memory.
int booster_is_same(const at::Tensor *one, const at::Tensor *other) { return one->is_same(*other) ? 1 : 0; }

// Returns a number that identifies a tensor among all live tensors.
size_t booster_identity(const at::Tensor *tensor) { return reinterpret_cast<size_t>(tensor->unsafeGetTensorImpl()); }

// Returns the number of tensors on the same storage, including this one.
size_t booster_sharers(const at::Tensor *tensor) {
  return tensor->has_storage() ? tensor->storage().use_count() : 1;
}

// Detaches each tensor: in place if it has no other handle, otherwise as a new tensor on the same memory, or as a copy
// if the memory has an owner outside the list.
char *booster_detach(at::Tensor *const *tensors, size_t count) {
  return guarded([&] {
    for (size_t index = 0; index < count; ++index) {
      at::Tensor &tensor = *tensors[index];
      if (!tensor.requires_grad())
        continue;
      if (tensor.use_count() == 1 && !tensor.is_leaf() && !tensor.is_view())
        tensor.detach_();
      else
        tensor = tensor.detach();
    }
    c10::SmallVector<bool, 16> elsewhere(count);
    if (!owned_elsewhere(tensors, count, elsewhere.data()))
      return;
    for (size_t index = 0; index < count; ++index)
      if (elsewhere[index])
        *tensors[index] = at::detach_copy(*tensors[index]);
  });
}

// Sums a CPU tensor in double precision, and checks that all values are finite.
char *booster_sum(const at::Tensor *tensor, double *sum, bool *is_finite) {
  return guarded([&] {
    at::Tensor values = tensor->contiguous();
    size_t count = values.numel();
    switch (values.scalar_type()) {
    case at::kFloat:
      return sum_of(values.const_data_ptr<float>(), count, sum, is_finite);
    case at::kLong:
      return sum_of(values.const_data_ptr<int64_t>(), count, sum, is_finite);
    case at::kBool:
      return sum_of(values.const_data_ptr<bool>(), count, sum, is_finite);
    default:
      values = values.to(at::kDouble);
      return sum_of(values.const_data_ptr<double>(), count, sum, is_finite);
    }
  });
}

// Returns the length of the first dimension, -1 for a 0-dimensional tensor, or -2 for an undefined one.
int64_t booster_length(const at::Tensor *tensor) {
  return !tensor->defined() ? -2 : tensor->dim() == 0 ? -1 : tensor->size(0);
}

// Returns the version counter, or -1 for a tensor without one.
int64_t booster_version(const at::Tensor *tensor) {
  return tensor->defined() && !tensor->is_inference() ? static_cast<int64_t>(tensor->_version()) : -1;
}

// Returns the address of a tensor's storage, or 0 for a tensor without one, such as a sparse tensor.
uintptr_t booster_storage(const at::Tensor *tensor) {
  return tensor->has_storage() ? reinterpret_cast<uintptr_t>(tensor->storage().unsafeGetStorageImpl()) : 0;
}

// Increments the version counter, so that backward fails on graphs that saved the tensor.
char *booster_bump_version(const at::Tensor *tensor) {
  return guarded([&] { torch::autograd::impl::bump_version(*tensor); });
}

// Points a variable at the memory of another tensor, with a new version counter. Its detached handles keep the old
// counter.
char *booster_swap_in(at::Tensor *variable, const at::Tensor *value) {
  return guarded([&] {
    variable->set_data(*value);
    torch::autograd::impl::set_version_counter(*variable, c10::VariableVersion(next_swapped++));
  });
}

// Restores a variable's memory and version counter from a detached handle. Backward then fails on graphs that saved the
// swapped-in value.
char *booster_swap_back(at::Tensor *variable, const at::Tensor *own) {
  return guarded([&] {
    torch::autograd::impl::bump_version(*variable);
    uint32_t least = static_cast<uint32_t>(variable->_version()) + 1;
    for (uint32_t next = next_swapped; next < least && !next_swapped.compare_exchange_weak(next, least);)
      ;
    variable->set_data(*own);
    torch::autograd::impl::set_version_counter(*variable, torch::autograd::impl::version_counter(*own));
  });
}

// Converts a gradient to another device and kind. Unlike `CopyBackwards`, it keeps the layout, which may be sparse.
struct SendBackward : torch::autograd::Node {
  explicit SendBackward(const at::Tensor &target) : device(target.device()), kind(target.scalar_type()) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
    const at::Tensor &gradient = gradients[0];
    return {gradient.defined() ? gradient.to(device, kind) : gradient};
  }

  at::Device device;
  at::ScalarType kind;
};

// Routes the gradients of one variable to another, converted if `copies` is set. Without a target, the variable becomes
// a leaf again.
char *booster_route_gradient(const at::Tensor *variable, const at::Tensor *target, int copies) {
  return guarded([&] {
    using namespace torch::autograd;
    Edge edge;
    if (target && target->requires_grad()) {
      edge = impl::gradient_edge(*target);
      if (copies) {
        auto send = c10::make_intrusive<SendBackward>(*target);
        send->set_next_edges({std::move(edge)});
        send->add_input_metadata(*variable);
        edge = Edge(std::move(send), 0);
      }
    }
    impl::set_gradient_edge(*variable, std::move(edge));
  });
}

// Turns a leaf that is a view into an independent variable on the same memory, and releases its base.
char *booster_forget_base(const at::Tensor *variable) {
  return guarded([&] {
    if (!variable->is_view() || !variable->is_leaf())
      return;
    bool requires_grad = variable->requires_grad();
    variable->unsafeGetTensorImpl()->set_autograd_meta(nullptr);
    variable->set_requires_grad(requires_grad);
  });
}

int booster_is_grad_enabled() { return at::GradMode::is_enabled() ? 1 : 0; }

void booster_set_grad_enabled(int enabled) { at::GradMode::set_enabled(enabled != 0); }

// Returns the devices with autocast enabled on this thread, one bit each, and stores the nesting depth.
int booster_autocast(int *nesting) {
  at::autocast::increment_nesting();
  *nesting = at::autocast::decrement_nesting();
  return (at::autocast::is_autocast_enabled(at::kCPU) ? 1 : 0) | (at::autocast::is_autocast_enabled(at::kCUDA) ? 2 : 0);
}

// Unwinds to a nesting depth, clears the cache at depth 0, and sets the devices with autocast enabled.
void booster_set_autocast(int enabled, int nesting) {
  at::autocast::increment_nesting();
  while (at::autocast::decrement_nesting() > nesting)
    ;
  if (nesting == 0)
    at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, (enabled & 1) != 0);
  at::autocast::set_autocast_enabled(at::kCUDA, (enabled & 2) != 0);
}

char *booster_generator_state(const at::Tensor *beside, at::Tensor **state) {
  return guarded([&] {
    at::Generator generator = generator_beside(*beside);
    std::lock_guard<std::mutex> lock(generator.mutex());
    *state = new at::Tensor(generator.get_state());
  });
}

char *booster_set_generator_state(const at::Tensor *beside, const at::Tensor *state) {
  return guarded([&] {
    at::Generator generator = generator_beside(*beside);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(*state);
  });
}

char *booster_seed_generator(const at::Tensor *beside, uint64_t seed) {
  return guarded([&] {
    at::Generator generator = generator_beside(*beside);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(seed);
  });
}

// Computes the Euclidean norm over all tensors, in single precision or higher, on the first tensor's device.
char *booster_global_norm(at::Tensor *const *tensors, size_t count, at::Tensor **norm) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> all = list(tensors, count);
    bool is_double = false;
    for (at::Tensor &tensor : all) {
      // The entries that a sparse tensor omits are 0.
      tensor = parts(tensor.is_sparse() ? tensor.coalesce().values() : tensor);
      is_double |= tensor.scalar_type() == at::kDouble;
    }
    at::ScalarType kind = is_double ? at::kDouble : at::kFloat;
    std::vector<at::Tensor> norms = at::_foreach_norm(all, 2, kind);
    for (at::Tensor &each : norms)
      each = each.to(norms.front().device());
    *norm = new at::Tensor(at::linalg_vector_norm(at::stack(norms)));
  });
}

// Multiplies each tensor by the same 0-dimensional factor, in single precision or higher.
char *booster_multiply(at::Tensor *const *tensors, size_t count, const at::Tensor *factor) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> all = list(tensors, count);
    bool is_uniform = true;
    for (at::Tensor &tensor : all) {
      if (!tensor.is_sparse())
        tensor = parts(tensor);
      // The foreach kernels do not support tensors with the negative bit.
      is_uniform &= !tensor.is_sparse() && !tensor.is_neg() && tensor.device() == all.front().device() &&
                    tensor.scalar_type() == all.front().scalar_type() &&
                    tensor.scalar_type() == at::toOpMathType(tensor.scalar_type());
    }
    if (is_uniform && !all.empty()) {
      at::_foreach_mul_(all, factor->to(all.front().options()));
      return;
    }
    for (at::Tensor &tensor : all) {
      at::ScalarType kind = at::toOpMathType(tensor.scalar_type());
      at::Tensor own = factor->to(tensor.device(), kind);
      if (kind == tensor.scalar_type())
        tensor.mul_(own);
      else
        tensor.copy_(tensor.to(kind).mul_(own));
    }
  });
}

// Clamps each entry, or the real and imaginary parts of each complex entry. Omitted entries of a sparse tensor stay 0.
char *booster_clamp(at::Tensor *const *tensors, size_t count, double most) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    for (at::Tensor &tensor : list(tensors, count)) {
      if (!tensor.is_sparse()) {
        parts(tensor).clamp_(-most, most);
        continue;
      }
      at::Tensor summed = tensor.coalesce();
      parts(summed.values()).clamp_(-most, most);
      tensor.copy_(summed);
    }
  });
}

// Clamps with hardtanh, whose backward pass takes one kernel.
char *booster_limit(const at::Tensor *tensor, double least, double greatest, at::Tensor **limited) {
  return guarded([&] { *limited = new at::Tensor(at::hardtanh(*tensor, least, greatest)); });
}

// Interpolates each mean toward its value, in single precision or higher.
char *booster_move_means(at::Tensor **means, at::Tensor *const *values, size_t count, const at::Tensor *share) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    for (size_t index = 0; index < count; ++index)
      move_mean(*means[index], *values[index], *share);
  });
}

// A null gradient clears the variable's gradient.
char *booster_set_gradient(at::Tensor *variable, const at::Tensor *gradient) {
  return guarded([&] { variable->mutable_grad() = gradient ? *gradient : at::Tensor(); });
}
}
