# WebAssembly with SIMD, threads and exceptions: Debian's clang and C library, and the C++ library that bindings/wasm/runtime
# builds. `./dev web` puts together what lies in .deps/wasm.
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_CXX_COMPILER clang++-22)
set(CMAKE_ASM_COMPILER clang-22)
set(CMAKE_AR llvm-ar-22 CACHE FILEPATH "")
set(CMAKE_RANLIB llvm-ranlib-22 CACHE FILEPATH "")
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET wasm32-wasip1)
endforeach()
# A program would want threads and start-up code of ours.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

cmake_path(SET root NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../..")
cmake_path(SET SILHOUETTE_WASM_DEPS NORMALIZE "${root}/.deps/wasm")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

# Every browser since 2023 has these; relaxed SIMD is added where kernels are compiled a second time. Exceptions are of the
# first kind that WebAssembly had, which every browser and Node 20 run.
set(features "-msimd128 -matomics -mbulk-memory -mnontrapping-fptoint -msign-ext -mmutable-globals")
set(exceptions "-fwasm-exceptions -mllvm -wasm-use-legacy-eh=1")
set(libc "-isystem /usr/lib/llvm-22/lib/clang/22/include -isystem /usr/include/wasm32-wasi")
set(libcxx "-include ${root}/bindings/wasm/runtime/libcxx_config.h -nostdinc++ -isystem ${SILHOUETTE_WASM_DEPS}/libcxx/include")
string(APPEND libcxx " -isystem ${root}/bindings/wasm/runtime/include -isystem ${SILHOUETTE_WASM_DEPS}/libcxxabi/include")
set(sections "-ffunction-sections -fdata-sections -fvisibility=hidden")
set(CMAKE_C_FLAGS_INIT "${features} ${exceptions} -nostdlibinc ${libc} ${sections}")
set(CMAKE_CXX_FLAGS_INIT "${features} ${exceptions} -nostdlibinc ${libcxx} ${libc} ${sections}")
set(CMAKE_ASM_FLAGS_INIT "${features} ${exceptions}")
