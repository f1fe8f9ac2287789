// Optimizer steps by libtorch's fused kernels: one pass over a parameter, its gradient and its state.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common.h"

#include <ATen/MemoryOverlap.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/variable.h>

using namespace booster;

namespace {

// Mirrors `CParameters` in `ffi.rs`. `states` holds `width` consecutive columns of `count` tensors. A step creates the
// states that are undefined.
struct Parameters {
  at::Tensor *const *parameters;
  at::Tensor *const *states;
  at::Tensor *const *steps;
  size_t count;
  size_t width;
  const at::Tensor *grad_scale;
  const at::Tensor *found_inf;
};

// Mirrors `CAdam` in `ffi.rs`.
struct Adam {
  double learning_rate, beta1, beta2, weight_decay, epsilon;
  int decoupled, amsgrad;
};

// Mirrors `CSgd` in `ffi.rs`.
struct Sgd {
  double learning_rate, momentum, dampening, weight_decay;
  int nesterov;
};

// The arguments of one kernel call: parameters of one kind on one device.
struct Group {
  at::TensorOptions options;
  bool is_first;
  // The parameters, their gradients, then their states.
  std::vector<std::vector<at::Tensor>> columns;
  std::vector<at::Tensor> steps;
};

// Returns a tensor with the strides, kind and device of another, since the kernels traverse the memory of all tensors
// in the same order.
at::Tensor aligned(const char *what, const at::Tensor &tensor, const at::Tensor &like) {
  TORCH_CHECK(tensor.sizes() == like.sizes(), "expected a ", what, " of shape ", like.sizes(), ", got ",
              tensor.sizes());
  bool is_alike = tensor.strides() == like.strides() && tensor.scalar_type() == like.scalar_type() &&
                  tensor.device() == like.device();
  return is_alike ? tensor : at::empty_like(like).copy_(tensor);
}

bool is_supported(at::ScalarType kind) {
  return kind == at::kFloat || kind == at::kDouble || kind == at::kHalf || kind == at::kBFloat16;
}

// The writes of a step outside the kernels, applied once all parameters have been validated.
struct Changes {
  // Tensors that the kernel cannot update in place, with the copies to write back afterwards.
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  // States that are new or converted.
  std::vector<std::pair<at::Tensor *, at::Tensor>> states;
};

// Adds a parameter to its group.
void add(const Parameters &all, size_t index, std::vector<Group> &groups, Changes &changes) {
  const at::Tensor &parameter = *all.parameters[index];
  const at::Tensor &gradient = parameter.grad();
  TORCH_CHECK(gradient.layout() == at::kStrided, "expected a dense gradient, got a sparse one");
  TORCH_CHECK(parameter.layout() == at::kStrided && !parameter.is_conj() && !parameter.is_neg(),
              "expected a dense parameter without lazy conjugation");
  at::Tensor target = parts(parameter);
  TORCH_CHECK(is_supported(target.scalar_type()), "expected a parameter of kind float, double, half or bfloat16, got ",
              target.scalar_type());
  at::assert_no_internal_overlap(target);
  at::Tensor own = target.is_non_overlapping_and_dense() ? target : target.contiguous();
  std::vector<at::Tensor> row{own, aligned("gradient", parts(gradient.resolve_conj()).resolve_neg(), own)};
  bool is_first = false;
  for (size_t column = 0; column < all.width; ++column) {
    at::Tensor *slot = all.states[column * all.count + index];
    at::Tensor state = *slot;
    if (!state.defined()) {
      state = at::zeros_like(parameter);
      is_first = true;
    } else if (state.device() != parameter.device() || state.scalar_type() != parameter.scalar_type()) {
      // The parameter was converted to another device or kind after the state was created.
      state = state.to(parameter.options());
    }
    if (!state.is_same(*slot))
      changes.states.emplace_back(slot, state);
    at::Tensor value = parts(state);
    row.push_back(aligned("state", value, own));
    if (!row.back().is_same(value) && row.back().data_ptr() != value.data_ptr())
      changes.copies.emplace_back(value, row.back());
  }
  if (own.data_ptr() != target.data_ptr())
    changes.copies.emplace_back(target, own);
  at::Tensor *slot = all.steps[index];
  at::Tensor steps = *slot;
  if (!steps.defined())
    steps = at::zeros({}, own.options().dtype(at::kFloat).requires_grad(false));
  else if (steps.device() != own.device())
    steps = steps.to(own.device());
  if (!steps.is_same(*slot))
    changes.states.emplace_back(slot, steps);
  Group *group = nullptr;
  for (Group &candidate : groups)
    if (candidate.is_first == is_first && candidate.options.device() == own.device() &&
        candidate.options.dtype() == own.dtype())
      group = &candidate;
  if (!group) {
    groups.push_back({own.options(), is_first, std::vector<std::vector<at::Tensor>>(2 + all.width), {}});
    group = &groups.back();
  }
  for (size_t column = 0; column < row.size(); ++column)
    group->columns[column].push_back(row[column]);
  group->steps.push_back(steps);
}

c10::optional<at::Tensor> number(const at::Tensor *tensor, const Group &group) {
  if (!tensor)
    return {};
  return tensor->to(group.options.device(), at::kFloat);
}

// Counts a step, unless `found_inf` is 1. On the CPU, a loop costs far less than a libtorch operation per number.
void count(std::vector<at::Tensor> &steps, const c10::optional<at::Tensor> &found_inf) {
  bool is_on_host = true;
  for (const at::Tensor &each : steps)
    is_on_host &= each.is_cpu();
  if (is_on_host) {
    float taken = found_inf ? 1 - found_inf->item<float>() : 1;
    for (at::Tensor &each : steps)
      *each.mutable_data_ptr<float>() += taken;
    return;
  }
  if (found_inf)
    at::_foreach_sub_(steps, std::vector<at::Tensor>(steps.size(), *found_inf));
  at::_foreach_add_(steps, 1);
}

// Steps all parameters that have a gradient. If a parameter causes an exception, stores its index in `culprit`.
template <typename Kernel> char *step(const Parameters *all, size_t *culprit, Kernel kernel) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    std::vector<Group> groups;
    Changes changes;
    for (size_t index = 0; index < all->count; ++index) {
      *culprit = index;
      if (all->parameters[index]->grad().defined())
        add(*all, index, groups, changes);
    }
    *culprit = SIZE_MAX;
    for (auto &[slot, state] : changes.states)
      *slot = state;
    for (Group &group : groups) {
      c10::optional<at::Tensor> found_inf = number(all->found_inf, group);
      count(group.steps, found_inf);
      kernel(group, number(all->grad_scale, group), found_inf);
    }
    for (auto &[original, copy] : changes.copies)
      original.copy_(copy);
    // The kernels do not bump the version counters, on which backward's checks and copies of parameters rely.
    for (size_t index = 0; index < all->count; ++index)
      if (all->parameters[index]->grad().defined())
        torch::autograd::impl::bump_version(*all->parameters[index]);
  });
}

} // namespace

