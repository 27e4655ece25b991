#pragma once
// Whether the double quotes in a table with tabs (TSV) follow the rules of CSV. Some programs write tables so (pandas,
// Excel, R); most data sets of texts have no rules: a quote is a quote, and a line is a record.
#include <string_view>

namespace notnot {

/// True if the quotes follow the rules, so that those around a field are no part of it. Decided for the whole table:
///
/// * Without a field that begins with a quote, or if some quote breaks the rules, there are no rules.
/// * If the table has the same number of fields in every record only by the rules, and not in every line, they hold.
/// * If it has so both by the rules and line by line, they hold if they explain which fields have quotes around them:
///   every field that needs some (one with a quote in it; or with a quote or a comma, as Excel has it) and no other but
///   perhaps those with a carriage return; or all fields of a column, those that are empty or R's NA left out.
///   Otherwise there are none: two lone quotes in different lines do not make one record of all lines between them.
///
/// `table` begins with the header.
bool quotes_have_rules(std::string_view table);

}  // namespace notnot
