"""The machine code (SASS) of the CUDA kernels: reading it, its step loops, and a model of the clocks that these take.
tools/machine_code prints the result, tests/scripts/machine_code.py tests it, kernels/README.md explains it."""
