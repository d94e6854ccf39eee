// Greets each line's name.
#pragma once

#include <iosfwd>
#include <string_view>

// Writes a line for each of `names`; false where reading or writing failed.
bool greet(std::string_view greeting, std::istream &names, std::ostream &to);
