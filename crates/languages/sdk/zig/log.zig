//! Lines for the service's log. `std.log` goes there by itself, its scope as the line's context; this file has the
//! levels that Zig's log has not. The node bounds how many lines a call may say and how long each may be.

const std = @import("std");
const host = @import("host.zig").log;
const text = @import("text.zig");

/// The levels of the log, as the contract numbers them.
pub const Level = enum(u8) { trace, debug, info, warn, err, critical };

/// The flow of control and the values of variables.
pub fn trace(comptime format: []const u8, args: anytype) void {
    line(.trace, "", format, args);
}

/// Something fatal.
pub fn critical(comptime format: []const u8, args: anytype) void {
    line(.critical, "", format, args);
}

/// Says that something happened in this call, such as `bought`: an experiment whose success is `event:bought` counts
/// the call. It is a line of the log too, under the context `event`.
pub fn event(name: []const u8) void {
    line(.info, "event", "{s}", .{name});
}

/// One line of any level. Past eight KiB it is cut, its context past 256 bytes.
pub fn line(level: Level, context: []const u8, comptime format: []const u8, args: anytype) void {
    var buffer: [8192]u8 = undefined;
    var name: [256]u8 = undefined;
    host.write(level, text.mend(&name, context), text.print(buffer.len, &buffer, format, args));
}

/// What a component's `std.log` writes with.
pub fn logFn(
    comptime level: std.log.Level,
    comptime scope: @EnumLiteral(),
    comptime format: []const u8,
    args: anytype,
) void {
    const ours: Level = switch (level) {
        .err => .err,
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    };
    line(ours, if (scope == .default) "" else @tagName(scope), format, args);
}
