# A library per room, that is per folder. Includes point downwards: experiments -> models -> engine -> kernels.
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
  # vptr opens a pipe for each check: a program that has run out of open files would fail there.
  target_compile_options(notnot_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${NOTNOT_SANITIZE} -fno-sanitize=vptr
                                                  -fno-sanitize-recover=all -fno-omit-frame-pointer>)
  target_link_options(notnot_options INTERFACE -fsanitize=${NOTNOT_SANITIZE})
endif()

# --- rooms -------------------------------------------------------------------------------------------------------------
# Writes down the room NAME: its FOLDER, and the rooms whose headers its files may include. tests/scripts/layers.py holds
# the includes to it.
file(WRITE ${CMAKE_BINARY_DIR}/rooms.txt "")
function(notnot_room name folder)
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  list(JOIN arg_DEPS " " deps)
  file(APPEND ${CMAKE_BINARY_DIR}/rooms.txt "${name} ${folder} ${deps}\n")
endfunction()

# The room and library NAME of the .cpp files in FOLDER; LIBRARIES are those of others.
function(notnot_library name folder)
  cmake_parse_arguments(arg "" "" "DEPS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC notnot_options ${arg_DEPS} ${arg_LIBRARIES})
  notnot_room(${name} ${folder} DEPS ${arg_DEPS})
endfunction()

# --- kernels -----------------------------------------------------------------------------------------------------------
# Every *_cpu.cpp of kernels/ is compiled once per instruction set into a namespace of its own; the best set is chosen when
# the program starts (detect_cpu_isa in kernels/base/device.h). Nothing in those files may be emitted as a weak symbol
# (tests/scripts/weak_symbols), or the linker could hand AVX-512 code to a machine without it.
set(cpu_isas baseline)
set(isa_flags_baseline "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND cpu_isas avx2 avx512)
  set(isa_flags_avx2 -march=x86-64-v3)
  set(isa_flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
  target_compile_definitions(notnot_options INTERFACE NOTNOT_X86=1)
endif()
function(notnot_add_cpu_operations library) # *_cpu.cpp files
  foreach(isa IN LISTS cpu_isas)
    set(objects notnot_${library}_${isa})
    add_library(${objects} OBJECT ${ARGN})
    target_link_libraries(${objects} PRIVATE notnot_options OpenMP::OpenMP_CXX DNNL::dnnl)
    target_compile_definitions(${objects} PRIVATE NOTNOT_CPU_ISA=${isa})
    target_compile_options(${objects} PRIVATE ${isa_flags_${isa}} -ffp-contract=fast -fno-math-errno -fno-trapping-math)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
endfunction()

file(GLOB kernel_common CONFIGURE_DEPENDS kernels/*.cpp kernels/base/*.cpp)
list(FILTER kernel_common EXCLUDE REGEX "_cpu\\.cpp$|no_cuda\\.cpp$")
file(GLOB kernel_cpu CONFIGURE_DEPENDS kernels/*_cpu.cpp)
file(GLOB kernel_cuda CONFIGURE_DEPENDS kernels/*.cu kernels/base/*.cu)

# Two rooms, one library: kernels/base opens devices, and its CUDA half lies in the backend that also has the operations.
add_library(kernels STATIC ${kernel_common})
target_link_libraries(kernels PUBLIC notnot_options OpenMP::OpenMP_CXX PRIVATE DNNL::dnnl)
notnot_add_cpu_operations(kernels ${kernel_cpu})
add_library(kernels_base INTERFACE)
target_link_libraries(kernels_base INTERFACE kernels)
notnot_room(kernels_base kernels/base)
notnot_room(kernels kernels DEPS kernels_base)

# The CUDA backend is compiled by nvcc, or by the host compiler for the emulator (tests/simt). Otherwise it is a stub that
# throws.
if(NOTNOT_CUDA_BUILT)
  add_library(notnot_cuda STATIC ${kernel_cuda})
  target_link_libraries(notnot_cuda PUBLIC notnot_options PRIVATE CUDA::cudart_static CUDA::cublasLt)
  target_compile_options(notnot_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${NOTNOT_CUDA_FLAGS}>)
  # The persistent kernels live in registers: a spill, or an array indexed by a variable, goes to memory at every step.
  set_source_files_properties(kernels/bilstm.cu kernels/bilstm_tensor.cu PROPERTIES COMPILE_OPTIONS
                              "-Xptxas=--warn-on-spills,--warn-on-local-memory-usage,--warning-as-error")
  target_link_libraries(kernels PUBLIC notnot_cuda)
elseif(NOTNOT_SIMT)
  add_subdirectory(tests/simt)
  set_source_files_properties(${kernel_cuda} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${NOTNOT_KERNEL_OPTIONS}")
  add_library(notnot_cuda OBJECT ${kernel_cuda})
  target_compile_options(notnot_cuda PRIVATE -Wno-unknown-pragmas)
  target_link_libraries(notnot_cuda PUBLIC notnot_options simt)
  target_sources(kernels PRIVATE $<TARGET_OBJECTS:notnot_cuda>)
  target_link_libraries(kernels PRIVATE simt)
else()
  target_sources(kernels PRIVATE kernels/no_cuda.cpp)
endif()
set_source_files_properties(kernels/no_cuda.cpp kernels/base/device.cu PROPERTIES COMPILE_DEFINITIONS
                            "NOTNOT_CUDA_STATUS=\"${NOTNOT_CUDA_STATUS}\"")

# An operation to copy: built and tested as the others are, but not part of the program.
set(skeleton kernels/skeleton/scale_rows)
add_library(kernels_skeleton STATIC)
target_link_libraries(kernels_skeleton PUBLIC notnot_options kernels_base)
notnot_add_cpu_operations(kernels_skeleton ${skeleton}_cpu.cpp)
if(NOTNOT_CUDA_BUILT)
  target_sources(kernels_skeleton PRIVATE ${skeleton}.cu)
  target_compile_options(kernels_skeleton PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${NOTNOT_CUDA_FLAGS}>)
  target_link_libraries(kernels_skeleton PRIVATE CUDA::cudart_static)
elseif(NOTNOT_SIMT)
  set_source_files_properties(${skeleton}.cu PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${NOTNOT_KERNEL_OPTIONS}")
  target_sources(kernels_skeleton PRIVATE ${skeleton}.cu)
  target_link_libraries(kernels_skeleton PRIVATE simt)
else()
  target_sources(kernels_skeleton PRIVATE kernels/skeleton/no_cuda.cpp)
endif()
notnot_room(kernels_skeleton kernels/skeleton DEPS kernels_base)

# The arrays of every operation, for tests and benchmarks; not part of the program.
notnot_library(kernels_cases kernels/cases DEPS kernels_base kernels kernels_skeleton)

# --- engine, models, experiments ---------------------------------------------------------------------------------------
notnot_library(engine_io engine/io DEPS kernels_base
  LIBRARIES nlohmann_json::nlohmann_json ICU::uc libcsv OpenSSL::Crypto ZLIB::ZLIB)
notnot_library(engine_math engine/math DEPS kernels_base engine_io)
notnot_library(engine_device engine/device DEPS kernels_base engine_io)
notnot_library(engine_data engine/data DEPS kernels_base engine_io engine_math engine_device)
notnot_library(engine_corpora engine/corpora DEPS kernels_base engine_io engine_math engine_data)
notnot_library(engine_runs engine/runs DEPS engine_io engine_math engine_data)
notnot_library(models models DEPS kernels engine_io engine_math engine_device engine_data engine_runs)
notnot_library(experiments_format experiments/format DEPS kernels_base engine_io engine_math)
notnot_library(experiments_terminal experiments/terminal DEPS engine_io models experiments_format)
notnot_library(experiments_figures experiments/figures
  DEPS kernels_base engine_io engine_math experiments_format experiments_terminal)
notnot_library(experiments_study experiments/study
  DEPS kernels engine_io engine_math engine_device engine_data engine_corpora engine_runs models experiments_terminal)
notnot_library(experiments_report experiments/report
  DEPS engine_io engine_math engine_corpora engine_runs experiments_format experiments_figures
       experiments_study)
notnot_library(experiments_commands experiments/commands
  DEPS engine_io engine_device engine_data engine_corpora engine_runs models experiments_terminal
       experiments_study experiments_report
  LIBRARIES CLI11::CLI11)
# Nothing in these waits for a processor, and they compile in three quarters of the time.
foreach(room format terminal figures study report commands)
  target_compile_options(experiments_${room} PRIVATE $<$<CONFIG:Release>:-O1>)
endforeach()

# Makes the text of FILE part of TARGET: TEMPLATE, NAME.cpp.in, quotes it as @VARIABLE@. An edit of FILE rebuilds TARGET.
function(notnot_embed target file variable template)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} ${variable})
  get_filename_component(source ${template} NAME_WLE)
  configure_file(${template} ${source} @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/${source})
endfunction()
notnot_embed(engine_corpora tools/splits/20news.tsv NOTNOT_20NEWS_SPLIT engine/corpora/newsgroups_split.cpp.in)
notnot_embed(experiments_format experiments/format/report.css NOTNOT_REPORT_CSS experiments/format/report_css.cpp.in)

# `git describe` runs in every build; commit.cpp is written anew only when the answer changed.
add_custom_target(describe_commit BYPRODUCTS ${CMAKE_BINARY_DIR}/commit.cpp
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUT=${CMAKE_BINARY_DIR}/commit.cpp
          -P ${CMAKE_SOURCE_DIR}/cmake/describe_commit.cmake)
target_sources(engine_io PRIVATE ${CMAKE_BINARY_DIR}/commit.cpp)
add_dependencies(engine_io describe_commit)
set_source_files_properties(engine/io/version.cpp PROPERTIES COMPILE_DEFINITIONS "NOTNOT_VERSION=\"${PROJECT_VERSION}\"")

# --- the program -------------------------------------------------------------------------------------------------------
add_executable(notnot experiments/commands/main.cpp)
target_link_libraries(notnot PRIVATE experiments_commands)
set_target_properties(notnot PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
