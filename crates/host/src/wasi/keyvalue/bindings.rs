//! The interfaces of `wasi:keyvalue`, generated from the files that guests are built with.

#![allow(missing_docs, reason = "generated from wit/, where the documentation is")]

wasmtime::component::bindgen!({
    path: "wit/deps/keyvalue",
    world: "imports",
    imports: {
        // What waits: an opening and writes, for the disk.
        "wasi:keyvalue/store.open": async | trappable,
        "wasi:keyvalue/store.[method]bucket.set": async | trappable,
        "wasi:keyvalue/store.[method]bucket.delete": async | trappable,
        "wasi:keyvalue/atomics.increment": async | trappable,
        "wasi:keyvalue/atomics.swap": async | trappable,
        "wasi:keyvalue/batch.set-many": async | trappable,
        "wasi:keyvalue/batch.delete-many": async | trappable,
        default: trappable,
    },
    with: {
        "wasi:keyvalue/store.bucket": super::OpenBucket,
        "wasi:keyvalue/atomics.cas": super::Cas,
    },
    trappable_error_type: {
        "wasi:keyvalue/store.error" => super::Refusal,
    },
});
