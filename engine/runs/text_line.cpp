#include "engine/runs/text_line.h"

namespace notnot {

void add_name(JsonLine& line, const Split& split, size_t text) {
  line.add("row", split.rows[text]);
  if (split.ids.empty()) return;
  const std::string_view id = split.ids[text];
  if (id.empty()) {
    line.add("id", nullptr);
  } else {
    line.add("id", id);
  }
}

void add_words(JsonLine& line, const WordReader& words, size_t text) {
  line.add("tokens", words.words(text)).add("unknown", words.unknown(text));
}

}  // namespace notnot
