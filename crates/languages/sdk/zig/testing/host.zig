//! The node's stand-in. It holds what the running test put there; tests of one program run one after the other.

const std = @import("std");
const failure = @import("../failure.zig");
const api = struct {
    const http = @import("../http.zig");
    const keyvalue = @import("../keyvalue.zig");
    const process = @import("../process.zig");
    const services = @import("../services.zig");
    const Input = @import("../call.zig").Input;
    const Level = @import("../log.zig").Level;
    const Output = @import("../output.zig").Output;
};

const Entries = std.StringHashMapUnmanaged([]const u8);

var memory: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
var buckets: std.StringHashMapUnmanaged(*Entries) = .empty;
var denied: std.StringHashMapUnmanaged(void) = .empty;
var values: Entries = .empty;
var answer: ?*const fn (std.mem.Allocator, api.http.Request) api.http.Error!api.http.Response = null;

/// Forgets everything.
pub fn empty() void {
    buckets = .empty;
    denied = .empty;
    values = .empty;
    answer = null;
    _ = memory.reset(.free_all);
}

/// Gives the value that `airssys.settings` finds under this name.
pub fn set(name: []const u8, value: []const u8) void {
    values.put(memory.allocator(), kept(name), kept(value)) catch @panic("out of memory");
}

/// Makes a bucket one that is not granted.
pub fn deny(bucket: []const u8) void {
    denied.put(memory.allocator(), kept(bucket), {}) catch @panic("out of memory");
}

/// Answers what `airssys.http` sends; without it every request is denied.
pub fn answerHttp(with: *const fn (std.mem.Allocator, api.http.Request) api.http.Error!api.http.Response) void {
    answer = with;
}

fn kept(text: []const u8) []const u8 {
    return memory.allocator().dupe(u8, text) catch @panic("out of memory");
}

pub const log = struct {
    pub fn write(level: api.Level, context: []const u8, text: []const u8) void {
        std.debug.print("{t} {s}: {s}\n", .{ level, context, text });
    }
};

pub const settings = struct {
    pub fn get(allocator: std.mem.Allocator, name: []const u8) (failure.Error || error{OutOfMemory})!?[]const u8 {
        return if (values.get(name)) |value| try allocator.dupe(u8, value) else null;
    }
};

pub const keyvalue = struct {
    pub const Handle = *Entries;

    pub fn open(name: []const u8) api.keyvalue.Error!Handle {
        if (denied.contains(name)) return failure.fail(error.Denied, "the bucket is not granted", .{});
        if (buckets.get(name)) |there| return there;
        const made = try memory.allocator().create(Entries);
        made.* = .empty;
        try buckets.put(memory.allocator(), kept(name), made);
        return made;
    }

    pub fn close(_: Handle) void {}

    pub fn get(bucket: Handle, allocator: std.mem.Allocator, key: []const u8) api.keyvalue.Error!?[]const u8 {
        return if (bucket.get(key)) |value| try allocator.dupe(u8, value) else null;
    }

    pub fn set(bucket: Handle, key: []const u8, value: []const u8) api.keyvalue.Error!void {
        try bucket.put(memory.allocator(), kept(key), kept(value));
    }

    pub fn delete(bucket: Handle, key: []const u8) api.keyvalue.Error!void {
        _ = bucket.remove(key);
    }

    pub fn exists(bucket: Handle, key: []const u8) api.keyvalue.Error!bool {
        return bucket.contains(key);
    }

    pub fn keys(bucket: Handle, allocator: std.mem.Allocator, _: ?[]const u8) api.keyvalue.Error!api.keyvalue.Page {
        const found = try allocator.alloc([]const u8, bucket.count());
        var each = bucket.keyIterator();
        for (found) |*key| key.* = try allocator.dupe(u8, each.next().?.*);
        return .{ .keys = found, .cursor = null };
    }

    pub fn increment(bucket: Handle, key: []const u8, by: i64) api.keyvalue.Error!i64 {
        const number = std.fmt.parseInt(i64, bucket.get(key) orelse "0", 10) catch
            return failure.fail(error.Failed, "`{s}` is no number", .{key});
        const sum = std.math.add(i64, number, by) catch
            return failure.fail(error.Failed, "`{s}` would be too large", .{key});
        var buffer: [20]u8 = undefined;
        try keyvalue.set(bucket, key, std.fmt.bufPrint(&buffer, "{d}", .{sum}) catch unreachable);
        return sum;
    }
};

pub const http = struct {
    pub fn send(allocator: std.mem.Allocator, request: api.http.Request) api.http.Error!api.http.Response {
        const with = answer orelse
            return failure.fail(error.Denied, "the request to {s} is not granted", .{request.url});
        return with(allocator, request);
    }
};

pub const services = struct {
    pub fn call(_: std.mem.Allocator, service: []const u8, _: api.Input) api.services.Error!api.Output {
        return absent(service);
    }

    pub fn invoke(
        _: std.mem.Allocator,
        service: []const u8,
        _: []const u8,
        _: []const []const u8,
    ) api.services.Error![]const u8 {
        return absent(service);
    }

    fn absent(service: []const u8) error{ServiceNotFound} {
        return failure.fail(error.ServiceNotFound, "no service `{s}` is on this node", .{service});
    }
};

pub const process = struct {
    pub fn run(_: std.mem.Allocator, name: []const u8, _: []const u8) api.process.Error!api.process.Finished {
        return failure.fail(error.NoSuchProgram, "the operator's list has no program `{s}`", .{name});
    }
};
