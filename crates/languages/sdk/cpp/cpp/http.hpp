/* HTTP: requests sent, and requests served by a component of kind `http`. */
#ifndef AIRSSYS_CPP_HTTP_HPP
#define AIRSSYS_CPP_HTTP_HPP

#include "base.hpp"

namespace airssys {

/* A request. */
struct Request {
    std::string method = "GET";
    /* The whole URL of a request that is sent; the path with its query of one that is served: `/find?word=a`. */
    std::string url;
    Pairs headers = {};
    std::string body = {};

    /* The path of a request that is served, without its query. */
    std::string_view path() const { return std::string_view(url).substr(0, url.find('?')); }
    std::optional<std::string_view> header(std::string_view name) const { return find(headers, name); }
};

/* A response. */
struct Response {
    uint16_t status = 200;
    Pairs headers = {};
    std::string body = {};

    static Response text(std::string text, uint16_t status = 200) {
        return {status, {{"content-type", "text/plain; charset=utf-8"}}, std::move(text)};
    }
    static Response json(std::string json, uint16_t status = 200) {
        return {status, {{"content-type", "application/json"}}, std::move(json)};
    }
    std::optional<std::string_view> header(std::string_view name) const { return find(headers, name); }
};

/* Sends a request and waits for the whole of its response. A status of 400 or 500 is no error. */
inline Result<Response> fetch(const Request &request) {
    const airssys_request sent = {request.method.c_str(), request.url.c_str(), detail::view(request.headers),
                                  detail::bytes(request.body)};
    airssys_response came;
    return detail::given(airssys_fetch(&sent, &came), [&] {
        return Response{came.status, detail::copy(came.headers), detail::copy(came.body)};
    });
}

}  // namespace airssys

#endif
