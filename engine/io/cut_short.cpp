#include "engine/io/cut_short.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <mutex>
#include <string_view>

namespace notnot {
namespace {

/// A handler of signals may neither lock nor allocate: the notes lie in a fixed array. A mapping that finds no free
/// place is not told.
struct Note {
  std::atomic<const char*> begin = nullptr;  ///< null while the place is free; set last
  size_t size = 0;
  std::array<char, 512> path{};
};
std::array<Note, 64> notes;
std::mutex writing;

void print(std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

void on_bus_error(int signal, siginfo_t* info, void* /*context*/) {
  const auto* address = static_cast<const char*>(info->si_addr);
  for (const Note& note : notes) {
    const char* begin = note.begin;
    if (begin == nullptr || address < begin || address >= begin + note.size) continue;
    print("notnot: cannot read ");
    print(note.path.data());
    print(
        ": it was cut short while it was in use, or its disk failed; copy or create it again, and give the command "
        "again\n");
    ::_exit(1);
  }
  ::signal(signal, SIG_DFL);  // comes again at once, and ends the program as it would have
}

void install() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace

void note_mapping(const void* begin, size_t size, const std::string& path) {
  const std::lock_guard lock(writing);
  static const bool installed = (install(), true);
  (void)installed;
  for (Note& note : notes) {
    if (note.begin != nullptr) continue;
    note.size = size;
    note.path[path.copy(note.path.data(), note.path.size() - 1)] = '\0';
    note.begin = static_cast<const char*>(begin);
    return;
  }
}

void forget_mapping(const void* begin) noexcept {
  const std::lock_guard lock(writing);
  for (Note& note : notes) {
    if (note.begin == begin) note.begin = nullptr;
  }
}

}  // namespace notnot
