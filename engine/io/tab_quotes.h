#pragma once
// Whether the double quotes in a table with tabs (TSV) follow the rules of CSV. Some programs write tables so (pandas,
// Excel, R); most data sets of texts have no rules: a quote is a quote, and a line is a record.
#include <string_view>

namespace notnot {

/// True if the quotes follow the rules, so that those around a field are no part of it. Decided for the whole table:
///
/// * Without a field that begins with a quote, or if some quote breaks the rules, there are no rules.
/// * If the table has the same number of fields in every record only by the rules, and not in every line, they hold.
///   The records may also have one field more than the header: R writes the names of its rows so.
/// * If it has so both by the rules and line by line, no quoted field may go over several lines: two lone quotes in
///   different lines do not make one record of all lines between them. Then the rules hold in two cases:
///   - A field with quotes around it has doubled quotes in it. Whatever other fields have quotes around them (polars,
///     DuckDB, hand-made tables), a text that is no CSV hardly begins and ends so.
///   - One rule tells which fields have quotes around them: those that need some (with a comma, as Excel has it) and no
///     other but perhaps those that are empty or have a carriage return; or all fields of a column, those that are
///     empty or R's NA left out.
///   So a text that is a quotation as a whole, without doubled quotes anywhere in the table, keeps its quotes.
///
/// `table` begins with the header.
bool quotes_have_rules(std::string_view table);

}  // namespace notnot
