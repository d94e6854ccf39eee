//! The macros of `airssys-wasm-sdk`, which re-exports them: `#[component]` on the struct,
//! `#[component_impl]` on its `impl` block, and one mark for each function that the node calls.
//!
//! They only connect: what they write is one trait implementation, one place for the instance, and the
//! call of the exports that wit-bindgen wrote in the SDK. Misuse is a compile error that says what to write.

mod block;
mod role;
mod structure;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;

/// Makes a struct the component of its crate.
///
/// A field of the type `ComponentState` keeps the configuration; one of the type `ComponentState<T>` also
/// a state that the node saves, and the component then exports `state`. The type is found by its name, so
/// write it out instead of naming it by an alias.
#[proc_macro_attribute]
pub fn component(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expand = |item| {
        no_arguments("component", arguments)?;
        structure::expand(item)
    };
    expanded(item, expand, |item| item)
}

/// Finds the component's functions in its `impl` block by their marks.
#[proc_macro_attribute]
pub fn component_impl(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expand = |item| {
        no_arguments("component_impl", arguments)?;
        block::expand(item)
    };
    expanded(item, expand, block::in_place_of)
}

/// The component's constructor: `fn new(config: ComponentConfig) -> Result<Self, ComponentError>`.
#[proc_macro_attribute]
pub fn component_init(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_init", item)
}

/// What answers a call: `fn process(&mut self, input: ComponentInput) -> ComponentResult`.
#[proc_macro_attribute]
pub fn component_execute(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_execute", item)
}

/// What the component asks the operator for: `fn required_capabilities() -> Vec<Capability>`.
#[proc_macro_attribute]
pub fn component_capabilities(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_capabilities", item)
}

/// What makes a state of another version's: `fn migrate(saved: Old, from: Version) -> Result<New,
/// ComponentError>`, where `Old` is any serde type or `SavedState`.
#[proc_macro_attribute]
pub fn component_migrate(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_migrate", item)
}

/// Whether the instance can work: `fn health(&self) -> Result<(), ComponentError>`. Called between calls
/// of an instance that is reused (`pooled`, `actor`); an error replaces it by a new one.
#[proc_macro_attribute]
pub fn component_health(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_health", item)
}

/// The last call to an instance: `fn shutdown(&mut self)`.
#[proc_macro_attribute]
pub fn component_shutdown(_: TokenStream, item: TokenStream) -> TokenStream {
    outside("component_shutdown", item)
}

/// Keeps something of the item beside an error, so that the error is the only one.
fn expanded(
    item: TokenStream,
    expand: impl FnOnce(Tokens) -> syn::Result<Tokens>,
    in_place_of: impl FnOnce(Tokens) -> Tokens,
) -> TokenStream {
    let item = Tokens::from(item);
    match expand(item.clone()) {
        Ok(expanded) => expanded.into(),
        Err(error) => {
            let item = in_place_of(item);
            let error = error.into_compile_error();
            quote::quote!(#item #error).into()
        }
    }
}

fn no_arguments(name: &str, arguments: TokenStream) -> syn::Result<()> {
    let arguments = Tokens::from(arguments);
    if arguments.is_empty() {
        return Ok(());
    }
    Err(syn::Error::new_spanned(arguments, format!("`#[{name}]` takes no arguments")))
}

/// A mark is taken off by `#[component_impl]`; one that is expanded stands somewhere else.
fn outside(name: &str, item: TokenStream) -> TokenStream {
    let item = Tokens::from(item);
    let error = syn::Error::new(
        proc_macro2::Span::call_site(),
        format!("`#[{name}]` marks a function in an `impl` block: write `#[component_impl]` above the block"),
    )
    .into_compile_error();
    quote::quote!(#item #error).into()
}
