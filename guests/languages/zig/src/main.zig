//! The conformance suite's guest: each call names by its metadata `op` what to do.

const std = @import("std");
const airssys = @import("airssys");
const network = @import("network.zig");

const Call = airssys.Call;
const Output = airssys.Output;

pub const Component = struct {
    config: std.json.Value,
    /// What the instance counted: its state.
    count: u64 = 0,
    restored_by: []const u8 = "",

    pub fn init(start: airssys.Start) !Component {
        const config = try start.configValue();
        if (config.object.get("colour")) |colour| try checkColour(colour);
        return .{ .config = config };
    }

    pub fn execute(self: *Component, call: Call) !Output {
        const name = call.metadata("op") orelse
            return airssys.fail(error.InvalidInput, "no op: name one in the metadata", .{});
        const op = std.meta.stringToEnum(Op, name) orelse
            return airssys.fail(error.InvalidInput, "no op called {s}", .{name});
        return switch (op) {
            .echo => echo(call),
            .length => .print(call.allocator, "{d}", .{call.bytes().len}),
            .upper => upper(call),
            .fill => fill(call),
            .sum => sum(call),
            .@"error" => asked(call),
            .crash => @panic("as asked"),
            .log => log(call),
            .context => context(call),
            .config => self.configuration(call),
            .env => network.variable(call),
            .@"kv-set" => network.set(call),
            .@"kv-get" => network.get(call),
            .@"kv-delete" => network.delete(call),
            .@"kv-increment" => network.increment(call),
            .@"kv-list" => network.list(call),
            .http => network.request(call),
            .count => self.counted(call),
            .allocate => allocate(call),
            .spin => spin(),
            .@"restored-by" => .text(self.restored_by),
        };
    }

    pub fn save(self: *Component, allocator: std.mem.Allocator) ![]const u8 {
        return std.fmt.allocPrint(allocator, "{d}", .{self.count});
    }

    pub fn restore(self: *Component, saved: airssys.Saved) !void {
        if (saved.bytes.len > 0) self.count = try saved.json(u64);
        self.restored_by = try saved.allocator.dupe(u8, saved.by);
    }

    fn counted(self: *Component, call: Call) !Output {
        self.count += 1;
        return .print(call.allocator, "{d}", .{self.count});
    }

    fn configuration(self: *Component, call: Call) !Output {
        const Names = struct {
            names: []const []const u8,

            pub fn lessThan(names: @This(), a: usize, b: usize) bool {
                return std.mem.lessThan(u8, names.names[a], names.names[b]);
            }
        };
        self.config.object.sort(Names{ .names = self.config.object.keys() });
        return .json(call.allocator, self.config);
    }
};

const Op = enum {
    echo,
    length,
    upper,
    fill,
    sum,
    @"error",
    crash,
    log,
    context,
    config,
    env,
    @"kv-set",
    @"kv-get",
    @"kv-delete",
    @"kv-increment",
    @"kv-list",
    http,
    count,
    allocate,
    spin,
    @"restored-by",
};

fn checkColour(colour: std.json.Value) !void {
    const name = if (colour == .string) colour.string else "that is no text";
    for ([_][]const u8{ "red", "green", "blue" }) |known| {
        if (std.mem.eql(u8, name, known)) return;
    }
    return airssys.fail(error.InvalidConfig, "no colour called {s}", .{name});
}

fn echo(call: Call) !Output {
    var metadata: std.ArrayList(airssys.Metadatum) = .empty;
    for (call.input.metadata) |each| {
        if (!std.ascii.eqlIgnoreCase(each.name, "op")) try metadata.append(call.allocator, each);
    }
    return .{
        .body = call.bytes(),
        .content_type = call.input.content_type,
        .metadata = metadata.items,
    };
}

