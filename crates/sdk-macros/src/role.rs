//! The roles that a component's functions can have, and the signature each needs.

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ReturnType, Signature, Type};

/// What a marked function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    Execute,
    Capabilities,
    Migrate,
    Health,
    Shutdown,
}

/// Whether a function is called on the instance.
#[derive(PartialEq, Eq)]
enum Called {
    OnInstance,
    OnType,
}

impl Role {
    const ALL: [Self; 6] = [
        Self::Init,
        Self::Execute,
        Self::Capabilities,
        Self::Migrate,
        Self::Health,
        Self::Shutdown,
    ];

    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Init => "component_init",
            Self::Execute => "component_execute",
            Self::Capabilities => "component_capabilities",
            Self::Migrate => "component_migrate",
            Self::Health => "component_health",
            Self::Shutdown => "component_shutdown",
        }
    }

    /// The signature to write, as the errors show it.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Init => "fn new(config: ComponentConfig) -> Result<Self, ComponentError>",
            Self::Execute => "fn process(&mut self, input: ComponentInput) -> ComponentResult",
            Self::Capabilities => "fn required_capabilities() -> Vec<Capability>",
            Self::Migrate => "fn migrate(saved: Old, from: Version) -> Result<New, ComponentError>",
            Self::Health => "fn health(&self) -> Result<(), ComponentError>",
            Self::Shutdown => "fn shutdown(&mut self)",
        }
    }

    fn called(self) -> Called {
        match self {
            Self::Init | Self::Capabilities | Self::Migrate => Called::OnType,
            Self::Execute | Self::Health | Self::Shutdown => Called::OnInstance,
        }
    }

    fn arguments(self) -> usize {
        match self {
            Self::Init | Self::Execute => 1,
            Self::Migrate => 2,
            Self::Capabilities | Self::Health | Self::Shutdown => 0,
        }
    }

    fn returns(self) -> bool {
        self != Self::Shutdown
    }

    /// Checks what a type error in the expansion would say less clearly.
    pub(crate) fn check(self, signature: &Signature) -> syn::Result<()> {
        let fail = |span: &dyn Spanned, why: &str| {
            let (mark, wanted) = (self.mark(), self.wanted());
            Err(Error::new(span.span(), format!("{why}: `#[{mark}]` marks `{wanted}`")))
        };
        if let Some(asyncness) = signature.asyncness {
            return fail(&asyncness, "a component's functions are not async");
        }
        if !signature.generics.params.is_empty() {
            return fail(&signature.generics, "the node can't choose a generic's type");
        }
        match (self.called(), signature.receiver()) {
            (Called::OnInstance, None) => {
                return fail(&signature.ident, "the function is called on the instance");
            }
            (Called::OnType, Some(receiver)) => {
                return fail(receiver, "there may be no instance yet");
            }
            (Called::OnInstance, Some(receiver)) if receiver.reference.is_none() => {
                return fail(receiver, "the instance outlives the call");
            }
            _ => {}
        }
        if arguments(signature).count() != self.arguments() {
            return fail(&signature.inputs_or_name(), "the arguments are others");
        }
        match (&signature.output, self.returns()) {
            (ReturnType::Default, true) => fail(&signature.ident, "something is to be returned"),
            (output @ ReturnType::Type(..), false) => fail(output, "nothing is to be returned"),
            _ => Ok(()),
        }
    }
}

/// The types of the arguments, the receiver left out.
pub(crate) fn arguments(signature: &Signature) -> impl Iterator<Item = &Type> {
    signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(typed) => Some(&*typed.ty),
        FnArg::Receiver(_) => None,
    })
}

/// Takes the mark off a function's attributes; an error where it has two.
pub(crate) fn take(attributes: &mut Vec<Attribute>) -> syn::Result<Option<Role>> {
    let mut found = None;
    for attribute in attributes.iter() {
        let Some(role) = role_of(attribute) else { continue };
        if let syn::Meta::List(_) | syn::Meta::NameValue(_) = attribute.meta {
            let why = format!("`#[{}]` takes no arguments", role.mark());
            return Err(Error::new_spanned(attribute, why));
        }
        if found.replace(role).is_some() {
            return Err(Error::new_spanned(attribute, "a function has one mark"));
        }
    }
    remove(attributes);
    Ok(found)
}

/// Takes whatever marks there are off.
pub(crate) fn remove(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| role_of(attribute).is_none());
}

fn role_of(attribute: &Attribute) -> Option<Role> {
    let name = &attribute.path().segments.last()?.ident;
    Role::ALL.into_iter().find(|role| name == role.mark())
}

/// What an error about the arguments points at: the arguments, or the name where there are none.
trait InputsOrName {
    fn inputs_or_name(&self) -> TokenStream;
}

impl InputsOrName for Signature {
    fn inputs_or_name(&self) -> TokenStream {
        let (inputs, name) = (&self.inputs, &self.ident);
        if inputs.is_empty() { quote::quote!(#name) } else { quote::quote!(#inputs) }
    }
}
