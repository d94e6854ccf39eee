//! Tests of a component without WebAssembly: an instance of it, and a stand-in for the node.
//!
//! ```
//! test "a name is greeted" {
//!     var greeter: airssys.testing.Instance(Component) = try .init("{\"greeting\":\"hello\"}");
//!     defer greeter.deinit();
//!     const output = try greeter.call(.{ .body = "ada" });
//!     try std.testing.expectEqualStrings("hello, ada!", output.body);
//! }
//! ```

const std = @import("std");
const builtin = @import("builtin");
const call_ = @import("call.zig");
const failure = @import("failure.zig");
const http = @import("http.zig");
const Output = @import("output.zig").Output;

/// What does the node's part in tests: buckets in memory, values and HTTP answers that the test sets, no other services
/// and no programs. Log lines go to standard error.
pub const host = @import("testing/host.zig");

/// A component as the node holds one: made from a configuration, called one call at a time. Making one empties the
/// stand-in of what earlier tests left there.
pub fn Instance(comptime Component: type) type {
    return struct {
        component: Component,
        lasting: *std.heap.ArenaAllocator,
        of_call: *std.heap.ArenaAllocator,

        const Self = @This();

        /// Makes one from the text of a configuration, a JSON object.
        pub fn init(config_text: []const u8) !Self {
            host.empty();
            failure.forget();
            const lasting = try arena();
            errdefer drop(lasting);
            const of_call = try arena();
            errdefer drop(of_call);
            return .{
                .component = try Component.init(.{ .allocator = lasting.allocator(), .config_text = config_text }),
                .lasting = lasting,
                .of_call = of_call,
            };
        }

        /// Lets it go, as the node does.
        pub fn deinit(self: *Self) void {
            if (@hasDecl(Component, "shutdown")) self.component.shutdown();
            drop(self.of_call);
            drop(self.lasting);
        }

        /// Calls it. What it answers is there until the next call.
        pub fn call(self: *Self, input: call_.Input) !Output {
            return self.callIn(.{}, input);
        }

        /// Calls it in a context of your choice.
        pub fn callIn(self: *Self, context: call_.Context, input: call_.Input) !Output {
            failure.forget();
            _ = self.of_call.reset(.free_all);
            return self.component.execute(.{
                .allocator = self.of_call.allocator(),
                .context = context,
                .input = input,
            });
        }

        /// The state that the node would save.
        pub fn save(self: *Self) ![]const u8 {
            failure.forget();
            return self.component.save(self.of_call.allocator());
        }

        /// Gives it a state that a version saved.
        pub fn restore(self: *Self, bytes: []const u8, by: []const u8) !void {
            failure.forget();
            return self.component.restore(.{ .allocator = self.lasting.allocator(), .bytes = bytes, .by = by });
        }
    };
}

fn arena() !*std.heap.ArenaAllocator {
    const made = try std.testing.allocator.create(std.heap.ArenaAllocator);
    made.* = .init(std.testing.allocator);
    return made;
}

fn drop(of: *std.heap.ArenaAllocator) void {
    of.deinit();
    std.testing.allocator.destroy(of);
}

test "an instance keeps what it is told to and forgets its calls" {
    const Counter = struct {
        step: u32,
        count: u32 = 0,

        pub fn init(start: @import("start.zig").Start) !@This() {
            const settings = try start.config(struct { step: u32 = 1 });
            return .{ .step = settings.step };
        }

        pub fn execute(self: *@This(), call: call_.Call) !Output {
            if (call.bytes().len == 0) return failure.fail(error.InvalidInput, "nothing to count", .{});
            self.count += self.step;
            return .print(call.allocator, "{d}", .{self.count});
        }

        pub fn save(self: *@This(), allocator: std.mem.Allocator) ![]const u8 {
            return std.fmt.allocPrint(allocator, "{d}", .{self.count});
        }

        pub fn restore(self: *@This(), saved: @import("start.zig").Saved) !void {
            self.count = try saved.json(u32);
        }
    };
    try std.testing.expectError(error.InvalidConfig, Instance(Counter).init("{\"stp\":2}"));
    var counter: Instance(Counter) = try .init("{\"step\":2}");
    defer counter.deinit();
    try std.testing.expectEqualStrings("2", (try counter.call(.{ .body = "x" })).body);
    try std.testing.expectError(error.InvalidInput, counter.call(.{}));
    try std.testing.expectEqualStrings("nothing to count", failure.message());
    try counter.restore("40", "1.0.0");
    _ = try counter.call(.{ .body = "x" });
    try std.testing.expectEqualStrings("42", try counter.save());
}

test "the stand-in keeps entries, and denies what the test did not allow" {
    host.empty();
    defer host.empty();
    const keyvalue = @import("keyvalue.zig");
    var scratch: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer scratch.deinit();
    const bucket = try keyvalue.open("sessions");
    defer bucket.close();
    try bucket.set("b", "2");
    try bucket.set("a", "1");
    try std.testing.expectEqualStrings("1", (try bucket.get(scratch.allocator(), "a")).?);
    try std.testing.expectEqual(3, try bucket.increment("b", 1));
    const page = try bucket.keys(scratch.allocator(), null);
    try std.testing.expectEqual(2, page.keys.len);
    try bucket.delete("a");
    try std.testing.expect(!try bucket.exists("a"));
    host.deny("secrets");
    try std.testing.expectError(error.Denied, keyvalue.open("secrets"));
    try std.testing.expectError(error.Denied, http.get(scratch.allocator(), "http://nowhere.example/"));
    host.set("COLOUR", "red");
    try std.testing.expectEqualStrings("red", (try @import("settings.zig").get(scratch.allocator(), "COLOUR")).?);
}
