//! The node's key-value store: buckets of entries, which the manifest asks for by name
//! (`keyvalue = [{ bucket = "sessions", access = ["read", "write"], reason = "logins" }]`).
//!
//! A bucket or an access that is not granted is `error.Denied`, a store that is not there `error.Unavailable`.

const std = @import("std");
const host = @import("host.zig").keyvalue;
const failure = @import("failure.zig");

pub const Error = failure.Error || error{OutOfMemory};

/// The bucket of this name.
pub fn open(name: []const u8) Error!Bucket {
    return .{ .handle = try host.open(name) };
}

/// A collection of entries.
pub const Bucket = struct {
    handle: host.Handle,

    /// Lets it go.
    pub fn close(bucket: Bucket) void {
        host.close(bucket.handle);
    }

    /// The value under this key, if there is one.
    pub fn get(bucket: Bucket, allocator: std.mem.Allocator, key: []const u8) Error!?[]const u8 {
        return host.get(bucket.handle, allocator, key);
    }

    /// Sets the value under this key, whether there was one or not.
    pub fn set(bucket: Bucket, key: []const u8, value: []const u8) Error!void {
        return host.set(bucket.handle, key, value);
    }

    /// Deletes the entry under this key, if there is one.
    pub fn delete(bucket: Bucket, key: []const u8) Error!void {
        return host.delete(bucket.handle, key);
    }

    /// Whether there is an entry under this key.
    pub fn exists(bucket: Bucket, key: []const u8) Error!bool {
        return host.exists(bucket.handle, key);
    }

    /// A page of the keys: the first one with no cursor.
    pub fn keys(bucket: Bucket, allocator: std.mem.Allocator, cursor: ?[]const u8) Error!Page {
        return host.keys(bucket.handle, allocator, cursor);
    }

    /// Adds to the number under this key, which begins at 0, in one step that nothing comes between; returns the sum.
    pub fn increment(bucket: Bucket, key: []const u8, by: i64) Error!i64 {
        return host.increment(bucket.handle, key, by);
    }
};

/// Some keys of a bucket.
pub const Page = struct {
    keys: []const []const u8,
    /// What to ask the next page with; none if this was the last one.
    cursor: ?[]const u8,
};
