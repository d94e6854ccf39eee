//! The operations that ask the node for something: its key-value store, its values and HTTP through it.

const std = @import("std");
const airssys = @import("airssys");

const Call = airssys.Call;
const Output = airssys.Output;

/// `NAME`
pub fn variable(call: Call) !Output {
    const value = try airssys.settings.get(call.allocator, try call.text()) orelse
        return airssys.fail(error.InvalidInput, "not set", .{});
    return .text(value);
}

/// `BUCKET KEY VALUE`
pub fn set(call: Call) !Output {
    const words = try split(3, call);
    const bucket = try airssys.keyvalue.open(words[0]);
    defer bucket.close();
    try bucket.set(words[1], words[2]);
    return .text("set");
}

/// `BUCKET KEY`
pub fn get(call: Call) !Output {
    const words = try split(2, call);
    const bucket = try airssys.keyvalue.open(words[0]);
    defer bucket.close();
    const value = try bucket.get(call.allocator, words[1]) orelse
        return airssys.fail(error.InvalidInput, "no such key", .{});
    return .bytes(value);
}

/// `BUCKET KEY`
pub fn delete(call: Call) !Output {
    const words = try split(2, call);
    const bucket = try airssys.keyvalue.open(words[0]);
    defer bucket.close();
    try bucket.delete(words[1]);
    return .text("deleted");
}

/// `BUCKET KEY N`
pub fn increment(call: Call) !Output {
    const words = try split(3, call);
    const by = std.fmt.parseInt(i64, words[2], 10) catch
        return airssys.fail(error.InvalidInput, "`{s}` is no number", .{words[2]});
    const bucket = try airssys.keyvalue.open(words[0]);
    defer bucket.close();
    return .print(call.allocator, "{d}", .{try bucket.increment(words[1], by)});
}

/// `BUCKET`
pub fn list(call: Call) !Output {
    const bucket = try airssys.keyvalue.open(try call.text());
    defer bucket.close();
    var keys: std.ArrayList([]const u8) = .empty;
    var cursor: ?[]const u8 = null;
    while (true) {
        const page = try bucket.keys(call.allocator, cursor);
        try keys.appendSlice(call.allocator, page.keys);
        cursor = page.cursor orelse break;
    }
    std.mem.sort([]const u8, keys.items, {}, before);
    return .text(try std.mem.join(call.allocator, "\n", keys.items));
}

/// `METHOD URL [BODY]`
pub fn request(call: Call) !Output {
    var words = std.mem.splitScalar(u8, try call.text(), ' ');
    const method = std.meta.stringToEnum(airssys.http.Method, words.first()) orelse
        return airssys.fail(error.InvalidInput, "no such method", .{});
    const url = words.next() orelse return airssys.fail(error.InvalidInput, "no URL", .{});
    const response = try airssys.http.send(call.allocator, .{ .method = method, .url = url, .body = words.rest() });
    return .print(call.allocator, "{d} {s}", .{ response.status, response.body });
}

fn before(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}

/// The words of the body; the last has the rest of it.
fn split(comptime count: usize, call: Call) ![count][]const u8 {
    const text = try call.text();
    var words = std.mem.splitScalar(u8, text, ' ');
    var made: [count][]const u8 = undefined;
    for (&made, 1..) |*word, nth| {
        word.* = if (nth == count) words.rest() else words.next() orelse "";
        if (nth < count and word.len == 0) return airssys.fail(error.InvalidInput, "{d} words are wanted", .{count});
    }
    return made;
}
