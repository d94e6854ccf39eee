/* Makes a component of a class: a handler by AIRSSYS_COMPONENT, an HTTP service by AIRSSYS_SERVICE. */
#ifndef AIRSSYS_CPP_COMPONENT_HPP
#define AIRSSYS_CPP_COMPONENT_HPP

#include "base.hpp"
#include "http.hpp"
#include "json.hpp"

namespace airssys::detail {

/* The instance's one object: it is there from `init` on. */
template <class T>
std::optional<T> object;

template <class T>
airssys_result init(const airssys_json *config) {
    if constexpr (requires(const Config &it) { T::init(it); }) {
        Result<T> made = T::init(Config(Json(config)));
        if (!made) return result(std::move(made.error()));
        object<T>.emplace(std::move(*made));
    } else {
        object<T>.emplace();
    }
    return airssys_ok();
}

template <class T>
airssys_result health() {
    if constexpr (requires(T &it) { it.health(); }) return result(object<T>->health());
    return airssys_ok();
}

template <class T>
void shutdown() {
    if constexpr (requires(T &it) { it.shutdown(); }) object<T>->shutdown();
    object<T>.reset();
}

inline Input input(const airssys_context &context, const airssys_input &input) {
    Context call = {
        .request_id = context.request_id,
        .trace_parent = view(context.trace_parent),
        .deadline = std::nullopt,
        .caller = view(context.caller),
        .attempt = context.attempt,
    };
    if (context.has_deadline) call.deadline = std::chrono::nanoseconds(static_cast<int64_t>(context.deadline_ns));
    return {view(input.body), view(input.content_type), copy(input.metadata), call};
}

template <class T>
airssys_result handle(const airssys_context *context, const airssys_input *in, airssys_output *out) {
    Result<Output> answer = object<T>->handle(input(*context, *in));
    if (!answer) return result(std::move(answer.error()));
    const Output &kept = until_the_end(std::move(*answer));
    *out = {bytes(kept.body), kept.content_type ? kept.content_type->c_str() : nullptr, view(kept.metadata)};
    return airssys_ok();
}

template <class T>
const airssys_capability *capabilities(size_t *count) {
    if constexpr (requires { T::capabilities(); }) {
        const std::vector<Capability> &asked = until_the_end(std::vector<Capability>(T::capabilities()));
        auto *list = static_cast<airssys_capability *>(airssys_alloc(asked.size() * sizeof(airssys_capability)));
        for (size_t i = 0; i < asked.size(); i++) {
            list[i].right = static_cast<airssys_right>(asked[i].right);
            list[i].target = asked[i].target.c_str();
            list[i].reason = asked[i].reason.empty() ? nullptr : asked[i].reason.c_str();
        }
        *count = asked.size();
        return list;
    }
    *count = 0;
    return nullptr;
}

template <class T>
airssys_result save(airssys_bytes *state) {
    if constexpr (requires(T &it) { it.save(); }) {
        Result<std::string> saved = object<T>->save();
        if (!saved) return result(std::move(saved.error()));
        *state = bytes(until_the_end(std::move(*saved)));
    } else {
        *state = {nullptr, 0};
    }
    return airssys_ok();
}

template <class T>
airssys_result restore(airssys_bytes saved, const char *saved_by) {
    if constexpr (requires(T &it) { it.restore(std::string_view(), std::string_view()); }) {
        return result(object<T>->restore(view(saved), std::string_view(saved_by)));
    }
    return airssys_ok();
}

template <class T>
airssys_result serve(const airssys_request *request, airssys_response *response) {
    if (!object<T>) object<T>.emplace();
    const Request in = {request->method, request->url, copy(request->headers), copy(request->body)};
    Result<Response> answer = object<T>->serve(in);
    if (!answer) return result(std::move(answer.error()));
    const Response &kept = until_the_end(std::move(*answer));
    *response = {kept.status, view(kept.headers), bytes(kept.body)};
    return airssys_ok();
}

}  // namespace airssys::detail

/*
 * Makes a handler of a class that can be moved, with
 *     Result<Output> handle(const Input &)
 * and any of
 *     static Result<Class> init(const Config &)     without it the class is made by default, of any config
 *     Result<> health()                             an error replaces the instance
 *     void shutdown()                               the last call to an instance that is let go in peace
 *     static std::vector<Capability> capabilities() what it asks for; called once, when it is built
 *     Result<std::string> save()                    an actor's state as it is now
 *     Result<> restore(std::string_view saved, std::string_view saved_by)
 */
#define AIRSSYS_COMPONENT(Class)                                                                            \
    airssys_result airssys_init(const airssys_json *config) { return airssys::detail::init<Class>(config); } \
    airssys_result airssys_health() { return airssys::detail::health<Class>(); }                            \
    void airssys_shutdown() { airssys::detail::shutdown<Class>(); }                                         \
    const airssys_capability *airssys_capabilities(size_t *count) {                                         \
        return airssys::detail::capabilities<Class>(count);                                                 \
    }                                                                                                       \
    airssys_result airssys_handle(const airssys_context *context, const airssys_input *input,               \
                                  airssys_output *output) {                                                 \
        return airssys::detail::handle<Class>(context, input, output);                                      \
    }                                                                                                       \
    airssys_result airssys_save(airssys_bytes *state) { return airssys::detail::save<Class>(state); }       \
    airssys_result airssys_restore(airssys_bytes saved, const char *saved_by) {                             \
        return airssys::detail::restore<Class>(saved, saved_by);                                            \
    }

/* Makes an HTTP service of a class with `Result<Response> serve(const Request &)`, which is made by default. */
#define AIRSSYS_SERVICE(Class)                                                                    \
    airssys_result airssys_serve(const airssys_request *request, airssys_response *response) {    \
        return airssys::detail::serve<Class>(request, response);                                  \
    }

#endif
