#pragma once
// The exception for everything that the user can mend.
#include "kernels/base/error.h"

namespace notnot {

/// Bad input. The message says what is wrong, where it is (file, row) and what the user can do. The program prints it
/// without a source line and ends with exit code 2.
struct InputError : Error {
  using Error::Error;
};

}  // namespace notnot
