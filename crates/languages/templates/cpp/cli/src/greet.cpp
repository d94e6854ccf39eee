#include "greet.hpp"

#include <istream>
#include <ostream>
#include <string>

bool greet(std::string_view greeting, std::istream &names, std::ostream &to) {
    for (std::string name; std::getline(names, name);) to << greeting << ", " << name << "!\n";
    return !names.bad() && to.flush().good();
}