/// Upper case as far as Zig's own library knows it, and the Latin, Greek and Cyrillic letters that lie at a fixed
/// distance: the library has no table of Unicode's cases.
fn upper(call: Call) !Output {
    const text = call.text() catch return airssys.fail(error.InvalidInput, "not UTF-8", .{});
    var made: std.Io.Writer.Allocating = .init(call.allocator);
    var points = (try std.unicode.Utf8View.init(text)).iterator();
    while (points.nextCodepoint()) |point| {
        if (point == 'ß') {
            try made.writer.writeAll("SS");
            continue;
        }
        var bytes: [4]u8 = undefined;
        const len = try std.unicode.utf8Encode(capital(point), &bytes);
        try made.writer.writeAll(bytes[0..len]);
    }
    return .text(made.written());
}

fn capital(point: u21) u21 {
    return switch (point) {
        'a'...'z', 'à'...'ö', 'ø'...'þ', 'α'...'ρ', 'σ'...'ω', 'а'...'я' => point - 32,
        'ÿ' => 'Ÿ',
        'ς' => 'Σ',
        'ѐ'...'џ' => point - 80,
        // Latin Extended-A goes by pairs; the pairs begin with an odd number between 0x139 and 0x148 and from 0x179.
        0x100...0x130, 0x132...0x137, 0x14a...0x177 => point & ~@as(u21, 1),
        0x139...0x148, 0x179...0x17e => point - 1 + (point & 1),
        else => point,
    };
}

fn fill(call: Call) !Output {
    const bytes = try call.allocator.alloc(u8, try number(call));
    for (bytes, 0..) |*byte, i| byte.* = @intCast(i % 251);
    return .bytes(bytes);
}

fn sum(call: Call) !Output {
    var total: i128 = 0;
    for (try call.json([]const i64)) |each| total += each;
    return .print(call.allocator, "{d}", .{total});
}

fn asked(call: Call) !Output {
    const kind = try call.text();
    const kinds = [_]struct { []const u8, airssys.Error }{
        .{ "invalid-input", error.InvalidInput },
        .{ "invalid-config", error.InvalidConfig },
        .{ "denied", error.Denied },
        .{ "unavailable", error.Unavailable },
        .{ "failed", error.Failed },
    };
    for (kinds) |each| {
        if (std.mem.eql(u8, kind, each[0])) return airssys.fail(each[1], "as asked: {s}", .{kind});
    }
    return airssys.fail(error.InvalidInput, "no kind called {s}", .{kind});
}

fn log(call: Call) !Output {
    const text = try call.text();
    const space = std.mem.findScalar(u8, text, ' ') orelse text.len;
    const line = text[@min(space + 1, text.len)..];
    const Named = enum { trace, debug, info, warn, @"error", critical };
    switch (std.meta.stringToEnum(Named, text[0..space]) orelse
        return airssys.fail(error.InvalidInput, "no level called {s}", .{text[0..space]})) {
        .trace => airssys.log.trace("{s}", .{line}),
        .debug => std.log.debug("{s}", .{line}),
        .info => std.log.info("{s}", .{line}),
        .warn => std.log.warn("{s}", .{line}),
        .@"error" => std.log.err("{s}", .{line}),
        .critical => airssys.log.critical("{s}", .{line}),
    }
    return .text("logged");
}

fn context(call: Call) !Output {
    return .json(call.allocator, .{
        .request_id = call.context.request_id,
        .trace_parent = call.context.trace_parent,
        .deadline_ns = call.context.deadline_ns,
        .caller = call.context.caller,
        .attempt = call.context.attempt,
    });
}

fn allocate(call: Call) !Output {
    const mebibytes = try number(call);
    const len = std.math.mul(usize, mebibytes, 1 << 20) catch return error.OutOfMemory;
    const bytes = try call.allocator.alloc(u8, len);
    @memset(bytes, 1);
    return .text("ok");
}

fn spin() noreturn {
    var turns: u64 = 0;
    while (true) {
        turns +%= 1;
        std.mem.doNotOptimizeAway(turns);
    }
}

fn number(call: Call) !usize {
    const text = std.mem.trim(u8, try call.text(), " \n");
    return std.fmt.parseInt(usize, text, 10) catch
        airssys.fail(error.InvalidInput, "`{s}` is no number", .{text});
}
