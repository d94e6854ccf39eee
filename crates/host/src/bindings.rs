//! The contract with guests, generated from the same files as the SDK.

#![allow(missing_docs, reason = "generated from wit/, where the documentation is")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "stateful-component",
    // No tracing: it would write what a guest gets of its secrets, and what it logs, past the masks.
    imports: {
        "airssys:component/process.run": async | trappable,
        "airssys:component/services.call": async | trappable,
        "airssys:component/services.invoke": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    // What goes into a guest is lent: it is copied into its memory, and nowhere before.
    ownership: Borrowing { duplicate_if_necessary: true },
});
