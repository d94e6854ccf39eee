//! What a call brings: its input, and what may be known of it.

const std = @import("std");
const failure = @import("failure.zig");

/// One piece of metadata. Names are compared without regard to case, and one may stand more than once.
pub const Metadatum = struct { name: []const u8, value: []const u8 };

/// What a call brings, as bytes.
pub const Input = struct {
    /// The bytes, as they came.
    body: []const u8 = "",
    /// What the bytes are, as a media type; none where nobody said.
    content_type: ?[]const u8 = null,
    /// What else came with the call.
    metadata: []const Metadatum = &.{},
};

/// What a component may know of the call that it answers. By default it is that of a test.
pub const Context = struct {
    /// The call's id: the same in the caller's answer, in the log and in the audit trail.
    request_id: []const u8 = "",
    /// The caller's W3C `traceparent`, to be handed on with calls that this one makes.
    trace_parent: ?[]const u8 = null,
    /// Nanoseconds that were left of the call's time limit when the call began. The host keeps the limit.
    deadline_ns: ?u64 = null,
    /// Who calls: the name of a service or a principal; none for a caller who has no name.
    caller: ?[]const u8 = null,
    /// 1 for the first try, 2 for its first repetition.
    attempt: u32 = 1,
};

/// A call. Everything in it, and everything that its allocator gives, is freed when the call has its answer: what is to
/// outlive the call is copied with the allocator of `Start`.
pub const Call = struct {
    /// Memory of this call. Nothing of it has to be freed.
    allocator: std.mem.Allocator,
    /// What may be known of the call.
    context: Context = .{},
    /// What it brings.
    input: Input = .{},

    /// The bytes.
    pub fn bytes(call: Call) []const u8 {
        return call.input.body;
    }

    /// The bytes as text; the caller's error where they are not UTF-8.
    pub fn text(call: Call) failure.Error![]const u8 {
        if (std.unicode.utf8ValidateSlice(call.input.body)) return call.input.body;
        return failure.fail(error.InvalidInput, "the input is not UTF-8", .{});
    }

    /// The bytes as JSON of this type; the caller's error where they are not. Fields that the type does not have are
    /// passed over.
    pub fn json(call: Call, comptime T: type) (failure.Error || error{OutOfMemory})!T {
        var scanner: std.json.Scanner = .initCompleteInput(call.allocator, call.input.body);
        var place: std.json.Diagnostics = .{};
        scanner.enableDiagnostics(&place);
        const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true };
        return std.json.parseFromTokenSourceLeaky(T, call.allocator, &scanner, options) catch |err| switch (err) {
            error.OutOfMemory => error.OutOfMemory,
            else => failure.fail(error.InvalidInput, "the input does not fit: {t} at line {d}, column {d}", .{
                err, place.getLine(), place.getColumn(),
            }),
        };
    }

    /// The first value of this name, without regard to the name's case.
    pub fn metadata(call: Call, name: []const u8) ?[]const u8 {
        for (call.input.metadata) |each| {
            if (std.ascii.eqlIgnoreCase(each.name, name)) return each.value;
        }
        return null;
    }
};

test "metadata is found in any case" {
    const call: Call = .{
        .allocator = std.testing.allocator,
        .input = .{ .metadata = &.{.{ .name = "X-User", .value = "ada" }} },
    };
    try std.testing.expectEqualStrings("ada", call.metadata("x-user").?);
    try std.testing.expectEqual(null, call.metadata("user"));
}

test "what is no text and what is no JSON is the caller's error" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const binary: Call = .{ .allocator = arena.allocator(), .input = .{ .body = "\xff" } };
    try std.testing.expectError(error.InvalidInput, binary.text());
    const open: Call = .{ .allocator = arena.allocator(), .input = .{ .body = "[1,\n2" } };
    try std.testing.expectError(error.InvalidInput, open.json([]const u32));
    try std.testing.expect(std.mem.find(u8, failure.message(), "line 2") != null);
}
