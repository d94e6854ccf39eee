//! Values that the operator gives by name (`wasi:config`): what an HTTP service or a command is configured with, which
//! have no `init`.

const std = @import("std");
const host = @import("host.zig").settings;
const failure = @import("failure.zig");

/// The value of this name, if there is one.
pub fn get(allocator: std.mem.Allocator, name: []const u8) (failure.Error || error{OutOfMemory})!?[]const u8 {
    return host.get(allocator, name);
}
