//! The code that wit-bindgen writes from `wit/` (a copy of the one at the repository's
//! root, which `cargo xtask tidy` holds equal), kept here so that no user's crate needs the WIT.
//!
//! The world with a state is generated as its one further interface: two whole worlds would define the
//! same macros twice, and the sections that describe what is exported are merged when both are linked.

wit_bindgen::generate!({
    path: "wit",
    world: "airssys:component/component",
    pub_export_macro: true,
    export_macro_name: "__export_component",
    default_bindings_module: "airssys_wasm_sdk::bindings",
    runtime_path: "airssys_wasm_sdk::__private::wit_bindgen::rt",
    generate_all,
});

pub mod state {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package airssys:sdk; world keeps-state { export airssys:component/state@0.1.0; }",
        world: "airssys:sdk/keeps-state",
        pub_export_macro: true,
        export_macro_name: "__export_state",
        default_bindings_module: "airssys_wasm_sdk::bindings::state",
        runtime_path: "airssys_wasm_sdk::__private::wit_bindgen::rt",
        with: { "airssys:component/types@0.1.0": crate::bindings::airssys::component::types },
    });
}

pub mod keyvalue {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package airssys:sdk; world uses-keyvalue {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
        }",
        world: "airssys:sdk/uses-keyvalue",
        runtime_path: "airssys_wasm_sdk::__private::wit_bindgen::rt",
        generate_all,
    });
}
