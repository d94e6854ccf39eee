//! `#[component]`: the struct, the place of its instance and its exports.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Field, GenericArgument, Item, ItemStruct, Member, PathArguments, Type};

/// Where `airssys-wasm build` says which version `Component.toml` gives the component. That one is what its
/// author raises with a change of the state's shape; the version in `Cargo.toml` may stay behind.
const VERSION: &str = "AIRSSYS_WASM_COMPONENT_VERSION";

pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let structure = structure(syn::parse2(item)?)?;
    let name = &structure.ident;
    let state = state_field(&structure)?;
    let holds = state.as_ref().map(|state| holds(name, state));
    let kept = state.as_ref().and_then(|state| state.kept);
    let state_type = kept.map_or_else(|| quote!(()), |kept| quote!(#kept));
    let export_state = kept.map(|_| {
        quote! {
            ::airssys_wasm_sdk::__private::__export_state!(
                Exports with_types_in ::airssys_wasm_sdk::bindings::state
            );
        }
    });
    Ok(quote! {
        #structure
        #holds
        const _: fn() = || {
            fn has_its_functions<C: ::airssys_wasm_sdk::Component>() {}
            has_its_functions::<#name>();
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            impl ::airssys_wasm_sdk::__private::Slot for #name {
                fn slot() -> &'static ::std::thread::LocalKey<
                    ::core::cell::RefCell<::core::option::Option<Self>>,
                > {
                    ::std::thread_local! {
                        static SLOT: ::core::cell::RefCell<::core::option::Option<#name>> =
                            const { ::core::cell::RefCell::new(::core::option::Option::None) };
                    }
                    &SLOT
                }
            }
            type Exports = ::airssys_wasm_sdk::__private::Exports<#name, #state_type>;
            ::airssys_wasm_sdk::__private::__export_component!(
                Exports with_types_in ::airssys_wasm_sdk::bindings
            );
            #export_state
        };
    })
}

fn structure(item: Item) -> syn::Result<ItemStruct> {
    let (what, span) = match item {
        Item::Struct(structure) if structure.generics.params.is_empty() => return Ok(structure),
        Item::Struct(structure) => {
            return Err(Error::new(
                structure.generics.span(),
                "a component is one type: remove the generics, the node can't choose them",
            ));
        }
        Item::Enum(item) => ("an enum", item.ident.span()),
        Item::Union(item) => ("a union", item.ident.span()),
        Item::Trait(item) => ("a trait", item.ident.span()),
        Item::Fn(item) => ("a function", item.sig.ident.span()),
        Item::Impl(item) => {
            return Err(Error::new(
                item.self_ty.span(),
                "`#[component]` marks the struct; above its `impl` block write `#[component_impl]`",
            ));
        }
        other => ("this", other.span()),
    };
    let why = format!("a component is a struct, and {what} is none: put it into a struct's field");
    Err(Error::new(span, why))
}

/// The field of the type `ComponentState` or `ComponentState<T>`.
struct StateField<'a> {
    member: Member,
    /// `T`, unless it is `()`.
    kept: Option<&'a Type>,
}

fn state_field(structure: &ItemStruct) -> syn::Result<Option<StateField<'_>>> {
    let mut found = None;
    for (member, field) in structure.fields.members().zip(&structure.fields) {
        let Some(kept) = kept(field) else { continue };
        if found.replace(StateField { member, kept }).is_some() {
            let why = "a component has one state: put both into one type, `ComponentState<Both>`";
            return Err(Error::new(field.ty.span(), why));
        }
    }
    Ok(found)
}

/// None for a field of another type; what the state keeps otherwise.
fn kept(field: &Field) -> Option<Option<&Type>> {
    let Type::Path(path) = &field.ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "ComponentState")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(None) };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(Type::Tuple(tuple)) if tuple.elems.is_empty() => None,
        GenericArgument::Type(kept) => Some(kept),
        _ => None,
    }))
}

fn holds(name: &syn::Ident, state: &StateField<'_>) -> TokenStream {
    let member = &state.member;
    match state.kept {
        None => quote! {
            impl ::airssys_wasm_sdk::__private::HoldsConfig for #name {
                fn config(&self) -> &::airssys_wasm_sdk::ComponentConfig {
                    self.#member.config()
                }
            }
        },
        Some(kept) => {
            let saved = quote_spanned! {kept.span()=>
                ::airssys_wasm_sdk::__private::can_be_saved::<#kept>()
            };
            quote! {
                const _: fn() = || #saved;
                impl ::airssys_wasm_sdk::Stateful<#kept> for #name {
                    const VERSION: &'static str = match ::core::option_env!(#VERSION) {
                        ::core::option::Option::Some(version) => version,
                        ::core::option::Option::None => ::core::env!("CARGO_PKG_VERSION"),
                    };
                    fn state(&self) -> &::airssys_wasm_sdk::ComponentState<#kept> {
                        &self.#member
                    }
                    fn state_mut(&mut self) -> &mut ::airssys_wasm_sdk::ComponentState<#kept> {
                        &mut self.#member
                    }
                }
            }
        }
    }
}
