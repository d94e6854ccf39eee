//! The errors that a component answers with: Zig errors, one for each kind of the contract, with a sentence beside them.
//!
//! A Zig error carries no text, so `fail` keeps the sentence until the answer is written. It goes with the error that
//! it was given for alone: a sentence whose error was caught does not turn up with another.

const std = @import("std");
const text = @import("text.zig");

/// Whose fault an error is. The node answers each with its own status and exit code. Any other Zig error that a
/// component returns is answered as `Failed`, with its name.
pub const Error = error{
    /// The caller's input can't be used; the same input will fail again.
    InvalidInput,
    /// The operator's configuration can't be used. From `init` it fails the deployment.
    InvalidConfig,
    /// The caller may not do this, or the component was not granted what it needs.
    Denied,
    /// Something the component needs isn't there right now; trying later may help.
    Unavailable,
    /// Anything else that went wrong inside the component.
    Failed,
};

/// The kinds as the contract numbers them.
pub const Kind = enum(u8) { invalid_input, invalid_config, denied, unavailable, failed };

/// The error, once its sentence is kept: `return airssys.fail(error.InvalidInput, "no colour called {s}", .{name});`.
/// The sentence reaches the caller, so it holds no secret. Past two KiB it is cut. An error of another name than the
/// kinds' is answered as `Failed`, with the sentence.
pub fn fail(err: anytype, comptime format: []const u8, args: anytype) @TypeOf(err) {
    kept.len = text.print(kept.buffer.len, &kept.buffer, format, args).len;
    kept.of = err;
    return err;
}

/// The sentence of the last `fail`, for a test to look at; empty before there was one.
pub fn message() []const u8 {
    return kept.buffer[0..kept.len];
}

/// Which kind an error is answered as.
pub fn kindOf(err: anyerror) Kind {
    return switch (err) {
        error.InvalidInput => .invalid_input,
        error.InvalidConfig => .invalid_config,
        error.Denied, error.AccessDenied, error.PermissionDenied => .denied,
        error.Unavailable => .unavailable,
        else => .failed,
    };
}

/// What is said of an error: its sentence, or its name where it has none.
pub fn sentenceOf(err: anyerror) []const u8 {
    const of = kept.of orelse return @errorName(err);
    return if (of == err) message() else @errorName(err);
}

/// Forgets the sentence, before a call.
pub fn forget() void {
    kept.of = null;
    kept.len = 0;
}

const Kept = struct {
    of: ?anyerror = null,
    len: usize = 0,
    buffer: [2048]u8 = undefined,
};

threadlocal var kept: Kept = .{};

test "an error says its own sentence and no other's" {
    const caught = fail(error.Denied, "no {s} today", .{"bread"});
    try std.testing.expectEqualStrings("no bread today", sentenceOf(caught));
    try std.testing.expectEqualStrings("OutOfMemory", sentenceOf(error.OutOfMemory));
    try std.testing.expectEqual(.failed, kindOf(error.OutOfMemory));
    forget();
    try std.testing.expectEqualStrings("Denied", sentenceOf(error.Denied));
}

test "a sentence that is cut stays text" {
    const long: [3001]u8 = @splat('a');
    try std.testing.expectEqual(error.Failed, fail(error.Failed, "{s}", .{long}));
    try std.testing.expectEqual(2048, message().len);
    try std.testing.expectEqual(error.Failed, fail(error.Failed, "{s}{s}", .{ long[0..2047], "é" }));
    try std.testing.expectEqual(2047, message().len);
}

test "a sentence is text, whatever it was made of" {
    try std.testing.expectEqual(error.InvalidInput, fail(error.InvalidInput, "no colour {s}", .{"\xff"}));
    try std.testing.expectEqualStrings("no colour \u{FFFD}", message());
}
