#pragma once
// The report's figures, drawn by gnuplot (5.4 or newer) as SVG for the page and PDF for papers. Colours are Okabe and
// Ito's, which colour-blind people tell apart; shapes and line styles differ as well, so that a grey print can be read.
// The same input gives the same bytes.
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace notnot {

/// The paper's Figure 3: per bin of the instance's largest base attention ([0, 0.25), ..., [0.75, 1]) two violins side
/// by side, one per predicted class, quartiles inside, the number of instances beside. Every violin has the same width
/// at its widest point. One or two instances, or equal values, are drawn as points; an empty bin stays empty. Serves
/// permutation, too: x is then the median change of the prediction.
struct ViolinFigure {
  std::string title;  ///< may be empty
  std::string x_label = "JSD from the base model's attention (median over seeds)";
  double low = 0, high = std::numbers::ln2;                     ///< the possible range of `divergence`
  std::array<std::string, 2> classes = {"class 0", "class 1"};  ///< names of the predicted classes
  // One entry per instance; all three of one length.
  std::vector<double> divergence;         ///< from low to high
  std::vector<double> largest_attention;  ///< of the base model, from 0 to 1
  std::vector<int32_t> predicted;         ///< by the base model, 0 or 1
};

/// A point with an optional standard deviation either way (NaN: none).
struct FigurePoint {
  std::string label;  ///< may be empty
  double x = 0, y = 0;
  double x_error = std::numeric_limits<double>::quiet_NaN(), y_error = std::numeric_limits<double>::quiet_NaN();
};

/// The paper's Figure 5: instance-mean JSD (x, 0 to 0.7) and TVD (y, 0 to 1) from the base model on the test split.
/// Labels that find no free place beside their points are left out.
struct FrontierFigure {
  std::string title;                      ///< may be empty
  std::vector<FigurePoint> adversaries;   ///< in order of lambda: a dotted curve with markers; label: lambda
  std::vector<FigurePoint> seeds;         ///< triangles
  std::vector<FigurePoint> uniform;       ///< squares
  std::vector<FigurePoint> per_instance;  ///< pluses
};

/// On the planted corpus: the share of attention on the evidence (x, 0 to 1) and F1 (y) of every model. Up to ten
/// models have marks of their own; every label is shown, with a line to its point where it stands elsewhere.
struct EvidenceFigure {
  std::string title;                ///< may be empty
  std::vector<FigurePoint> models;  ///< label: the model's name
};

struct FigureFiles {
  std::filesystem::path svg, pdf;
};

/// Writes STEM.svg and STEM.pdf into `folder`, which must exist. `alt_text`: one sentence that a screen reader says in
/// the figure's place. Throws InputError when gnuplot is missing (naming the remedy) or fails, and then nothing is
/// written; InputError for a folder that cannot be written to; Error for vectors of different lengths and numbers
/// outside their range, NaN included.
FigureFiles draw(const ViolinFigure& figure, const std::filesystem::path& folder, const std::string& stem,
                 const std::string& alt_text);
FigureFiles draw(const FrontierFigure& figure, const std::filesystem::path& folder, const std::string& stem,
                 const std::string& alt_text);
FigureFiles draw(const EvidenceFigure& figure, const std::filesystem::path& folder, const std::string& stem,
                 const std::string& alt_text);

/// Whether gnuplot can be run.
bool can_draw();

/// The <svg> element of a file that draw() wrote, to stand in an HTML page. All its ids start with `prefix` (letters,
/// digits, '-', starting with a letter), which must be another for each figure of a page.
std::string inline_svg(const std::filesystem::path& svg, const std::string& prefix);

}  // namespace notnot
