# One static library per layer; includes point downwards only: experiments -> models -> engine -> kernels.
add_library(notnot_options INTERFACE)
target_include_directories(notnot_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(notnot_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Werror>)
target_link_libraries(notnot_options INTERFACE fmt::fmt Threads::Threads)
# What the sanitizers instrument: everything, or for ThreadSanitizer the kernels that run on the emulator and nothing else
# (each CUDA thread is a thread to it there; OpenMP's barriers it does not know).
set(NOTNOT_KERNEL_OPTIONS "")
if(NOTNOT_SANITIZE STREQUAL "thread")
  if(NOT NOTNOT_SIMT)
    message(FATAL_ERROR "NOTNOT_SANITIZE=thread is for NOTNOT_SIMT, where it checks the kernels")
  endif()
  set(NOTNOT_KERNEL_OPTIONS -fsanitize=thread)
  target_link_options(notnot_options INTERFACE -fsanitize=thread)
elseif(NOTNOT_SANITIZE)
  # GCC takes std::regex for uninitialised once the sanitizers have rewritten it.
  target_compile_options(notnot_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
  target_compile_options(notnot_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${NOTNOT_SANITIZE} -fno-sanitize-recover=all
                                                  -fno-omit-frame-pointer>)
  target_link_options(notnot_options INTERFACE -fsanitize=${NOTNOT_SANITIZE})
endif()

# --- kernels -----------------------------------------------------------------------------------------------------------
# Every kernels/*_cpu.cpp is compiled once per instruction set into a namespace of its own; kernels/base/device.h picks one when
# the program starts. Nothing in those files may be emitted as a weak symbol (tests/weak_symbols), or the linker could hand
# AVX-512 code to a machine without it.
file(GLOB_RECURSE kernel_common CONFIGURE_DEPENDS kernels/*.cpp)
list(FILTER kernel_common EXCLUDE REGEX "_cpu\\.cpp$|no_cuda\\.cpp$")
file(GLOB kernel_cpu CONFIGURE_DEPENDS kernels/*_cpu.cpp)
file(GLOB_RECURSE kernel_cuda CONFIGURE_DEPENDS kernels/*.cu)

add_library(notnot_kernels STATIC ${kernel_common})
target_link_libraries(notnot_kernels PUBLIC notnot_options OpenMP::OpenMP_CXX PRIVATE DNNL::dnnl)

set(cpu_isas baseline)
set(isa_flags_baseline "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND cpu_isas avx2 avx512)
  set(isa_flags_avx2 -march=x86-64-v3)
  set(isa_flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
endif()
foreach(isa IN LISTS cpu_isas)
  add_library(notnot_kernels_${isa} OBJECT ${kernel_cpu})
  target_link_libraries(notnot_kernels_${isa} PRIVATE notnot_options OpenMP::OpenMP_CXX DNNL::dnnl)
  target_compile_definitions(notnot_kernels_${isa} PRIVATE NOTNOT_CPU_ISA=${isa})
  target_compile_options(notnot_kernels_${isa} PRIVATE ${isa_flags_${isa}} -ffp-contract=fast -fno-math-errno -fno-trapping-math)
  target_sources(notnot_kernels PRIVATE $<TARGET_OBJECTS:notnot_kernels_${isa}>)
endforeach()
if("avx2" IN_LIST cpu_isas)
  target_compile_definitions(notnot_options INTERFACE NOTNOT_X86=1)
endif()

# The CUDA backend: by nvcc, or by the host compiler on the emulator (tests/simt; a GEMM is the CPU's there), or a stub that
# throws.
if(NOTNOT_CUDA_BUILT)
  add_library(notnot_cuda STATIC ${kernel_cuda})
  target_link_libraries(notnot_cuda PUBLIC notnot_options PRIVATE CUDA::cudart_static CUDA::cublasLt)
  target_compile_options(notnot_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${NOTNOT_CUDA_FLAGS}>)
  # The persistent kernels live in registers: a spill, or an array indexed by a variable, goes to memory at every step.
  set_source_files_properties(kernels/bilstm.cu kernels/bilstm_tensor.cu PROPERTIES COMPILE_OPTIONS
                              "-Xptxas=--warn-on-spills,--warn-on-local-memory-usage,--warning-as-error")
  target_link_libraries(notnot_kernels PUBLIC notnot_cuda)
elseif(NOTNOT_SIMT)
  find_package(Boost REQUIRED COMPONENTS context)
  list(FILTER kernel_cuda EXCLUDE REGEX "gemm\\.cu$")
  set_source_files_properties(${kernel_cuda} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${NOTNOT_KERNEL_OPTIONS}")
  add_library(notnot_cuda OBJECT ${kernel_cuda} tests/simt/emulator.cpp tests/simt/streams.cpp tests/simt/gemm_simt.cpp)
  target_include_directories(notnot_cuda BEFORE PUBLIC tests/simt/include)
  target_compile_definitions(notnot_cuda PUBLIC NOTNOT_SIMT)
  if(NOTNOT_SANITIZE STREQUAL "thread")
    target_compile_definitions(notnot_cuda PUBLIC NOTNOT_SIMT_TSAN)
  endif()
  target_compile_options(notnot_cuda PRIVATE -Wno-unknown-pragmas)
  target_link_libraries(notnot_cuda PUBLIC notnot_options Boost::context)
  target_sources(notnot_kernels PRIVATE $<TARGET_OBJECTS:notnot_cuda>)
  target_link_libraries(notnot_kernels PRIVATE Boost::context)
else()
  target_sources(notnot_kernels PRIVATE kernels/no_cuda.cpp)
endif()
set_source_files_properties(kernels/no_cuda.cpp kernels/base/device.cu PROPERTIES COMPILE_DEFINITIONS
                            "NOTNOT_CUDA_STATUS=\"${NOTNOT_CUDA_STATUS}\"")

# --- engine, models, experiments, the program --------------------------------------------------------------------------
file(GLOB_RECURSE engine_sources CONFIGURE_DEPENDS engine/*.cpp)
# The published split of 20 Newsgroups is part of the program.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tools/splits/20news.tsv)
file(READ tools/splits/20news.tsv NOTNOT_20NEWS_SPLIT)
configure_file(engine/corpora/newsgroups_split.cpp.in newsgroups_split.cpp @ONLY)
add_library(notnot_engine STATIC ${engine_sources} ${CMAKE_BINARY_DIR}/newsgroups_split.cpp)
target_link_libraries(notnot_engine PUBLIC notnot_kernels nlohmann_json::nlohmann_json PRIVATE ICU::uc libcsv OpenSSL::Crypto)

file(GLOB model_sources CONFIGURE_DEPENDS models/*.cpp)
add_library(notnot_models STATIC ${model_sources})
target_link_libraries(notnot_models PUBLIC notnot_engine)

file(GLOB_RECURSE experiment_sources CONFIGURE_DEPENDS experiments/*.cpp)
list(FILTER experiment_sources EXCLUDE REGEX "/main\\.cpp$")
add_library(notnot_experiments STATIC ${experiment_sources})
target_link_libraries(notnot_experiments PUBLIC notnot_models CLI11::CLI11)

add_executable(notnot experiments/commands/main.cpp)
target_link_libraries(notnot PRIVATE notnot_experiments)
set_target_properties(notnot PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
execute_process(COMMAND git describe --always --dirty --tags WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE notnot_commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
# On this file alone: a new commit recompiles nothing else.
set_source_files_properties(engine/io/version.cpp PROPERTIES COMPILE_DEFINITIONS
                            "NOTNOT_VERSION=\"${PROJECT_VERSION}\";NOTNOT_COMMIT=\"${notnot_commit}\"")
