#include "greeter.hpp"

// The `[config]` of Component.toml. A name that is not allowed here is refused when the component is deployed.
airssys::Result<Greeter> Greeter::init(const airssys::Config &config) {
    if (auto known = config.allow_only({"greeting"}); !known) return std::unexpected(known.error());
    auto greeting = config.require<std::string>("greeting");
    if (!greeting) return std::unexpected(greeting.error());
    return Greeter(*greeting);
}

static std::string trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const size_t first = text.find_first_not_of(space);
    if (first == text.npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(space) - first + 1));
}

airssys::Result<airssys::Output> Greeter::handle(const airssys::Input &input) {
    const auto text = input.text();
    if (!text) return std::unexpected(text.error());
    const std::string name = trimmed(*text);
    if (name.empty()) return airssys::invalid_input("nobody to greet: send a name");
    return airssys::Output::text(greeting_ + ", " + name + "!");
}

AIRSSYS_COMPONENT(Greeter)
