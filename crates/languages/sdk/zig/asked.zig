//! What a component asks the operator for.

/// One thing that nobody has unless it is granted, and why it is needed. A component lists them:
/// `pub const capabilities = [_]airssys.Asked{ .networkOutbound("api.example.com", "prices") };`.
pub const Asked = struct {
    what: What,
    /// A directory, a host or a variable's name.
    name: []const u8,
    /// Said to the operator who is asked to grant it.
    reason: ?[]const u8,

    /// The things as the contract numbers them.
    pub const What = enum(u8) { file_read, file_write, network_outbound, environment };

    /// To read below this directory, as the component sees it.
    pub fn fileRead(directory: []const u8, reason: ?[]const u8) Asked {
        return .{ .what = .file_read, .name = directory, .reason = reason };
    }

    /// To write, create, rename and delete below this directory, as the component sees it.
    pub fn fileWrite(directory: []const u8, reason: ?[]const u8) Asked {
        return .{ .what = .file_write, .name = directory, .reason = reason };
    }

    /// To send HTTP requests to this host; `*.example.com` is every name below it.
    pub fn networkOutbound(host: []const u8, reason: ?[]const u8) Asked {
        return .{ .what = .network_outbound, .name = host, .reason = reason };
    }

    /// To see the environment variable of this name.
    pub fn environment(variable: []const u8, reason: ?[]const u8) Asked {
        return .{ .what = .environment, .name = variable, .reason = reason };
    }
};
