# What a build for WebAssembly has in place of the system's packages: header-only libraries of Debian's, which
# `./dev web` links into .deps/wasm/include, and threads of bindings/wasm.

# There are no files, no processes and no processors to ask for.
set(SILHOUETTE_WITHOUT_SYSTEM ON)

# What comes over a network is small before it is fast, but for what bindings/wasm/CMakeLists.txt names.
add_compile_options(-fno-rtti)

include_directories(SYSTEM ${SILHOUETTE_WASM_DEPS}/include)

add_library(Threads::Threads INTERFACE IMPORTED)

add_library(fmt::fmt INTERFACE IMPORTED)
# Without a locale, which would bring in the C++ library's streams, and without numbers of 128 bits, which the C library's.
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY FMT_STATIC_THOUSANDS_SEPARATOR=',' FMT_USE_LONG_DOUBLE=0)

add_library(hwy::hwy INTERFACE IMPORTED)
target_compile_definitions(hwy::hwy INTERFACE HWY_SHARED_DEFINE)
