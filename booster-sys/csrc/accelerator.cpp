// Loads libtorch's library for accelerators at program start.
//
// libtorch_cuda.so registers itself when it is loaded, and no code refers to its symbols. The linker therefore drops
// it, and without this file libtorch would silently find no CUDA device.

#include <cstring>
#include <string>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace {

struct Accelerator {
  bool loaded = false;
  std::string failure;
};

#if defined(__linux__)

// Stores the directory that libtorch was loaded from, with a trailing slash.
int find_libtorch(dl_phdr_info *info, size_t, void *folder) {
  const char *slash = info->dlpi_name ? std::strrchr(info->dlpi_name, '/') : nullptr;
  if (!slash || std::strcmp(slash + 1, "libtorch_cpu.so") != 0)
    return 0;
  static_cast<std::string *>(folder)->assign(info->dlpi_name, slash + 1);
  return 1;
}

Accelerator load() {
  Accelerator accelerator;
  std::string folder;
  if (!dl_iterate_phdr(find_libtorch, &folder))
    return accelerator;
  // NVIDIA's CUDA, and AMD's ROCm, which libtorch also calls CUDA.
  for (const char *name : {"libtorch_cuda.so", "libtorch_hip.so"}) {
    std::string library = folder + name;
    if (access(library.c_str(), F_OK) != 0)
      continue;
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL))
      accelerator.loaded = true;
    else if (const char *reason = dlerror())
      accelerator.failure = reason;
  }
  return accelerator;
}

#elif defined(_WIN32)

Accelerator load() {
  Accelerator accelerator;
  accelerator.loaded = LoadLibraryA("torch_cuda.dll") != nullptr;
  return accelerator;
}

#else

// On macOS, libtorch_cpu itself supports the GPU.
Accelerator load() { return {}; }

#endif

const Accelerator &accelerator() {
  static const Accelerator loaded = load();
  return loaded;
}

[[maybe_unused]] const bool at_start = accelerator().loaded;

} // namespace

extern "C" {

int booster_accelerator_is_loaded() { return accelerator().loaded; }

// Returns the reason that a library failed to load, or null. The caller must not free it.
const char *booster_accelerator_failure() {
  return accelerator().failure.empty() ? nullptr : accelerator().failure.c_str();
}
}
