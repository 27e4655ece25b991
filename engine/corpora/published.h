#pragma once
// The published facts about the six data sets of "Attention is not not Explanation" (Wiegreffe & Pinter 2019, Table 1)
// and about the pipeline behind them (Jain & Wallace 2019).
#include <array>
#include <cstdint>
#include <string_view>

#include "engine/data/dataset.h"

namespace notnot {

struct PublishedCorpus {
  std::string_view name;                    ///< as on the command line
  std::string_view title;                   ///< for people
  std::array<std::string_view, 2> classes;  ///< by label
  DatasetOptions options;
  int32_t vocabulary = 0;                  ///< of the published pipeline, with the four reserved ids
  double words = 0;                        ///< Table 1: the mean length
  std::array<int32_t, 2> train{}, test{};  ///< Table 1: texts by label
  std::string_view convention;             ///< which texts Table 1 counts here
  bool clinical = false;                   ///< the texts are patients' notes, which may not be shared
};

inline constexpr std::array<PublishedCorpus, 6> kPublishedCorpora = {
    {{.name = "sst",
      .title = "Stanford Sentiment Treebank (SST)",
      .classes = {"negative", "positive"},
      .options = {.min_df = 1, .filter_by_length = true, .min_length = 5},
      .vocabulary = 13826,
      .words = 19,
      .train = {3034, 3321},
      .test = {863, 862},
      .convention = "Table 1 counts what is left after the length filter."},
     {.name = "imdb",
      .title = "Large Movie Review Dataset (IMDb)",
      .classes = {"negative", "positive"},
      .options = {.min_df = 10, .filter_by_length = true, .min_length = 6},
      .vocabulary = 12487,
      .words = 179,
      .train = {12500, 12500},
      .test = {2184, 2172},
      .convention = "Table 1 counts the publisher's training texts, and the test texts left after the length filter; "
                    "the published pipeline trains on 8667 + 8533."},
     {.name = "agnews",
      .title = "AG News",
      .classes = {"world", "business"},
      .options = {.min_df = 5},
      .vocabulary = 13715,
      .words = 36,
      .train = {30000, 30000},
      .test = {1900, 1900},
      .convention = "Table 1 counts the publisher's texts; the published pipeline trains on 85 % of the 60000."},
     {.name = "20news",
      .title = "20 Newsgroups (20News)",
      .classes = {"baseball", "hockey"},
      .options = {.min_df = 2, .filter_by_length = true, .min_length = 6, .max_length = 500},
      .vocabulary = 6515,
      .words = 115,
      .train = {716, 710},
      .test = {151, 183},
      .convention = "Table 1's counts cannot be had from the published split, which leaves 574 + 577 train, 140 + 138 "
                    "dev and 179 + 178 test after the length filter."},
     {.name = "diabetes",
      .title = "MIMIC-III, Diabetes",
      .classes = {"absent", "present"},
      .options = {.min_df = 5, .filter_by_length = true, .min_length = 6, .max_length = 4000},
      .vocabulary = 18888,
      .words = 1858,
      .train = {6381, 1353},
      .test = {1295, 319},
      .convention = "Table 1 counts the test texts left after the length filter.",
      .clinical = true},
     {.name = "anemia",
      .title = "MIMIC-III, Anemia",
      .classes = {"chronic", "acute"},
      .options = {.min_df = 5, .filter_by_length = true, .max_length = 4000},
      .vocabulary = 16274,
      .words = 2188,
      .train = {1847, 3251},
      .test = {460, 802},
      .convention = "Table 1 counts the texts left after the length filter; its training texts are four times its test "
                    "texts, so the dev texts are still among them.",
      .clinical = true}}};

/// Null for a corpus that the paper does not have. Ask by the reader of the texts (Corpus::reader), never by the name
/// of a data set, which may be anybody's.
const PublishedCorpus* find_published(std::string_view name);

/// Whether the texts that this reader reads are patients' notes.
bool is_clinical(std::string_view reader);

}  // namespace notnot
