//! Calls of other services of the node, by their name: `services = [{ name = "tokenizer", reason = "splitting" }]`.
//!
//! One that speaks HTTP is called by `airssys.http` at `http://tokenizer.airssys.internal/`.

const std = @import("std");
const host = @import("host.zig").services;
const failure = @import("failure.zig");
const Input = @import("call.zig").Input;
const Output = @import("output.zig").Output;

/// Why a call has no answer; `airssys.message()` has the sentence. Returned by a component, each is answered as what
/// it means to its own caller: `ServiceNotFound` and the like as `Failed`.
pub const Error = failure.Error || error{
    OutOfMemory,
    /// There is no such service, or it has no handler or function of that name.
    ServiceNotFound,
    /// The call would wait for itself, or calls call one another without end.
    LoopDetected,
    /// What was sent is not what the service takes, or it answered so itself. The same will fail again.
    ServiceRefused,
};

/// Calls a service's handler, and waits for its answer. The input's metadata may say what its routing goes by.
pub fn call(allocator: std.mem.Allocator, service: []const u8, input: Input) Error!Output {
    return host.call(allocator, service, input);
}

/// Calls a function of a service, `name` or `interface#name`, with arguments in WAVE (`"a text"`, `[1, 2]`), and waits
/// for its result in WAVE; an empty text where it returns nothing.
pub fn invoke(
    allocator: std.mem.Allocator,
    service: []const u8,
    function: []const u8,
    arguments: []const []const u8,
) Error![]const u8 {
    return host.invoke(allocator, service, function, arguments);
}
