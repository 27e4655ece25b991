#pragma once
// The one way in which the program prints what may hold words of others: names, texts, reasons, paths.
#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "engine/io/text.h"

namespace notnot {

/// As fmt::print, with what printable (engine/io/text.h) makes of the whole output: nothing in it moves the cursor,
/// renames the window or turns the writing around.
template <class... Arguments>
void show(FILE* stream, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::print(stream, "{}", printable(fmt::format(format, std::forward<Arguments>(arguments)...)));
}

/// To standard output.
template <class... Arguments>
void show(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  show(stdout, format, std::forward<Arguments>(arguments)...);
}

}  // namespace notnot
