#include "guest.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

using airssys::Json;
using airssys::Output;

using Operation = Guest::Answer (Guest::*)(const Guest::Input &);

static constexpr std::pair<std::string_view, Operation> OPERATIONS[] = {
    {"echo", &Guest::echo},
    {"length", &Guest::length},
    {"upper", &Guest::upper},
    {"fill", &Guest::fill},
    {"sum", &Guest::sum},
    {"error", &Guest::error},
    {"crash", &Guest::crash},
    {"context", &Guest::context},
    {"config", &Guest::config},
    {"count", &Guest::count},
    {"allocate", &Guest::allocate},
    {"spin", &Guest::spin},
    {"restored-by", &Guest::restored_by},
    {"log", &Guest::log},
    {"env", &Guest::env},
    {"kv-set", &Guest::kv_set},
    {"kv-get", &Guest::kv_get},
    {"kv-delete", &Guest::kv_delete},
    {"kv-increment", &Guest::kv_increment},
    {"kv-list", &Guest::kv_list},
    {"http", &Guest::http},
};

Guest::Answer Guest::handle(const Input &input) {
    std::string name(airssys::find(input.metadata, "op").value_or(""));
    for (char &letter : name) letter = letter >= 'A' && letter <= 'Z' ? char(letter + 32) : letter;
    for (const auto &[known, run] : OPERATIONS) {
        if (known == name) return (this->*run)(input);
    }
    return airssys::invalid_input("no op called " + name);
}

// The value with the members of each object in the order of their names.
static std::string sorted(Json value) {
    if (!value.is_array() && !value.is_object()) return value.write();
    std::vector<Json> items;
    for (size_t i = 0; i < value.size(); i++) items.push_back(value[i]);
    if (value.is_object()) {
        std::sort(items.begin(), items.end(), [](const Json &a, const Json &b) { return a.name() < b.name(); });
    }
    std::string text;
    for (const Json &item : items) {
        text += text.empty() ? "" : ",";
        if (value.is_object()) text += Json::quote(std::string(item.name())) + ":";
        text += sorted(item);
    }
    return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

airssys::Result<Guest> Guest::init(const airssys::Config &config) {
    auto colour = config.get<std::string>("colour");
    if (!colour) return std::unexpected(colour.error());
    if (*colour && *colour != "red" && *colour != "green" && *colour != "blue") {
        return airssys::invalid_config("no colour called " + **colour);
    }
    return Guest(sorted(config.json()));
}

airssys::Result<std::string> Guest::save() { return std::to_string(count_); }

airssys::Result<> Guest::restore(std::string_view saved, std::string_view saved_by) {
    count_ = std::strtoull(std::string(saved).c_str(), nullptr, 10);
    restored_by_ = saved_by;
    return {};
}

Guest::Answer Guest::error(const Input &input) {
    const std::string name(input.body);
    const airssys_kind kind = airssys_kind_named(name.c_str());
    if (kind == AIRSSYS_OK) return airssys::invalid_input("no kind called " + name);
    return airssys::error(static_cast<airssys::Kind>(kind), "as asked: " + name);
}

Guest::Answer Guest::crash(const Input &) { std::abort(); }

static std::string quoted(std::optional<std::string_view> text) {
    return text ? Json::quote(std::string(*text)) : "null";
}

Guest::Answer Guest::context(const Input &input) {
    const airssys::Context &call = input.context;
    return Output::json("{\"request_id\":" + quoted(call.request_id) + ",\"trace_parent\":" + quoted(call.trace_parent) +
                        ",\"caller\":" + quoted(call.caller) + ",\"deadline_ns\":" +
                        (call.deadline ? std::to_string(call.deadline->count()) : "null") +
                        ",\"attempt\":" + std::to_string(call.attempt) + "}");
}

Guest::Answer Guest::config(const Input &) { return Output::json(config_); }

Guest::Answer Guest::count(const Input &) { return Output::text(std::to_string(++count_)); }

Guest::Answer Guest::allocate(const Input &input) {
    constexpr size_t mebibyte = size_t(1) << 20;
    const size_t mebibytes = std::strtoul(std::string(input.body).c_str(), nullptr, 10);
    std::vector<std::unique_ptr<unsigned char[]>> taken;
    for (size_t i = 0; i < mebibytes; i++) {
        taken.push_back(std::make_unique_for_overwrite<unsigned char[]>(mebibyte));
        volatile unsigned char *memory = taken.back().get();
        for (size_t at = 0; at < mebibyte; at += 4096) memory[at] = 1;
    }
    return Output::text("ok");
}

Guest::Answer Guest::spin(const Input &) {
    volatile unsigned turn = 0;
    for (;;) turn = turn + 1;
}

Guest::Answer Guest::restored_by(const Input &) { return Output::text(restored_by_); }

AIRSSYS_COMPONENT(Guest)
