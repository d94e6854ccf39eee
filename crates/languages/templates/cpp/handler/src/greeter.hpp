// Greets whoever the input names.
#pragma once

#include <airssys.hpp>

class Greeter {
public:
    static airssys::Result<Greeter> init(const airssys::Config &config);
    airssys::Result<airssys::Output> handle(const airssys::Input &input);

private:
    explicit Greeter(std::string greeting) : greeting_(std::move(greeting)) {}
    std::string greeting_;
};
