//! Greets whoever the input names.

const std = @import("std");
const airssys = @import("airssys");

/// The `[config]` of Component.toml. A name that is not listed here is refused when the component is deployed.
const Settings = struct { greeting: []const u8 };

pub const Component = struct {
    settings: Settings,

    pub fn init(start: airssys.Start) !Component {
        return .{ .settings = try start.config(Settings) };
    }

    pub fn execute(self: *Component, call: airssys.Call) !airssys.Output {
        const name = std.mem.trim(u8, try call.text(), " \t\r\n");
        if (name.len == 0) return airssys.fail(error.InvalidInput, "nobody to greet: send a name", .{});
        return .print(call.allocator, "{s}, {s}!", .{ self.settings.greeting, name });
    }
};

const Greeter = airssys.testing.Instance(Component);

test "a name is greeted" {
    var greeter: Greeter = try .init("{\"greeting\":\"hello\"}");
    defer greeter.deinit();
    const output = try greeter.call(.{ .body = "ada" });
    try std.testing.expectEqualStrings("hello, ada!", output.body);
}

test "nobody is the caller's mistake" {
    var greeter: Greeter = try .init("{\"greeting\":\"hello\"}");
    defer greeter.deinit();
    try std.testing.expectError(error.InvalidInput, greeter.call(.{ .body = " " }));
    try std.testing.expectEqualStrings("nobody to greet: send a name", airssys.message());
}

test "a misspelt setting is refused" {
    try std.testing.expectError(error.InvalidConfig, Greeter.init("{\"greting\":\"hello\"}"));
}
