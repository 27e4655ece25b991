#pragma once
// The report's figures. gnuplot (5.4 or newer) draws each as SVG for the page and as PDF for papers. Colour-blind
// people can tell the colours apart (palette of Okabe and Ito). Shapes and line styles differ, too, so that a grey
// print can be read. Equal input gives equal bytes.
#include <array>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace notnot {

/// The paper's Figure 3. An instance is one text of the test split. The instances fall into four bins by the largest
/// attention that the base model gives to one of their words: [0, 0.25), ..., [0.75, 1]. A bin has two violins, one per
/// predicted class, with their quartiles inside and the number of their instances beside them. All violins are equally
/// high at their highest point. One or two instances, or equal values, are drawn as points; a violin without instances
/// is left out. The permutation test has a figure of this kind, too; its x is the median change of the prediction.
struct ViolinFigure {
  std::string title;  ///< may be empty
  std::string x_label = "JSD from the base model's attention (median over seeds)";
  double low = 0, high = std::numbers::ln2;                     ///< the least and the largest possible `divergence`
  std::array<std::string, 2> classes = {"class 0", "class 1"};  ///< names of the predicted classes
  std::string of_class = "predicted";  ///< stands before these names; another word if `predicted` holds other classes
  // Each of the three has one entry per instance.
  std::vector<double> divergence;         ///< from low to high
  std::vector<double> largest_attention;  ///< of the base model, from 0 to 1
  std::vector<int32_t> predicted;         ///< by the base model, 0 or 1
};

/// A point that stands for a model, with the standard deviations of x and y as error bars; NaN: no bar.
struct FigurePoint {
  std::string label;  ///< may be empty
  double x = 0, y = 0;
  double x_error = std::numeric_limits<double>::quiet_NaN(), y_error = std::numeric_limits<double>::quiet_NaN();
};

/// The paper's Figure 5: how far models are from the base model, as the mean over the test texts. x: Jensen-Shannon
/// divergence (JSD) of the attention, 0 to 0.7. y: total variation distance (TVD) of the predictions, 0 to 1. A label
/// that finds no free place beside its point is left out.
struct FrontierFigure {
  std::string title;                      ///< may be empty
  std::vector<FigurePoint> adversaries;   ///< circles on a dotted curve, in the order of lambda; label: lambda
  std::vector<FigurePoint> seeds;         ///< triangles
  std::vector<FigurePoint> uniform;       ///< squares
  std::vector<FigurePoint> per_instance;  ///< plus signs: adversaries trained for one text each
  std::vector<FigurePoint> exact = {};    ///< diamonds on a dotted curve: exact adversaries; label: the allowed change
};

/// How free attention is: the mean JSD, from 0 to ln 2, that the exact adversary of a text reaches, against the change
/// of its probability that is allowed, above 0. The change has a logarithmic axis.
struct ExclusivityFigure {
  std::string title;             ///< may be empty
  std::vector<FigurePoint> all;  ///< over all texts, at least one; x: the change, y: JSD, y_error: half an interval
  std::array<std::string, 2> classes;                ///< names of the two groups of texts
  std::array<std::vector<FigurePoint>, 2> of_class;  ///< the same over each group
  std::vector<FigurePoint> searched;                 ///< plus signs: what a search reaches
};

/// How far measures of importance agree with attention: a row per measure, from the top. x: an agreement, from -1 to 1.
struct AgreementFigure {
  /// NaN: there is none.
  struct Estimate {
    double value = std::numeric_limits<double>::quiet_NaN(), low = value, high = value;
  };
  struct Row {
    std::string label;
    Estimate agreement = {};  ///< a circle
    Estimate ceiling = {};    ///< a diamond
  };
  std::string title;      ///< may be empty
  std::vector<Row> rows;  ///< at least one
  Estimate ceiling = {};  ///< of attention: a grey band through all rows
};

/// For the planted corpus, whose evidence (the words that decide a text's label) is known. Each point is a model; x:
/// the share of its attention on the evidence, 0 to 1; y: its F1. The first ten models have different marks. Every
/// label is shown; a label that is not beside its point has a line to it.
struct EvidenceFigure {
  std::string title;                ///< may be empty
  std::vector<FigurePoint> models;  ///< label: the model's name
  /// The share that equal weights have, 0 to 1, as a dotted line with a label; NaN: no line.
  double chance = std::numeric_limits<double>::quiet_NaN();
};

/// The contents of a figure's two files.
struct DrawnFigure {
  std::string svg, pdf;
};

/// `alt_text`: one sentence that a screen reader says in the figure's place. Throws InputError if gnuplot is missing
/// (the message says how to install it) or fails; Error for vectors of different lengths and for numbers outside their
/// range, NaN included.
DrawnFigure draw(const ViolinFigure& figure, const std::string& alt_text);
DrawnFigure draw(const FrontierFigure& figure, const std::string& alt_text);
DrawnFigure draw(const ExclusivityFigure& figure, const std::string& alt_text);
DrawnFigure draw(const AgreementFigure& figure, const std::string& alt_text);
DrawnFigure draw(const EvidenceFigure& figure, const std::string& alt_text);

/// Whether the program gnuplot is installed and starts.
bool can_draw();

/// The <svg> element of DrawnFigure::svg, for an HTML page. Every id in it begins with `prefix` (a letter, then
/// letters, digits and '-'). Each figure of a page needs a prefix of its own.
std::string inline_svg(const std::string& svg, const std::string& prefix);

}  // namespace notnot
