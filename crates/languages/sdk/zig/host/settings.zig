//! `wasi:config`.

const std = @import("std");
const abi = @import("../abi/types.zig");
const memory = @import("../abi/memory.zig");
const failure = @import("../failure.zig");

const Got = abi.Result(abi.Option(abi.Text), abi.Tagged);

const store = struct {
    extern "wasi:config/store@0.2.0-rc.1" fn get(name: [*]const u8, name_len: usize, into: *Got) void;
};

pub fn get(allocator: std.mem.Allocator, name: []const u8) (failure.Error || error{OutOfMemory})!?[]const u8 {
    var got: Got = undefined;
    store.get(abi.start(name), name.len, &got);
    if (got.is_err) return failure.fail(error.Unavailable, "{s}", .{got.either.err.text.slice()});
    const value = abi.slice(got.either.ok) orelse return null;
    return try memory.keep(allocator, value);
}
