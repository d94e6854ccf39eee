//! `wasi:keyvalue`.
//!
//! What the host answers lies in the call's memory; it is copied for an allocator that may outlive the call.

const std = @import("std");
const abi = @import("../abi/types.zig");
const memory = @import("../abi/memory.zig");
const failure = @import("../failure.zig");
const keyvalue = @import("../keyvalue.zig");

pub const Handle = u32;

const Opened = abi.Result(Handle, abi.Tagged);
const Done = abi.Result(abi.Nothing, abi.Tagged);
const Value = abi.Result(abi.Option(abi.Text), abi.Tagged);
const There = abi.Result(bool, abi.Tagged);
const Sum = abi.Result(i64, abi.Tagged);
const Keys = abi.Result(extern struct { keys: abi.List(abi.Text), cursor: abi.Option(abi.Text) }, abi.Tagged);

const store = struct {
    extern "wasi:keyvalue/store@0.2.0-draft2" fn open(name: [*]const u8, name_len: usize, into: *Opened) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[method]bucket.get"(bucket: Handle, key: [*]const u8, key_len: usize, into: *Value) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[method]bucket.set"(bucket: Handle, key: [*]const u8, key_len: usize, value: [*]const u8, value_len: usize, into: *Done) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[method]bucket.delete"(bucket: Handle, key: [*]const u8, key_len: usize, into: *Done) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[method]bucket.exists"(bucket: Handle, key: [*]const u8, key_len: usize, into: *There) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[method]bucket.list-keys"(bucket: Handle, some: u32, cursor: [*]const u8, cursor_len: usize, into: *Keys) void;
    extern "wasi:keyvalue/store@0.2.0-draft2" fn @"[resource-drop]bucket"(bucket: Handle) void;
};

const atomics = struct {
    extern "wasi:keyvalue/atomics@0.2.0-draft2" fn increment(bucket: Handle, key: [*]const u8, key_len: usize, by: i64, into: *Sum) void;
};

pub fn open(name: []const u8) keyvalue.Error!Handle {
    var opened: Opened = undefined;
    store.open(abi.start(name), name.len, &opened);
    return if (opened.is_err) refused(opened.either.err) else opened.either.ok;
}

pub fn close(bucket: Handle) void {
    store.@"[resource-drop]bucket"(bucket);
}

pub fn get(bucket: Handle, allocator: std.mem.Allocator, key: []const u8) keyvalue.Error!?[]const u8 {
    var got: Value = undefined;
    store.@"[method]bucket.get"(bucket, abi.start(key), key.len, &got);
    if (got.is_err) return refused(got.either.err);
    const value = abi.slice(got.either.ok) orelse return null;
    return try memory.keep(allocator, value);
}

pub fn set(bucket: Handle, key: []const u8, value: []const u8) keyvalue.Error!void {
    var done: Done = undefined;
    store.@"[method]bucket.set"(bucket, abi.start(key), key.len, abi.start(value), value.len, &done);
    if (done.is_err) return refused(done.either.err);
}

pub fn delete(bucket: Handle, key: []const u8) keyvalue.Error!void {
    var done: Done = undefined;
    store.@"[method]bucket.delete"(bucket, abi.start(key), key.len, &done);
    if (done.is_err) return refused(done.either.err);
}

pub fn exists(bucket: Handle, key: []const u8) keyvalue.Error!bool {
    var there: There = undefined;
    store.@"[method]bucket.exists"(bucket, abi.start(key), key.len, &there);
    return if (there.is_err) refused(there.either.err) else there.either.ok;
}

pub fn keys(bucket: Handle, allocator: std.mem.Allocator, cursor: ?[]const u8) keyvalue.Error!keyvalue.Page {
    const from = cursor orelse "";
    var page: Keys = undefined;
    store.@"[method]bucket.list-keys"(bucket, @intFromBool(cursor != null), abi.start(from), from.len, &page);
    if (page.is_err) return refused(page.either.err);
    const found = page.either.ok.keys.slice();
    const copied = try allocator.alloc([]const u8, found.len);
    for (found, copied) |key, *copy| copy.* = try memory.keep(allocator, key.slice());
    const next = abi.slice(page.either.ok.cursor);
    return .{ .keys = copied, .cursor = if (next) |text| try memory.keep(allocator, text) else null };
}

pub fn increment(bucket: Handle, key: []const u8, by: i64) keyvalue.Error!i64 {
    var sum: Sum = undefined;
    atomics.increment(bucket, abi.start(key), key.len, by, &sum);
    return if (sum.is_err) refused(sum.either.err) else sum.either.ok;
}

fn refused(err: abi.Tagged) failure.Error {
    return switch (err.tag) {
        0 => failure.fail(error.Unavailable, "there is no such key-value store", .{}),
        1 => failure.fail(error.Denied, "the bucket is not granted", .{}),
        else => failure.fail(error.Failed, "{s}", .{err.text.slice()}),
    };
}
