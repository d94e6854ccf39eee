/* Errors and results, and what a call brings and gives back. */
#ifndef AIRSSYS_CPP_BASE_HPP
#define AIRSSYS_CPP_BASE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <airssys.h>

namespace airssys {

/* Whose fault an error is; the node answers each with its own status and exit code. */
enum class Kind {
    /* The caller's input can't be used. The same input will fail again. */
    InvalidInput = AIRSSYS_INVALID_INPUT,
    /* The operator's configuration can't be used. */
    InvalidConfig = AIRSSYS_INVALID_CONFIG,
    /* The caller may not do this, or the component was not granted what it needs. */
    Denied = AIRSSYS_DENIED,
    /* Something that the component needs isn't there right now. Trying again later may help. */
    Unavailable = AIRSSYS_UNAVAILABLE,
    /* Anything else. */
    Failed = AIRSSYS_FAILED,
};

/* What went wrong. The message reaches the caller, so it holds no secret. */
struct Error {
    Kind kind;
    std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

/* Errors to return: `return airssys::invalid_input("nobody to greet")`. */
inline std::unexpected<Error> error(Kind kind, std::string message) {
    return std::unexpected(Error{kind, std::move(message)});
}
inline std::unexpected<Error> invalid_input(std::string message) { return error(Kind::InvalidInput, std::move(message)); }
inline std::unexpected<Error> invalid_config(std::string message) { return error(Kind::InvalidConfig, std::move(message)); }
inline std::unexpected<Error> denied(std::string message) { return error(Kind::Denied, std::move(message)); }
inline std::unexpected<Error> unavailable(std::string message) { return error(Kind::Unavailable, std::move(message)); }
inline std::unexpected<Error> failed(std::string message) { return error(Kind::Failed, std::move(message)); }

/* Names and values in their order: metadata, or headers. A name may stand more than once. */
using Pairs = std::vector<std::pair<std::string, std::string>>;

/* The first value of this name, without regard to the name's case. */
inline std::optional<std::string_view> find(const Pairs &pairs, std::string_view name) {
    const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? char(letter + 32) : letter; };
    for (const auto &[key, value] : pairs) {
        bool same = key.size() == name.size();
        for (size_t i = 0; same && i < name.size(); i++) same = lower(key[i]) == lower(name[i]);
        if (same) return value;
    }
    return std::nullopt;
}

/* What a component may know of the call that it answers. */
struct Context {
    /* The call's id: the same in the caller's answer, in the log and in the audit trail. */
    std::string_view request_id;
    /* The caller's W3C `traceparent`. */
    std::optional<std::string_view> trace_parent;
    /* What was left of the call's time limit when the call began; none where it has no limit. */
    std::optional<std::chrono::nanoseconds> deadline;
    /* Who calls; none for a caller who has no name. */
    std::optional<std::string_view> caller;
    /* 1 for the first try, 2 for its first repetition. */
    uint32_t attempt = 1;
};

/* What a call brings. */
struct Input {
    /* The bytes, as they came. */
    std::string_view body = {};
    /* What they are, as a media type. */
    std::optional<std::string_view> content_type = {};
    Pairs metadata = {};
    Context context = {};

    /* The body as bytes. */
    std::span<const std::byte> bytes() const { return std::as_bytes(std::span(body)); }

    /* The body as text; an error of the caller's where it is not UTF-8. */
    Result<std::string_view> text() const {
        if (!airssys_is_utf8({body.data(), body.size()})) {
            return invalid_input("the input is no text: it is not UTF-8");
        }
        return body;
    }
};

/* What a call gives back. */
struct Output {
    std::string body = {};
    /* What the bytes are, as a media type; none says nothing. */
    std::optional<std::string> content_type = {};
    Pairs metadata = {};

    static Output text(std::string text) { return {std::move(text), "text/plain; charset=utf-8", {}}; }
    static Output json(std::string json) { return {std::move(json), "application/json", {}}; }
    static Output bytes(std::string bytes, std::string content_type = "application/octet-stream") {
        return {std::move(bytes), std::move(content_type), {}};
    }
};

/* One thing that a component asks the operator for, and why. */
struct Capability {
    enum Right {
        /* To read, or to write, below a directory as the component sees it: `/data`. */
        FileRead = AIRSSYS_FILE_READ,
        FileWrite = AIRSSYS_FILE_WRITE,
        /* To send HTTP requests to a host: `api.example.com`, or `*.example.com`. */
        NetworkOutbound = AIRSSYS_NETWORK_OUTBOUND,
        /* To see the environment variable of a name. */
        Environment = AIRSSYS_ENVIRONMENT,
    };
    Right right;
    std::string target;
    std::string reason;
};

/* Between C's words and these. No part of the interface. */
namespace detail {

/* Moves a value to where it stays until the call ends. */
template <class T>
T &until_the_end(T value) {
    T *kept = new T(std::move(value));
    airssys_at_end([](void *it) { delete static_cast<T *>(it); }, kept);
    return *kept;
}

inline std::optional<std::string_view> view(const char *text) {
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

inline std::string_view view(airssys_bytes bytes) { return {static_cast<const char *>(bytes.data), bytes.size}; }

inline std::string copy(airssys_bytes bytes) { return std::string(view(bytes)); }

inline airssys_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

inline Pairs copy(airssys_pairs pairs) {
    Pairs copied;
    for (const airssys_pair &pair : std::span(pairs.items, pairs.count)) copied.emplace_back(pair.name, pair.value);
    return copied;
}

/* The same texts, which have to stay until the call ends. */
inline airssys_pairs view(const Pairs &pairs) {
    auto *items = static_cast<airssys_pair *>(airssys_alloc(pairs.size() * sizeof(airssys_pair)));
    for (size_t i = 0; i < pairs.size(); i++) items[i] = {pairs[i].first.c_str(), pairs[i].second.c_str()};
    return {items, pairs.size()};
}

inline Result<> result(airssys_result result) {
    if (airssys_is_error(result)) return error(static_cast<Kind>(result.kind), result.message);
    return {};
}

/* What a function makes of it, where it went well. */
template <class F>
auto given(airssys_result result, F make) -> Result<std::invoke_result_t<F>> {
    if (airssys_is_error(result)) return error(static_cast<Kind>(result.kind), result.message);
    return make();
}

inline airssys_result result(Error error) {
    return {static_cast<airssys_kind>(error.kind), until_the_end(std::move(error.message)).c_str()};
}

inline airssys_result result(Result<> it) { return it ? airssys_ok() : result(std::move(it.error())); }

}  // namespace detail

}  // namespace airssys

#endif
