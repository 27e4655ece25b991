#include "engine/corpora/published.h"

#include <algorithm>

namespace notnot {

const PublishedCorpus* find_published(std::string_view name) {
  const auto* found = std::find_if(kPublishedCorpora.begin(), kPublishedCorpora.end(),
                                   [name](const PublishedCorpus& corpus) { return corpus.name == name; });
  return found == kPublishedCorpora.end() ? nullptr : found;
}

bool is_clinical(std::string_view reader) {
  const PublishedCorpus* published = find_published(reader);
  return published != nullptr && published->clinical;
}

}  // namespace notnot
