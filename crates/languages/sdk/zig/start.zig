//! What an instance begins with: its configuration, and for an actor the state that was saved.

const std = @import("std");
const failure = @import("failure.zig");

/// What `init` gets.
pub const Start = struct {
    /// Memory that lives as long as the instance; what is not needed any more can be freed to it.
    allocator: std.mem.Allocator,
    /// The configuration as the text of a JSON object: the manifest's `[config]` with the operator's values over it.
    /// It is gone after `init`.
    config_text: []const u8 = "{}",

    /// The configuration as a struct of yours, which `init` may keep. A name that is no field of it is refused, so that
    /// a misspelt one fails the deployment instead of being ignored for ever; a field without a default has to be set.
    pub fn config(start: Start, comptime T: type) (failure.Error || error{OutOfMemory})!T {
        const given = (try start.configValue()).object;
        const info = @typeInfo(T).@"struct";
        for (given.keys()) |name| {
            inline for (info.field_names) |field| {
                if (std.mem.eql(u8, field, name)) break;
            } else return failure.fail(error.InvalidConfig, "there is no setting `{s}`", .{name});
        }
        var made: T = undefined;
        inline for (info.field_names, info.field_types, info.field_attrs) |name, Field, attrs| {
            @field(made, name) = if (given.get(name)) |value|
                try start.read(Field, name, value)
            else if (attrs.defaultValue(Field)) |default|
                default
            else
                return failure.fail(error.InvalidConfig, "`{s}` is not set", .{name});
        }
        return made;
    }

    /// The configuration as JSON, whatever is in it: always an object.
    pub fn configValue(start: Start) (failure.Error || error{OutOfMemory})!std.json.Value {
        const text = std.mem.trim(u8, start.config_text, " \t\r\n");
        const value = std.json.parseFromSliceLeaky(
            std.json.Value,
            start.allocator,
            if (text.len == 0) "{}" else text,
            .{ .allocate = .alloc_always },
        ) catch |err| switch (err) {
            error.OutOfMemory => return error.OutOfMemory,
            else => return failure.fail(error.InvalidConfig, "the configuration is no JSON: {t}", .{err}),
        };
        if (value == .object) return value;
        return failure.fail(error.InvalidConfig, "the configuration is no JSON object", .{});
    }

    fn read(
        start: Start,
        comptime T: type,
        name: []const u8,
        value: std.json.Value,
    ) (failure.Error || error{OutOfMemory})!T {
        return std.json.parseFromValueLeaky(T, start.allocator, value, .{}) catch |err| switch (err) {
            error.OutOfMemory => error.OutOfMemory,
            else => failure.fail(error.InvalidConfig, "`{s}` is of another type: {t}", .{ name, err }),
        };
    }
};

/// What `restore` gets.
pub const Saved = struct {
    /// Memory that lives as long as the instance.
    allocator: std.mem.Allocator,
    /// What `save` gave. It is gone after `restore`.
    bytes: []const u8,
    /// The version of the release that saved it: older, or newer after a rollback.
    by: []const u8,

    /// The bytes as JSON of this type, which `restore` may keep.
    pub fn json(saved: Saved, comptime T: type) (failure.Error || error{OutOfMemory})!T {
        const options: std.json.ParseOptions = .{ .allocate = .alloc_always, .ignore_unknown_fields = true };
        return std.json.parseFromSliceLeaky(T, saved.allocator, saved.bytes, options) catch |err| switch (err) {
            error.OutOfMemory => error.OutOfMemory,
            else => failure.fail(error.Failed, "the state saved by {s} is of another shape: {t}", .{ saved.by, err }),
        };
    }
};

test "a configuration is read, and refused by the name that is wrong" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const Settings = struct { greeting: []const u8, retries: u8 = 3 };
    const refused = [_]struct { []const u8, []const u8 }{
        .{ "{\"greting\":\"hi\"}", "there is no setting `greting`" },
        .{ "{}", "`greeting` is not set" },
        .{ "", "`greeting` is not set" },
        .{ "[1]", "the configuration is no JSON object" },
        .{ "{", "the configuration is no JSON: UnexpectedEndOfInput" },
        .{ "{\"greeting\":\"hi\",\"retries\":300}", "`retries` is of another type: Overflow" },
    };
    for (refused) |case| {
        const start: Start = .{ .allocator = arena.allocator(), .config_text = case[0] };
        try std.testing.expectError(error.InvalidConfig, start.config(Settings));
        try std.testing.expectEqualStrings(case[1], failure.message());
    }
    const start: Start = .{ .allocator = arena.allocator(), .config_text = "{\"greeting\":\"hi\"}" };
    const settings = try start.config(Settings);
    try std.testing.expectEqualStrings("hi", settings.greeting);
    try std.testing.expectEqual(3, settings.retries);
}
