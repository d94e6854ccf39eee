#include "service.hpp"

using airssys::Response;

static std::string upper(std::string text) {
    for (char &letter : text) {
        if (letter >= 'a' && letter <= 'z') letter -= 'a' - 'A';
    }
    return text;
}

airssys::Result<Response> Service::serve(const airssys::Request &request) {
    if (request.method == "GET" && request.path() == "/") return Response::text("hello\n");
    if (request.method == "POST" && request.path() == "/shout") return Response::text(upper(request.body));
    return Response::text("no such page\n", 404);
}

AIRSSYS_SERVICE(Service)
