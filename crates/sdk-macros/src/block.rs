//! `#[component_impl]`: the block without its marks, and the trait that calls the marked functions.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ImplItem, ItemImpl, Signature, Type};

use crate::role::{self, Role};

pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let mut block: ItemImpl = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), "`#[component_impl]` stands above the struct's `impl` block")
    })?;
    if let Some((_, path, _)) = &block.trait_ {
        let why = "`#[component_impl]` stands above the struct's own `impl` block, not a trait's";
        return Err(Error::new(path.span(), why));
    }
    let found = Found::in_block(&mut block)?;
    let functions = found.functions(&block.self_ty)?;
    let name = &block.self_ty;
    Ok(quote! {
        #block
        impl ::airssys_wasm_sdk::Component for #name {
            #functions
        }
    })
}

/// What stands for a block with an error: the block, and functions that are never called, because nothing
/// is built. Without them a second error would say that there are none.
pub(crate) fn in_place_of(item: TokenStream) -> TokenStream {
    let Ok(mut block) = syn::parse2::<ItemImpl>(item.clone()) else { return item };
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            role::remove(&mut function.attrs);
        }
    }
    let name = &block.self_ty;
    let functions = block.trait_.is_none().then(|| {
        quote! {
            impl ::airssys_wasm_sdk::Component for #name {
                fn init(
                    _: ::airssys_wasm_sdk::ComponentConfig,
                ) -> ::core::result::Result<Self, ::airssys_wasm_sdk::ComponentError> {
                    ::core::unreachable!()
                }
                fn execute(
                    &mut self,
                    _: ::airssys_wasm_sdk::ComponentInput,
                ) -> ::airssys_wasm_sdk::ComponentResult {
                    ::core::unreachable!()
                }
            }
        }
    });
    quote!(#block #functions)
}

/// The marked functions.
struct Found(Vec<(Role, Signature)>);

impl Found {
    fn in_block(block: &mut ItemImpl) -> syn::Result<Self> {
        let mut found: Vec<(Role, Signature)> = Vec::new();
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else { continue };
            let Some(role) = role::take(&mut function.attrs)? else { continue };
            if let Some((_, first)) = found.iter().find(|(other, _)| *other == role) {
                let why = format!(
                    "a component has one `#[{}]`, and `{}` is it: take the mark off one of them",
                    role.mark(),
                    first.ident
                );
                return Err(Error::new(function.sig.ident.span(), why));
            }
            role.check(&function.sig)?;
            found.push((role, function.sig.clone()));
        }
        Ok(Self(found))
    }

    fn get(&self, role: Role) -> Option<&Signature> {
        self.0.iter().find(|(other, _)| *other == role).map(|(_, signature)| signature)
    }

    fn require(&self, role: Role, block: Span) -> syn::Result<&Signature> {
        self.get(role).ok_or_else(|| {
            let (mark, wanted) = (role.mark(), role.wanted());
            Error::new(block, format!("the component has no `#[{mark}]`: add it to `{wanted}`"))
        })
    }

    fn functions(&self, name: &Type) -> syn::Result<TokenStream> {
        let init = init(self.require(Role::Init, name.span())?);
        let execute = execute(self.require(Role::Execute, name.span())?);
        let others = [
            self.get(Role::Health).map(health),
            self.get(Role::Shutdown).map(shutdown),
            self.get(Role::Capabilities).map(capabilities),
            self.get(Role::Migrate).map(migrate),
        ];
        let others = others.into_iter().flatten();
        Ok(quote!(#init #execute #(#others)*))
    }
}

fn init(signature: &Signature) -> TokenStream {
    let called = call(signature, &quote!(config));
    quote! {
        fn init(
            config: ::airssys_wasm_sdk::ComponentConfig,
        ) -> ::core::result::Result<Self, ::airssys_wasm_sdk::ComponentError> {
            ::airssys_wasm_sdk::__private::fallible(#called)
        }
    }
}

fn execute(signature: &Signature) -> TokenStream {
    let input = role::arguments(signature).map(|input| {
        quote_spanned!(input.span()=> <#input as ::airssys_wasm_sdk::FromInput>::from_input(input)?)
    });
    let input = quote!(#(#input)*);
    let name = &signature.ident;
    let result = quote_spanned! {returned(signature)=>
        ::airssys_wasm_sdk::IntoResult::into_result(self.#name(input))
    };
    quote! {
        fn execute(
            &mut self,
            input: ::airssys_wasm_sdk::ComponentInput,
        ) -> ::airssys_wasm_sdk::ComponentResult {
            let input = #input;
            #result
        }
    }
}

fn health(signature: &Signature) -> TokenStream {
    let called = call(signature, &quote!(self));
    quote! {
        fn health(&mut self) -> ::core::result::Result<(), ::airssys_wasm_sdk::ComponentError> {
            ::airssys_wasm_sdk::__private::fallible(#called)
        }
    }
}

fn shutdown(signature: &Signature) -> TokenStream {
    let called = call(signature, &quote!(self));
    quote! {
        fn shutdown(&mut self) {
            #called
        }
    }
}

fn capabilities(signature: &Signature) -> TokenStream {
    let called = call(signature, &quote!());
    quote! {
        fn required() -> ::std::vec::Vec<::airssys_wasm_sdk::AskedCapability> {
            ::core::iter::IntoIterator::into_iter(#called)
                .map(::core::convert::Into::into)
                .collect()
        }
    }
}

fn migrate(signature: &Signature) -> TokenStream {
    let saved = role::arguments(signature).take(1).map(|saved| {
        quote_spanned!(saved.span()=> <#saved as ::airssys_wasm_sdk::FromSaved>::from_saved(saved)?)
    });
    let called = call(signature, &quote!(#(#saved)*, from));
    let stateful = quote_spanned! {signature.ident.span()=>
        ::airssys_wasm_sdk::__private::taken_up(self, migrated)
    };
    quote! {
        fn migrate(
            &mut self,
            saved: &::airssys_wasm_sdk::SavedState,
            from: ::airssys_wasm_sdk::Version,
        ) -> ::core::option::Option<
            ::core::result::Result<(), ::airssys_wasm_sdk::ComponentError>,
        > {
            let migrated = (|| ::airssys_wasm_sdk::__private::fallible(#called))();
            ::core::option::Option::Some(migrated.map(|migrated| #stateful))
        }
    }
}

/// The call of a function, with the span of what it returns: a wrong type is shown there.
fn call(signature: &Signature, arguments: &TokenStream) -> TokenStream {
    let name = &signature.ident;
    quote_spanned!(returned(signature)=> Self::#name(#arguments))
}

/// Where a wrong type of what is returned is shown: at the type, or at the name where none is written.
fn returned(signature: &Signature) -> Span {
    match &signature.output {
        syn::ReturnType::Type(_, ty) => ty.span(),
        syn::ReturnType::Default => signature.ident.span(),
    }
}
