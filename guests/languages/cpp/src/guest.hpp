// The conformance guest in C++: answers by its input's metadata `op`. An operation is a member function; those in
// payloads.cpp work on the body, those in host.cpp on what the host gives, the rest on the call and the instance.
#pragma once

#include <airssys.hpp>

class Guest {
public:
    using Input = airssys::Input;
    using Answer = airssys::Result<airssys::Output>;

    static airssys::Result<Guest> init(const airssys::Config &config);
    Answer handle(const Input &input);
    airssys::Result<std::string> save();
    airssys::Result<> restore(std::string_view saved, std::string_view saved_by);

    Answer echo(const Input &input);
    Answer length(const Input &input);
    Answer upper(const Input &input);
    Answer fill(const Input &input);
    Answer sum(const Input &input);

    Answer error(const Input &input);
    Answer crash(const Input &input);
    Answer context(const Input &input);
    Answer config(const Input &input);
    Answer count(const Input &input);
    Answer allocate(const Input &input);
    Answer spin(const Input &input);
    Answer restored_by(const Input &input);

    Answer log(const Input &input);
    Answer env(const Input &input);
    Answer kv_set(const Input &input);
    Answer kv_get(const Input &input);
    Answer kv_delete(const Input &input);
    Answer kv_increment(const Input &input);
    Answer kv_list(const Input &input);
    Answer http(const Input &input);

private:
    explicit Guest(std::string config) : config_(std::move(config)) {}

    std::string config_;
    uint64_t count_ = 0;
    std::string restored_by_;
};
