//! Values of the component model, for functions that are known by name alone.

use bytes::Bytes;
use wasmtime::component::Val;
use wasmtime::component::types::{self, Type};

/// A value of the component model.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are the component model's")]
pub enum Value {
    Bool(bool),
    S8(i8),
    U8(u8),
    S16(i16),
    U16(u16),
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    /// A `list<u8>`. As an argument, a `List` of `U8` does as well; a result is always this.
    Bytes(Bytes),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Record(Vec<(String, Value)>),
    Tuple(Vec<Value>),
    Variant(String, Option<Box<Value>>),
    Enum(String),
    Option(Option<Box<Value>>),
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    Flags(Vec<String>),
}

impl Value {
    /// As the engine takes it, which checks it against the function's type.
    pub(super) fn into_val(self) -> Val {
        let all = |values: Vec<Self>| values.into_iter().map(Self::into_val).collect();
        let boxed = |value: Option<Box<Self>>| value.map(|value| Box::new(value.into_val()));
        match self {
            Self::Bool(value) => Val::Bool(value),
            Self::S8(value) => Val::S8(value),
            Self::U8(value) => Val::U8(value),
            Self::S16(value) => Val::S16(value),
            Self::U16(value) => Val::U16(value),
            Self::S32(value) => Val::S32(value),
            Self::U32(value) => Val::U32(value),
            Self::S64(value) => Val::S64(value),
            Self::U64(value) => Val::U64(value),
            Self::F32(value) => Val::Float32(value),
            Self::F64(value) => Val::Float64(value),
            Self::Char(value) => Val::Char(value),
            Self::String(text) => Val::String(text),
            Self::Bytes(bytes) => Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect()),
            Self::List(values) => Val::List(all(values)),
            Self::Map(pairs) => {
                let pair = |(key, value): (Self, Self)| (key.into_val(), value.into_val());
                Val::Map(pairs.into_iter().map(pair).collect())
            }
            Self::Record(fields) => {
                let field = |(name, value): (String, Self)| (name, value.into_val());
                Val::Record(fields.into_iter().map(field).collect())
            }
            Self::Tuple(values) => Val::Tuple(all(values)),
            Self::Variant(case, value) => Val::Variant(case, boxed(value)),
            Self::Enum(case) => Val::Enum(case),
            Self::Option(value) => Val::Option(boxed(value)),
            Self::Result(Ok(value)) => Val::Result(Ok(boxed(value))),
            Self::Result(Err(value)) => Val::Result(Err(boxed(value))),
            Self::Flags(names) => Val::Flags(names),
        }
    }

    /// What the engine gave for this type. `None` for what no value can say: resources, streams and futures.
    pub(super) fn of(val: Val, ty: &Type) -> Option<Self> {
        Some(match (val, ty) {
            (Val::Bool(value), _) => Self::Bool(value),
            (Val::S8(value), _) => Self::S8(value),
            (Val::U8(value), _) => Self::U8(value),
            (Val::S16(value), _) => Self::S16(value),
            (Val::U16(value), _) => Self::U16(value),
            (Val::S32(value), _) => Self::S32(value),
            (Val::U32(value), _) => Self::U32(value),
            (Val::S64(value), _) => Self::S64(value),
            (Val::U64(value), _) => Self::U64(value),
            (Val::Float32(value), _) => Self::F32(value),
            (Val::Float64(value), _) => Self::F64(value),
            (Val::Char(value), _) => Self::Char(value),
            (Val::String(text), _) => Self::String(text),
            (Val::List(vals), Type::List(list)) => Self::listed(vals, &list.ty())?,
            (Val::FixedLengthList(vals), Type::FixedLengthList(list)) => {
                Self::listed(vals, &list.ty())?
            }
            (Val::Map(pairs), Type::Map(map)) => {
                let (key, value) = (map.key(), map.value());
                let pair = |(one, other)| Some((Self::of(one, &key)?, Self::of(other, &value)?));
                Self::Map(pairs.into_iter().map(pair).collect::<Option<_>>()?)
            }
            (Val::Record(vals), Type::Record(record)) => {
                let fields = vals.into_iter().zip(record.fields());
                let field = |((name, val), field): ((_, _), types::Field<'_>)| {
                    Some((name, Self::of(val, &field.ty)?))
                };
                Self::Record(fields.map(field).collect::<Option<_>>()?)
            }
            (Val::Tuple(vals), Type::Tuple(tuple)) => {
                let members = vals.into_iter().zip(tuple.types());
                Self::Tuple(members.map(|(val, ty)| Self::of(val, &ty)).collect::<Option<_>>()?)
            }
            (Val::Variant(case, val), Type::Variant(variant)) => {
                let ty = variant.cases().find(|it| it.name == case).and_then(|it| it.ty);
                Self::Variant(case, Self::boxed(val, ty)?)
            }
            (Val::Enum(case), _) => Self::Enum(case),
            (Val::Option(val), Type::Option(option)) => {
                Self::Option(Self::boxed(val, Some(option.ty()))?)
            }
            (Val::Result(Ok(val)), Type::Result(result)) => {
                Self::Result(Ok(Self::boxed(val, result.ok())?))
            }
            (Val::Result(Err(val)), Type::Result(result)) => {
                Self::Result(Err(Self::boxed(val, result.err())?))
            }
            (Val::Flags(names), _) => Self::Flags(names),
            _ => return None,
        })
    }

    fn listed(vals: Vec<Val>, ty: &Type) -> Option<Self> {
        if !matches!(ty, Type::U8) {
            let values = vals.into_iter().map(|val| Self::of(val, ty));
            return Some(Self::List(values.collect::<Option<_>>()?));
        }
        let byte = |val| match val {
            Val::U8(byte) => Some(byte),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = vals.into_iter().map(byte).collect();
        Some(Self::Bytes(bytes?.into()))
    }

    /// The value in a case that may have none.
    #[expect(
        clippy::option_option,
        reason = "no value, and one that cannot be said, are two things"
    )]
    fn boxed(val: Option<Box<Val>>, ty: Option<Type>) -> Option<Option<Box<Self>>> {
        match (val, ty) {
            (Some(val), Some(ty)) => Some(Some(Box::new(Self::of(*val, &ty)?))),
            (None, _) => Some(None),
            (Some(_), None) => None,
        }
    }
}
