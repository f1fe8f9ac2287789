// Helpers shared by the bindings: conversion of exceptions to messages, and lists of tensors.

#pragma once

#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/view_as_real.h>

namespace booster {

// The static message for a failure to allocate a message.
inline char out_of_memory[] = "out of memory";

inline char *message(const char *text) {
  char *copy = strdup(text);
  return copy ? copy : out_of_memory;
}

template <typename Body> char *guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &error) {
    return message(error.what());
  } catch (...) {
    return message("unknown C++ exception");
  }
}

inline std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (size_t index = 0; index < count; ++index)
    list.push_back(*tensors[index]);
  return list;
}

// Returns a view of the real and imaginary parts of a complex tensor, or any other tensor unchanged.
inline at::Tensor parts(const at::Tensor &tensor) {
  if (!tensor.is_complex())
    return tensor;
  // A tensor with the conjugate bit has no such view. Conjugation only flips signs, which callers ignore.
  return at::view_as_real(tensor.is_conj() ? tensor.conj() : tensor);
}

} // namespace booster
