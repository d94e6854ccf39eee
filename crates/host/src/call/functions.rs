//! The functions that a component exports, found once and called by name.

use std::collections::HashMap;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, ComponentExportIndex};

use super::error::CallError;
use super::signature::{signature, unsayable};
use crate::artifact::{FunctionSignature, Offers};

/// A component's functions, its own and those of its interfaces.
pub(crate) struct Functions {
    all: Vec<Function>,
    /// By full name, and by bare name where only one interface has it.
    by_name: HashMap<String, usize>,
}

/// One function.
pub(crate) struct Function {
    /// Its name, with its interface's.
    name: String,
    pub(super) index: ComponentExportIndex,
    pub(super) ty: ComponentFunc,
    pub(super) shape: Shape,
    /// What of its type no value can say.
    unsayable: Option<&'static str>,
}

/// Which way a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `func(list<u8>) -> list<u8>`: the bytes are copied, where values would cost forty times their size.
    Bytes,
    /// Anything else, value by value.
    Values,
}

impl Functions {
    pub(crate) fn find(component: &Component, engine: &Engine, offers: &Offers) -> Self {
        let mut all = Vec::new();
        let exports = component.component_type();
        for (name, item) in exports.exports(engine).filter(|(name, _)| !offers.is_left_over(name)) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    all.extend(Function::find(component, None, name));
                }
                ComponentItem::ComponentInstance(instance) => {
                    for (function, _) in instance.exports(engine) {
                        all.extend(Function::find(component, Some(name), function));
                    }
                }
                _ => {}
            }
        }
        let by_name = by_name(&all);
        Self { all, by_name }
    }

    /// The function of this name; a bare name is looked for inside interfaces too, if only one has it.
    pub(super) fn get(&self, name: &str) -> Result<&Function, CallError> {
        match self.by_name.get(name) {
            Some(at) => Ok(&self.all[*at]),
            None => Err(CallError::NoFunction {
                name: name.to_owned(),
                known: self.all.iter().map(Function::said).collect(),
            }),
        }
    }

    /// As a person would write them.
    pub(crate) fn signatures(&self) -> Vec<FunctionSignature> {
        let line = |function: &Function| FunctionSignature {
            name: function.name.clone(),
            signature: signature(&function.ty),
        };
        self.all.iter().map(line).collect()
    }
}

fn by_name(all: &[Function]) -> HashMap<String, usize> {
    let mut inside = HashMap::<&str, Vec<usize>>::new();
    for (at, function) in all.iter().enumerate() {
        if let Some((_, bare)) = function.name.rsplit_once('#') {
            inside.entry(bare).or_default().push(at);
        }
    }
    let only = inside.into_iter().filter_map(|(bare, at)| match at[..] {
        [at] => Some((bare.to_owned(), at)),
        _ => None,
    });
    // A function of its own goes before one inside an interface.
    let full = all.iter().enumerate().map(|(at, function)| (function.name.clone(), at));
    only.chain(full).collect()
}

impl Function {
    fn find(component: &Component, interface: Option<&str>, name: &str) -> Option<Self> {
        let instance = match interface {
            Some(interface) => Some(component.get_export_index(None, interface)?),
            None => None,
        };
        let (item, index) = component.get_export(instance.as_ref(), name)?;
        let ComponentItem::ComponentFunc(ty) = item else { return None };
        let name = match interface {
            Some(interface) => format!("{interface}#{name}"),
            None => name.to_owned(),
        };
        let (shape, unsayable) = (Shape::of(&ty), unsayable(&ty));
        Some(Self { name, index, ty, shape, unsayable })
    }

    /// `name: func(...)`.
    pub(super) fn said(&self) -> String {
        format!("{}: {}", self.name, signature(&self.ty))
    }

    /// An error where values cannot say what it takes or returns.
    pub(super) fn check_sayable(&self) -> Result<(), CallError> {
        match self.unsayable {
            Some(what) => Err(CallError::Unsayable { signature: self.said(), what }),
            None => Ok(()),
        }
    }

    /// The error of arguments that do not fit.
    pub(super) fn misfit(&self, reason: impl Into<String>) -> CallError {
        CallError::Arguments { signature: self.said(), reason: reason.into() }
    }
}

impl Shape {
    fn of(ty: &ComponentFunc) -> Self {
        let is_bytes = |ty: &Type| matches!(ty, Type::List(list) if matches!(list.ty(), Type::U8));
        let (params, results): (Vec<_>, Vec<_>) =
            (ty.params().map(|(_, ty)| ty).collect(), ty.results().collect());
        match (&params[..], &results[..]) {
            ([param], [result]) if is_bytes(param) && is_bytes(result) && !ty.async_() => {
                Self::Bytes
            }
            _ => Self::Values,
        }
    }
}
