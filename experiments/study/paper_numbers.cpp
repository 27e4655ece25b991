#include "experiments/study/paper_numbers.h"

#include <algorithm>
#include <array>

namespace notnot {
namespace {

constexpr std::array<PaperResults, 6> kResults = {
    {{.name = "diabetes",
      .jain_wallace_f1 = 0.79,
      .base_f1 = 0.775,
      .uniform_f1 = 0.706,
      .guides = {0.404, 0.699, 0.753, 0.503},
      .adversary = {2e-4, 0.775, 0.015, 0.409}},
     {.name = "anemia",
      .jain_wallace_f1 = 0.92,
      .base_f1 = 0.938,
      .uniform_f1 = 0.899,
      .guides = {0.873, 0.920, 0.931, 0.932},
      .adversary = {5e-4, 0.942, 0.017, 0.481}},
     {.name = "imdb",
      .jain_wallace_f1 = 0.88,
      .base_f1 = 0.902,
      .uniform_f1 = 0.879,
      .guides = {0.863, 0.888, 0.905, 0.700},
      .adversary = {8e-4, 0.906, 0.014, 0.405}},
     {.name = "sst",
      .jain_wallace_f1 = 0.81,
      .base_f1 = 0.831,
      .uniform_f1 = 0.822,
      .guides = {0.812, 0.817, 0.824, 0.592},
      .adversary = {5.25e-4, 0.823, 0.036, 0.514}},
     {.name = "agnews", .jain_wallace_f1 = 0.96, .base_f1 = 0.964, .uniform_f1 = 0.960, .guides = {}, .adversary = {}},
     {.name = "20news",
      .jain_wallace_f1 = 0.94,
      .base_f1 = 0.942,
      .uniform_f1 = 0.934,
      .guides = {},
      .adversary = {}}}};

constexpr std::array<PublishedAgreement, 6> kAgreements = {{{"sst", 0.351, 0.49, 0.291, 0.36, 0.656, 0.91},
                                                            {"imdb", 0.437, 1, 0.341, 0.99, 0.517, 1},
                                                            {"20news", 0.130, 0.48, 0.123, 0.44, 0.534, 0.99},
                                                            {"agnews", 0.389, 0.86, 0.367, 0.80, 0.612, 0.99},
                                                            {"anemia", 0.463, 1, 0.465, 1, 0.679, 1},
                                                            {"diabetes", 0.417, 1, 0.421, 1, 0.506, 1}}};

}  // namespace

const PaperResults* find_in_paper(std::string_view corpus) {
  const auto* found =
      std::find_if(kResults.begin(), kResults.end(), [&](const PaperResults& entry) { return entry.name == corpus; });
  return found == kResults.end() ? nullptr : found;
}

const PublishedAgreement* find_agreement(std::string_view corpus) {
  const auto* found = std::find_if(kAgreements.begin(), kAgreements.end(),
                                   [&](const PublishedAgreement& entry) { return entry.name == corpus; });
  return found == kAgreements.end() ? nullptr : found;
}

}  // namespace notnot
