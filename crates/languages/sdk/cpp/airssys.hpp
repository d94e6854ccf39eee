/*
 * What a component in C++ is written against: a thin layer of headers over C's (airssys.h).
 *
 *     class Greeter {
 *     public:
 *         static airssys::Result<Greeter> init(const airssys::Config &config);  // may be left out
 *         airssys::Result<airssys::Output> handle(const airssys::Input &input);
 *     };
 *
 *     AIRSSYS_COMPONENT(Greeter)
 *
 * Errors are values, `std::expected`: there are no exceptions in a component (the compiler's libraries for wasm have
 * none), so that what would throw, such as `std::string::at` out of bounds or no memory, ends the instance.
 *
 * What is a view (`std::string_view`, `std::span`, `Json`) looks at memory that lives until the call ends. An instance
 * gets one call at a time and has no threads.
 */
#ifndef AIRSSYS_HPP
#define AIRSSYS_HPP

#include "cpp/base.hpp"
#include "cpp/component.hpp"
#include "cpp/host.hpp"
#include "cpp/http.hpp"
#include "cpp/json.hpp"

#endif
