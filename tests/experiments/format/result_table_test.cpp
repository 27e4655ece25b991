#include "experiments/format/result_table.h"

#include <doctest/doctest.h>

#include "kernels/base/error.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

ResultTable plain() {
  return {
      "table2", "F1 of the positive class.", "", {"Data set", "Base", "Uniform"}, {{"SST", "0.831 ± 0.004", "-0.5"}}};
}

/// A table whose only row is `cell`, 1.
ResultTable with_cell(const std::string& cell) { return {"t", "c", "", {"h", "n"}, {{cell, "1"}}}; }

std::string latex_of(const std::string& cell) {
  const std::string text = to_latex(with_cell(cell));
  const size_t begin = text.find("    {}", text.find("\\hline\n    {}") + 12) + 6;
  return text.substr(begin, text.find(" & 1 \\\\\n") - begin);
}

std::string csv_of(const std::string& cell) {
  const std::string text = to_csv(with_cell(cell));
  REQUIRE(text.starts_with("h,n\r\n"));
  REQUIRE(text.ends_with(",1\r\n"));
  return text.substr(5, text.size() - 5 - 4);
}

TEST_CASE("the three forms") {
  CHECK(to_csv(plain()) == "Data set,Base,Uniform\r\nSST,0.831 ± 0.004,-0.5\r\n");
  CHECK(to_latex(plain()) == R"(\begin{table}
  \centering
  \caption{F1 of the positive class.}
  \label{tab:table2}
  \begin{tabular}{lrr}
    \hline
    {}Data set & Base & Uniform \\
    \hline
    {}SST & 0.831 $\pm$ 0.004 & $-$0.5 \\
    \hline
  \end{tabular}
\end{table}
)");
  const std::string html = to_html(plain());
  CHECK_HAS(html, "aria-label=\"F1 of the positive class.\"");
  CHECK_HAS(html, "<th scope=\"col\" class=\"l\">Data set</th><th scope=\"col\">Base</th>");
  CHECK_HAS(html, "<th scope=\"row\" class=\"l\">SST</th><td>0.831 ± 0.004</td><td>−0.5</td></tr>");
}

TEST_CASE("a note, more words on the left, no rows") {
  ResultTable table = plain();
  table.note = "95 % intervals & more.";
  table.left = 2;
  CHECK_HAS(to_latex(table),
            "\\end{tabular}\n  \\par\\smallskip\n  {\\small 95 \\% intervals \\& more.}\n\\end{table}");
  CHECK_HAS(to_latex(table), "\\begin{tabular}{llr}");
  CHECK_HAS(to_html(table), "<p class=\"muted\">95 % intervals &amp; more.</p>");
  CHECK_HAS(to_html(table), "<td class=\"l\">0.831");
  table.rows.clear();
  CHECK(to_csv(table) == "Data set,Base,Uniform\r\n");
  CHECK_HAS(to_latex(table), "\\hline\n    \\hline\n  \\end{tabular}");
  CHECK_HAS(to_html(table), "<tbody>\n</tbody>");
}

TEST_CASE("CSV: quotes where RFC 4180 asks for them") {
  CHECK(csv_of("plain - text") == "plain - text");
  CHECK(csv_of("") == "");
  CHECK(csv_of("a,b") == "\"a,b\"");
  CHECK(csv_of("\"") == "\"\"\"\"");
  CHECK(csv_of("say \"no\"") == "\"say \"\"no\"\"\"");
  CHECK(csv_of("a\nb\r\nc") == "\"a\nb\r\nc\"");
}

TEST_CASE("CSV: no cell is a formula of a spreadsheet") {
  CHECK(csv_of("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0");
  CHECK(csv_of("=\"a\",1") == "\"'=\"\"a\"\",1\"");
  for (const char* formula :
       {"=1", "@SUM(A1)", "+cmd", "-2+A1", "-2 to A1 to", "\t=1", "\uFF1D1", "\uFF0Ba", "\uFF0Da", "\uFF20a"}) {
    CAPTURE(formula);
    CHECK(csv_of(formula) == std::string("'") + formula);
  }
  for (const char* number :
       {"-0.5", "+1e-05", "-0.031 \u00B1 0.004", "-12 %", "-0.004 to +0.009", "-", "a=b", "0.5-1", ""}) {
    CAPTURE(number);
    CHECK(csv_of(number) == number);
  }
}

TEST_CASE("LaTeX: every character stands for itself") {
  CHECK(latex_of("50 % of $5 & #1_a {x}") == "50 \\% of \\$5 \\& \\#1\\_a \\{x\\}");
  CHECK(latex_of("\\input{/etc/passwd}") == "\\textbackslash{}input\\{/etc/passwd\\}");
  CHECK(latex_of("~^") == "\\textasciitilde{}\\textasciicircum{}");
  CHECK(latex_of("a<b>c|\"") == "a$<$b$>$c$|$''");
  CHECK(latex_of("[x]") == "[x]");  // behind {}, so not an argument of the line before
  CHECK(latex_of("a\nb\tc\x01"
                 "d") == "a b c d");
  CHECK(latex_of("?`!`") == "?{`}!{`}");
  CHECK(latex_of("a--b---c") == "a-{}-b-{}-{}-c");
  CHECK(latex_of("λ = 1e-3 × 2 ≤ é") == "$\\lambda$ = 1e-3 $\\times$ 2 $\\le$ é");
  CHECK(latex_of("\xff") == "?");
}

TEST_CASE("a hyphen before a number is a minus sign") {
  CHECK(latex_of("-0.5 (-1, -.25)") == "$-$0.5 ($-$1, $-$.25)");
  CHECK(latex_of("[-0.1, 0.2]") == "[$-$0.1, 0.2]");
  CHECK(latex_of("GPT-2 1-3 - -x 1e-5") == "GPT-2 1-3 - -x 1e-5");
  CHECK(latex_of("−1") == "$-$1");
  CHECK(csv_of("-0.5") == "-0.5");
  CHECK(latex_of("-") == "-");
  CHECK(latex_of("-.") == "-.");
}

TEST_CASE("HTML: nothing in a cell is markup") {
  const std::string html = to_html(with_cell("<script>alert('1')</script>&\""));
  CHECK(html.find("<script>") == std::string::npos);
  CHECK_HAS(html, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;");
  ResultTable table = plain();
  table.caption = table.header[0] = table.note = "\"><i>";
  CHECK(to_html(table).find("<i>") == std::string::npos);
}

TEST_CASE("a table may have letters of any script in its name") {
  ResultTable table = plain();
  table.name = "größe-电影";
  CHECK_HAS(to_latex(table), "\\label{tab:größe-电影}");
}

TEST_CASE("impossible tables are errors") {
  for (const auto& spoil : std::vector<void (*)(ResultTable&)>{
           [](ResultTable& t) { t.rows[0].pop_back(); }, [](ResultTable& t) { t.header.clear(); },
           [](ResultTable& t) { t.name = "../x"; }, [](ResultTable& t) { t.name = ""; },
           [](ResultTable& t) { t.name = "a b"; }, [](ResultTable& t) { t.name = "\xFC"; },
           [](ResultTable& t) { t.left = 0; }, [](ResultTable& t) { t.left = 4; }}) {
    ResultTable table = plain();
    spoil(table);
    CHECK_THROWS_AS(to_csv(table), Error);
    CHECK_THROWS_AS(to_latex(table), Error);
    CHECK_THROWS_AS(to_html(table), Error);
  }
}

}  // namespace
}  // namespace notnot
