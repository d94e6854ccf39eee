//! A function's type in words, and what of it no value can say.

use std::fmt::Write as _;

use wasmtime::component::types::{ComponentFunc, Type};

/// A function's type as WIT would write it, without its name.
pub(super) fn signature(ty: &ComponentFunc) -> String {
    let mut text = String::from("func(");
    for (at, (name, ty)) in ty.params().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{name}: {}", type_text(&ty));
    }
    text.push(')');
    for ty in ty.results() {
        let _ = write!(text, " -> {}", type_text(&ty));
    }
    text
}

fn type_text(ty: &Type) -> String {
    let optional = |ty: Option<Type>| ty.map_or_else(|| "_".to_owned(), |ty| type_text(&ty));
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(list) => format!("list<{}>", type_text(&list.ty())),
        Type::Option(option) => format!("option<{}>", type_text(&option.ty())),
        Type::Tuple(tuple) => {
            let types: Vec<_> = tuple.types().map(|ty| type_text(&ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        Type::Result(result) => {
            format!("result<{}, {}>", optional(result.ok()), optional(result.err()))
        }
        Type::Record(record) => {
            let fields: Vec<_> = record
                .fields()
                .map(|field| format!("{}: {}", field.name, type_text(&field.ty)))
                .collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases()
                .map(|case| match case.ty {
                    Some(ty) => format!("{}({})", case.name, type_text(&ty)),
                    None => case.name.to_owned(),
                })
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        Type::Enum(cases) => format!("enum {{ {} }}", cases.names().collect::<Vec<_>>().join(", ")),
        Type::Flags(flags) => {
            format!("flags {{ {} }}", flags.names().collect::<Vec<_>>().join(", "))
        }
        Type::Own(_) => "own<resource>".into(),
        Type::Borrow(_) => "borrow<resource>".into(),
        Type::Future(_) => "future".into(),
        Type::Stream(_) => "stream".into(),
        _ => "?".into(),
    }
}

/// What of a function's type no value can say.
pub(super) fn unsayable(ty: &ComponentFunc) -> Option<&'static str> {
    ty.params().map(|(_, ty)| ty).chain(ty.results()).find_map(|ty| unsayable_type(&ty))
}

fn unsayable_type(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a resource"),
        Type::Stream(_) => Some("a stream"),
        Type::Future(_) => Some("a future"),
        Type::ErrorContext => Some("an error context"),
        Type::List(list) => unsayable_type(&list.ty()),
        Type::Option(option) => unsayable_type(&option.ty()),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| unsayable_type(&ty)),
        Type::Record(record) => record.fields().find_map(|field| unsayable_type(&field.ty)),
        Type::Variant(variant) => {
            variant.cases().find_map(|case| case.ty.as_ref().and_then(unsayable_type))
        }
        Type::Result(result) => {
            [result.ok(), result.err()].into_iter().flatten().find_map(|ty| unsayable_type(&ty))
        }
        _ => None,
    }
}
