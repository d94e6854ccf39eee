// An HTTP service: answers a greeting, and whatever it is sent in upper case.
#pragma once

#include <airssys.hpp>

class Service {
public:
    airssys::Result<airssys::Response> serve(const airssys::Request &request);
};
