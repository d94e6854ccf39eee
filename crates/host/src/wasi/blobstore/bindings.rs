//! The interfaces of `wasi:blobstore`, generated from the files that guests are built with.

#![allow(missing_docs, reason = "generated from wit/, where the documentation is")]

wasmtime::component::bindgen!({
    path: ["wit/deps/io", "wit/deps/blobstore"],
    world: "wasi:blobstore/imports",
    imports: {
        // What waits for nothing.
        "wasi:blobstore/types.[static]outgoing-value.new-outgoing-value": trappable,
        "wasi:blobstore/types.[method]outgoing-value.outgoing-value-write-body": trappable,
        "wasi:blobstore/types.[drop]outgoing-value": trappable,
        "wasi:blobstore/types.[static]incoming-value.incoming-value-consume-async": trappable,
        "wasi:blobstore/types.[method]incoming-value.size": trappable,
        "wasi:blobstore/types.[drop]incoming-value": trappable,
        "wasi:blobstore/container.[method]container.name": trappable,
        "wasi:blobstore/container.[method]container.list-objects": trappable,
        "wasi:blobstore/container.[drop]container": trappable,
        "wasi:blobstore/container.[drop]stream-object-names": trappable,
        // The disk.
        default: async | trappable,
    },
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:blobstore/types.outgoing-value": super::OutgoingValue,
        "wasi:blobstore/types.incoming-value": super::IncomingValue,
        "wasi:blobstore/container.container": super::OpenContainer,
        "wasi:blobstore/container.stream-object-names": super::ObjectNames,
    },
    trappable_error_type: {
        "wasi:blobstore/types.error" => super::Refusal,
    },
});
