#pragma once
// A small table of texts in the form that users write, for suites of its reader and of what is made from it.

namespace notnot {

/// Two training texts, one of dev and two of test.
inline constexpr const char* kSmallCsv =
    "text,label,split\n"
    "a good film,1,train\n"
    "a bad film,0,train\n"
    "good,1,dev\n"
    "so good,1,test\n"
    "so bad,0,test\n";

}  // namespace notnot
