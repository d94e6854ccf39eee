/* JSON as it came, and a component's configuration. */
#ifndef AIRSSYS_CPP_JSON_HPP
#define AIRSSYS_CPP_JSON_HPP

#include <concepts>
#include <initializer_list>

#include "base.hpp"

namespace airssys {

/* A view of a value that was read; it lives until the call ends. One that is not there is like a null. */
class Json {
public:
    explicit Json(const airssys_json *value = nullptr) : value_(value == nullptr ? &NOTHING : value) {}

    /* Reads one value: the whole of the text. */
    static Result<Json> read(std::string_view text) {
        const airssys_json *value;
        return detail::given(airssys_json_read(detail::bytes(text), &value), [&] { return Json(value); });
    }

    airssys_json_type type() const { return value_->type; }
    bool is_null() const { return type() == AIRSSYS_JSON_NULL; }
    bool is_array() const { return type() == AIRSSYS_JSON_ARRAY; }
    bool is_object() const { return type() == AIRSSYS_JSON_OBJECT; }

    /* What it is, where it is that. */
    std::optional<bool> boolean() const {
        return type() == AIRSSYS_JSON_BOOLEAN ? std::optional(value_->boolean) : std::nullopt;
    }
    std::optional<int64_t> integer() const {
        return type() == AIRSSYS_JSON_NUMBER && value_->is_integer ? std::optional(value_->integer) : std::nullopt;
    }
    std::optional<double> number() const {
        return type() == AIRSSYS_JSON_NUMBER ? std::optional(value_->number) : std::nullopt;
    }
    std::optional<std::string_view> string() const {
        if (type() != AIRSSYS_JSON_STRING) return std::nullopt;
        return std::string_view(value_->string, value_->size);
    }

    /* An object's member of this name. */
    Json operator[](const std::string &name) const { return Json(airssys_json_get(value_, name.c_str())); }

    /* The elements of an array, or the members of an object; past the last one is nothing, which is like a null. */
    size_t size() const { return value_->count; }
    Json operator[](size_t place) const { return Json(place < size() ? &value_->items[place] : nullptr); }

    /* Its name, where it is a member of an object. */
    std::string_view name() const { return value_->name == nullptr ? std::string_view() : value_->name; }

    /* The value as compact JSON. */
    std::string write() const {
        airssys_buffer buffer = {};
        airssys_json_write(&buffer, value_);
        return detail::copy(airssys_buffer_bytes(&buffer));
    }

    /* A text as a JSON string with its quotes. */
    static std::string quote(const std::string &text) {
        airssys_buffer buffer = {};
        airssys_json_write_string(&buffer, text.c_str());
        return detail::copy(airssys_buffer_bytes(&buffer));
    }

private:
    static constexpr airssys_json NOTHING = {};
    const airssys_json *value_;
};

/* A JSON object: the manifest's `[config]` with the operator's values over it. */
class Config {
public:
    explicit Config(Json object) : object_(object) {}

    /* Reads it from text, for a test. */
    static Result<Config> from_json(std::string_view text) {
        auto read = Json::read(text);
        if (!read || !read->is_object()) return invalid_config("the configuration is no JSON object");
        return Config(*read);
    }

    /* One value (std::string, bool, an integer or a floating-point type); none where it is not there or null. */
    template <class T>
    Result<std::optional<T>> get(const std::string &name) const {
        const Json value = object_[name];
        if (value.is_null()) return std::nullopt;
        if (auto taken = as<T>(value)) return taken;
        return invalid_config("`" + name + "` must be " + wanted<T>());
    }

    /* One value, or another where it is not there. */
    template <class T>
    Result<T> get_or(const std::string &name, T otherwise) const {
        auto value = get<T>(name);
        if (!value) return std::unexpected(std::move(value.error()));
        return value->value_or(std::move(otherwise));
    }

    /* One value that has to be there. */
    template <class T>
    Result<T> require(const std::string &name) const {
        auto value = get<T>(name);
        if (!value) return std::unexpected(std::move(value.error()));
        if (!*value) return invalid_config("`" + name + "` is not set");
        return std::move(**value);
    }

    /* An error where there is a name besides these, so that one misspelt is refused and not ignored for ever. */
    Result<> allow_only(std::initializer_list<std::string_view> names) const {
        for (size_t i = 0; i < object_.size(); i++) {
            const std::string_view name = object_[i].name();
            bool known = false;
            for (const std::string_view allowed : names) known = known || allowed == name;
            if (!known) return invalid_config("there is no setting `" + std::string(name) + "`");
        }
        return {};
    }

    /* The object itself. */
    Json json() const { return object_; }

private:
    template <class T>
    static std::optional<T> as(Json value) {
        if constexpr (std::same_as<T, bool>) {
            return value.boolean();
        } else if constexpr (std::integral<T>) {
            const auto integer = value.integer();
            if (!integer || !std::in_range<T>(*integer)) return std::nullopt;
            return static_cast<T>(*integer);
        } else if constexpr (std::floating_point<T>) {
            const auto number = value.number();
            return number ? std::optional<T>(static_cast<T>(*number)) : std::nullopt;
        } else {
            const auto string = value.string();
            return string ? std::optional<T>(T(*string)) : std::nullopt;
        }
    }

    template <class T>
    static const char *wanted() {
        if constexpr (std::same_as<T, bool>) return "true or false";
        else if constexpr (std::integral<T>) return "an integer, in its range";
        else if constexpr (std::floating_point<T>) return "a number";
        else return "a text";
    }

    Json object_;
};

}  // namespace airssys

#endif
