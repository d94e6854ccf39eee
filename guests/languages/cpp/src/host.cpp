#include <algorithm>
#include <cstdlib>

#include "guest.hpp"

using airssys::Bucket;
using airssys::Output;

// Cuts the next word off, up to a space.
static std::string next_word(std::string_view &rest) {
    const size_t space = rest.find(' ');
    const std::string word(rest.substr(0, space));
    rest = space == rest.npos ? std::string_view() : rest.substr(space + 1);
    return word;
}

Guest::Answer Guest::log(const Input &input) {
    std::string_view text = input.body;
    const std::string level = next_word(text);
    if (level == "trace") airssys::log::trace(text);
    else if (level == "debug") airssys::log::debug(text);
    else if (level == "info") airssys::log::info(text);
    else if (level == "warn") airssys::log::warn(text);
    else if (level == "error") airssys::log::error(text);
    else if (level == "critical") airssys::log::critical(text);
    else return airssys::invalid_input("no level called " + level);
    return Output::text("logged");
}

Guest::Answer Guest::env(const Input &input) {
    const auto value = airssys::setting(std::string(input.body));
    if (!value) return std::unexpected(value.error());
    if (!*value) return airssys::invalid_input("not set");
    return Output::text(**value);
}

Guest::Answer Guest::kv_set(const Input &input) {
    std::string_view value = input.body;
    const auto bucket = Bucket::open(next_word(value));
    if (!bucket) return std::unexpected(bucket.error());
    const std::string key = next_word(value);
    if (const auto set = bucket->set(key, value); !set) return std::unexpected(set.error());
    return Output::text("set");
}

Guest::Answer Guest::kv_get(const Input &input) {
    std::string_view key = input.body;
    const auto bucket = Bucket::open(next_word(key));
    if (!bucket) return std::unexpected(bucket.error());
    const auto value = bucket->get(std::string(key));
    if (!value) return std::unexpected(value.error());
    if (!*value) return airssys::invalid_input("no such key");
    return Output{**value};
}

Guest::Answer Guest::kv_delete(const Input &input) {
    std::string_view key = input.body;
    const auto bucket = Bucket::open(next_word(key));
    if (!bucket) return std::unexpected(bucket.error());
    if (const auto erased = bucket->erase(std::string(key)); !erased) return std::unexpected(erased.error());
    return Output::text("deleted");
}

Guest::Answer Guest::kv_increment(const Input &input) {
    std::string_view delta = input.body;
    const auto bucket = Bucket::open(next_word(delta));
    if (!bucket) return std::unexpected(bucket.error());
    const std::string key = next_word(delta);
    const auto sum = bucket->increment(key, std::strtoll(std::string(delta).c_str(), nullptr, 10));
    if (!sum) return std::unexpected(sum.error());
    return Output::text(std::to_string(*sum));
}

Guest::Answer Guest::kv_list(const Input &input) {
    const auto bucket = Bucket::open(std::string(input.body));
    if (!bucket) return std::unexpected(bucket.error());
    auto keys = bucket->keys();
    if (!keys) return std::unexpected(keys.error());
    std::sort(keys->begin(), keys->end());
    std::string lines;
    for (const std::string &key : *keys) lines += (lines.empty() ? "" : "\n") + key;
    return Output::text(lines);
}

Guest::Answer Guest::http(const Input &input) {
    std::string_view body = input.body;
    const std::string method = next_word(body), url = next_word(body);
    const auto response = airssys::fetch({.method = method, .url = url, .body = std::string(body)});
    if (!response) return std::unexpected(response.error());
    return Output{std::to_string(response->status) + " " + response->body};
}
