//! For Zig's own tools: `zig build test` runs the unit tests natively, and editors find the SDK here.
//! The component itself is built by `airssys-wasm build`.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const sdk = b.createModule(.{ .root_source_file = b.path("airssys/airssys.zig") });
    const component = b.createModule(.{
        .root_source_file = b.path("src/main.zig"),
        .target = b.standardTargetOptions(.{}),
        .optimize = b.standardOptimizeOption(.{}),
        .imports = &.{.{ .name = "airssys", .module = sdk }},
    });
    const tests = b.addRunArtifact(b.addTest(.{ .root_module = component }));
    b.step("test", "Run the unit tests").dependOn(&tests.step);
}
