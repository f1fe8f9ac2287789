// What booster needs of libtorch and tch does not bind. Each function gives null, or a message to be freed with
// booster_free: no exception leaves this file.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>

#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

namespace {

// What went wrong, for the other language.
char *message(const char *text) { return strdup(text); }

template <typename Body> char *guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &error) {
    return message(error.what());
  } catch (...) {
    return message("an exception that is no std::exception");
  }
}

// The device of a tensor says which generator is meant: so no second numbering of devices is needed.
const at::Generator &generator_beside(const at::Tensor &tensor) {
  return at::globalContext().defaultGenerator(tensor.device());
}

} // namespace

extern "C" {

void booster_free(char *message) { free(message); }

int booster_is_grad_enabled() { return at::GradMode::is_enabled() ? 1 : 0; }

void booster_set_grad_enabled(int enabled) { at::GradMode::set_enabled(enabled != 0); }

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

// A null gradient leaves the variable without one.
char *booster_set_gradient(at::Tensor *variable, const at::Tensor *gradient) {
  return guarded([&] { variable->mutable_grad() = gradient ? *gradient : at::Tensor(); });
}
}
