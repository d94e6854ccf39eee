/* What the host gives: the log, settings, key-value buckets, other services, programs. */
#ifndef AIRSSYS_CPP_HOST_HPP
#define AIRSSYS_CPP_HOST_HPP

#include <source_location>

#include "base.hpp"

namespace airssys {

/* Lines of the service's log, under the name of the source file: `airssys::log::info("12 words")`. */
namespace log {

using Where = std::source_location;

inline void line(airssys_level level, std::string_view message, const Where &where) {
    const std::string_view path = where.file_name();
    const std::string_view name = path.substr(path.find_last_of("/\\") + 1);
    airssys_log_under(level, name.data(), "%.*s", static_cast<int>(message.size()), message.data());
}

inline void trace(std::string_view message, const Where &where = Where::current()) { line(AIRSSYS_TRACE, message, where); }
inline void debug(std::string_view message, const Where &where = Where::current()) { line(AIRSSYS_DEBUG, message, where); }
inline void info(std::string_view message, const Where &where = Where::current()) { line(AIRSSYS_INFO, message, where); }
inline void warn(std::string_view message, const Where &where = Where::current()) { line(AIRSSYS_WARN, message, where); }
inline void error(std::string_view message, const Where &where = Where::current()) { line(AIRSSYS_ERROR, message, where); }
inline void critical(std::string_view message, const Where &where = Where::current()) {
    line(AIRSSYS_CRITICAL, message, where);
}

/* Says that something happened in this call, such as `bought`: an experiment can count the calls with it. */
inline void event(const std::string &name) { airssys_event(name.c_str()); }

}  // namespace log

/* A value of `wasi:config`, where it is set. */
inline Result<std::optional<std::string>> setting(const std::string &name) {
    const char *value;
    return detail::given(airssys_setting(name.c_str(), &value), [&] {
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    });
}

/* A bucket of the host's key-value store, open until the call ends. */
class Bucket {
public:
    static Result<Bucket> open(const std::string &name) {
        airssys_bucket bucket;
        return detail::given(airssys_bucket_open(name.c_str(), &bucket), [&] { return Bucket(bucket); });
    }

    /* The value under this key, if there is one. */
    Result<std::optional<std::string>> get(const std::string &key) const {
        airssys_bytes value;
        return detail::given(airssys_bucket_get(bucket_, key.c_str(), &value), [&] {
            return value.data == nullptr ? std::nullopt : std::optional(detail::copy(value));
        });
    }

    /* Sets the value under this key, whether there was one or not. */
    Result<> set(const std::string &key, std::string_view value) const {
        return detail::result(airssys_bucket_set(bucket_, key.c_str(), detail::bytes(value)));
    }

    /* Deletes the entry under this key, if there is one. */
    Result<> erase(const std::string &key) const {
        return detail::result(airssys_bucket_delete(bucket_, key.c_str()));
    }

    Result<bool> contains(const std::string &key) const {
        bool exists;
        return detail::given(airssys_bucket_exists(bucket_, key.c_str(), &exists), [&] { return exists; });
    }

    /* All keys, in the host's order. */
    Result<std::vector<std::string>> keys() const {
        airssys_texts keys;
        return detail::given(airssys_bucket_keys(bucket_, &keys), [&] {
            return std::vector<std::string>(keys.items, keys.items + keys.count);
        });
    }

    /* Adds to the number under this key, which begins at 0, and gives the sum; nothing comes between. */
    Result<int64_t> increment(const std::string &key, int64_t delta) const {
        int64_t sum;
        return detail::given(airssys_bucket_increment(bucket_, key.c_str(), delta, &sum), [&] { return sum; });
    }

private:
    explicit Bucket(airssys_bucket bucket) : bucket_(bucket) {}
    airssys_bucket bucket_;
};

/* Calls another service's handler, with what would be this component's own output as its input. */
inline Result<Output> call(const std::string &service, const Output &input) {
    const airssys_input sent = {detail::bytes(input.body), input.content_type ? input.content_type->c_str() : nullptr,
                                detail::view(input.metadata)};
    airssys_output answer;
    return detail::given(airssys_call(service.c_str(), &sent, &answer), [&] {
        const auto type = detail::view(answer.content_type);
        return Output{detail::copy(answer.body), type ? std::optional<std::string>(*type) : std::nullopt,
                      detail::copy(answer.metadata)};
    });
}

/* Calls a function of another service, `name` or `interface#name`, with arguments and a result as WAVE text. */
inline Result<std::string> invoke(const std::string &service, const std::string &function,
                                  const std::vector<std::string> &arguments) {
    std::vector<const char *> texts;
    for (const auto &argument : arguments) texts.push_back(argument.c_str());
    const char *answer;
    return detail::given(airssys_invoke(service.c_str(), function.c_str(), {texts.data(), texts.size()}, &answer),
                         [&] { return std::string(answer); });
}

/* What a program that ended leaves; 128 and the signal's number where a signal ended it. */
struct Finished {
    int32_t exit_code;
    std::string stdout_bytes;
    std::string stderr_bytes;
};

/* Runs an entry of the operator's list of programs to its end. One that fails is no error: its exit code says so. */
inline Result<Finished> run(const std::string &program, std::string_view stdin_bytes) {
    airssys_finished ended;
    return detail::given(airssys_run(program.c_str(), detail::bytes(stdin_bytes), &ended), [&] {
        return Finished{ended.exit_code, detail::copy(ended.stdout_bytes), detail::copy(ended.stderr_bytes)};
    });
}

}  // namespace airssys

#endif