extern "C" {

char *booster_fused_adam(const Adam *rule, const Parameters *all, size_t *culprit) {
  return step(all, culprit, [&](Group &group, const auto &grad_scale, const auto &found_inf) {
    std::vector<at::Tensor> maxima = rule->amsgrad ? group.columns[4] : std::vector<at::Tensor>();
    auto kernel = rule->decoupled
                      ? static_cast<decltype(&at::_ops::_fused_adamw_::call)>(&at::_ops::_fused_adamw_::call)
                      : &at::_ops::_fused_adam_::call;
    kernel(group.columns[0], group.columns[1], group.columns[2], group.columns[3], maxima, group.steps,
           rule->learning_rate, rule->beta1, rule->beta2, rule->weight_decay, rule->epsilon, rule->amsgrad != 0, false,
           grad_scale, found_inf);
  });
}

char *booster_fused_sgd(const Sgd *rule, const Parameters *all, size_t *culprit) {
  return step(all, culprit, [&](Group &group, const auto &grad_scale, const auto &found_inf) {
    bool has_momentum = all->width > 0;
    bool is_first = has_momentum && group.is_first && rule->dampening != 0;
    at::_fused_sgd_(group.columns[0], group.columns[1], has_momentum ? group.columns[2] : std::vector<at::Tensor>(),
                    rule->weight_decay, rule->momentum, rule->learning_rate, rule->dampening, rule->nesterov != 0,
                    false, is_first, grad_scale, found_inf);
  });
}
}
