# Decides whether the CUDA backend is built: NOTNOT_CUDA_BUILT, and why not in NOTNOT_CUDA_STATUS.

# Chooses NOTNOT_CUDA_ARCHITECTURES unless the user has: Ampere and Ada (80), Hopper (90a), Blackwell in data centres
# (100) and in workstations (120), as far as the toolkit has them. PTX of the first serves all others: the driver
# compiles it, and a persistent kernel that spilled registers there would be slow without a word.
function(notnot_default_architectures)
  if(NOTNOT_CUDA_ARCHITECTURES)
    return()
  endif()
  execute_process(COMMAND ${CUDAToolkit_NVCC_EXECUTABLE} --list-gpu-code OUTPUT_VARIABLE known
                  COMMAND_ERROR_IS_FATAL ANY)
  set(architectures "")
  foreach(architecture 80 90a 100 120)
    string(REGEX REPLACE "a$" "" listed sm_${architecture})  # nvcc lists sm_90 for sm_90a
    if(known MATCHES "${listed}\n")
      list(APPEND architectures ${architecture})
    endif()
  endforeach()
  set_property(CACHE NOTNOT_CUDA_ARCHITECTURES PROPERTY VALUE "${architectures}")
endfunction()

option(NOTNOT_SIMT "Run the .cu files on the CPU, in the emulator of tests/simt, as the CUDA backend" OFF)
set(NOTNOT_CUDA_BUILT OFF)
if(NOTNOT_SIMT)
  set(NOTNOT_CUDA_STATUS "SIMT emulator: the .cu files run on the CPU, for tests")
elseif(NOTNOT_SANITIZE)
  set(NOTNOT_CUDA_STATUS "not built: sanitizers are for host code (compute-sanitizer is for CUDA)")
elseif(NOT NOTNOT_CUDA)
  set(NOTNOT_CUDA_STATUS "not built: NOTNOT_CUDA is off")
else()
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND OR NOT CUDAToolkit_NVCC_EXECUTABLE)
    set(NOTNOT_CUDA_STATUS "not built: no CUDA toolkit found")
  elseif(CUDAToolkit_VERSION VERSION_LESS 12.4)
    set(NOTNOT_CUDA_STATUS "not built: CUDA ${CUDAToolkit_VERSION} is too old (12.4 is needed)")
  elseif(NOT TARGET CUDA::cublasLt)
    set(NOTNOT_CUDA_STATUS "not built: CUDA ${CUDAToolkit_VERSION} has no cuBLASLt")
  else()
    set(NOTNOT_CUDA_BUILT ON)
    notnot_default_architectures()
    string(REPLACE ";" ", sm_" architectures "sm_${NOTNOT_CUDA_ARCHITECTURES}")
    set(NOTNOT_CUDA_STATUS "built with CUDA ${CUDAToolkit_VERSION} for ${architectures}")
  endif()
endif()
message(STATUS "CUDA backend: ${NOTNOT_CUDA_STATUS}")

if(NOTNOT_CUDA_BUILT)
  # Flags are spelled out rather than left to CUDA_ARCHITECTURES: CMake before 3.27 does not know sm_90a everywhere.
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  enable_language(CUDA)
  if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake 3.25 and older do not know that nvcc has C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA_STANDARD_LATEST 20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_FLAGS_RELEASE "-O3 -DNDEBUG -lineinfo")
  # fmt 9 takes nvcc for a compiler without constexpr, and then neither compiles nor checks its format strings.
  set(NOTNOT_CUDA_FLAGS --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra,-Werror -Werror=all-warnings -DFMT_USE_CONSTEXPR=1)
  # Which product of a b + c d is fused must not depend on the template instance it stands in; hot loops say fmaf.
  list(APPEND NOTNOT_CUDA_FLAGS --fmad=false)
  # 554: Span<const T> has a conversion to itself, which its `requires` clause removes.
  list(APPEND NOTNOT_CUDA_FLAGS -diag-suppress=554)
  list(GET NOTNOT_CUDA_ARCHITECTURES 0 first_architecture)
  list(APPEND NOTNOT_CUDA_FLAGS "--generate-code=arch=compute_${first_architecture},code=compute_${first_architecture}")
  foreach(architecture IN LISTS NOTNOT_CUDA_ARCHITECTURES)
    list(APPEND NOTNOT_CUDA_FLAGS "--generate-code=arch=compute_${architecture},code=sm_${architecture}")
  endforeach()
endif()
