#include <cstdlib>
#include <cwctype>

#include "guest.hpp"

using airssys::Json;
using airssys::Output;

Guest::Answer Guest::echo(const Input &input) {
    Output output{std::string(input.body), std::nullopt, {}};
    if (input.content_type) output.content_type = std::string(*input.content_type);
    for (const auto &pair : input.metadata) {
        if (!airssys::find({pair}, "op")) output.metadata.push_back(pair);
    }
    return output;
}

Guest::Answer Guest::length(const Input &input) { return Output::text(std::to_string(input.body.size())); }

// The code point at the beginning of text that is UTF-8; it is taken off.
static uint32_t next_code(std::string_view &text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t code = size == 1 ? first : first & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) code = code << 6 | (text[i] & 0x3F);
    text.remove_prefix(size);
    return code;
}

static void add_code(std::string &text, uint32_t code) {
    if (code < 0x80) {
        text += char(code);
        return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    text += char((0xF00u >> (more + 1) & 0xFF) | code >> 6 * more);
    for (int left = more - 1; left >= 0; left--) text += char(0x80 | (code >> 6 * left & 0x3F));
}

// `towupper` gives one letter for one: of those that become two, ß is done here.
Guest::Answer Guest::upper(const Input &input) {
    auto text = input.text();
    if (!text) return airssys::invalid_input("not UTF-8");
    std::string upper;
    while (!text->empty()) {
        const uint32_t code = next_code(*text);
        if (code == 0xDF) upper += "SS";
        else add_code(upper, static_cast<uint32_t>(std::towupper(static_cast<std::wint_t>(code))));
    }
    return Output::text(upper);
}

Guest::Answer Guest::fill(const Input &input) {
    std::string bytes(std::strtoul(std::string(input.body).c_str(), nullptr, 10), '\0');
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = char(i % 251);
    return Output::bytes(std::move(bytes));
}

Guest::Answer Guest::sum(const Input &input) {
    const auto list = Json::read(input.body);
    if (!list) return std::unexpected(list.error());
    if (!list->is_array()) return airssys::invalid_input("not a list");
    int64_t sum = 0;
    for (size_t i = 0; i < list->size(); i++) {
        const auto number = (*list)[i].integer();
        if (!number) return airssys::invalid_input("not a list of integers");
        if (__builtin_add_overflow(sum, *number, &sum)) return airssys::invalid_input("too large a sum");
    }
    return Output::text(std::to_string(sum));
}
