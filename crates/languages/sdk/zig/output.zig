//! What a call gives back.

const std = @import("std");
const Metadatum = @import("call.zig").Metadatum;

/// A call's output. What its slices point to has to live until the call has its answer: memory of the call's
/// allocator does, and so do literals and the component's own fields.
pub const Output = struct {
    /// The bytes.
    body: []const u8 = "",
    /// What the bytes are, as a media type; without one they are read as bytes.
    content_type: ?[]const u8 = null,
    /// What else is to be told to the caller.
    metadata: []const Metadatum = &.{},

    /// Bytes of which no more is said.
    pub fn bytes(body: []const u8) Output {
        return .{ .body = body };
    }

    /// Text.
    pub fn text(body: []const u8) Output {
        return .{ .body = body, .content_type = "text/plain; charset=utf-8" };
    }

    /// Text out of a format.
    pub fn print(
        allocator: std.mem.Allocator,
        comptime format: []const u8,
        args: anytype,
    ) error{OutOfMemory}!Output {
        return .text(try std.fmt.allocPrint(allocator, format, args));
    }

    /// A value as JSON.
    pub fn json(allocator: std.mem.Allocator, value: anytype) error{OutOfMemory}!Output {
        return .{
            .body = try std.json.Stringify.valueAlloc(allocator, value, .{}),
            .content_type = "application/json",
        };
    }
};
