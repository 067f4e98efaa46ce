//! What is bound to a statement and read from a row: numbers, bytes and text, and nothing else, so that both databases
//! hold the same.

/// What stands in a column or takes a parameter's place; NULL has the type of its column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// 64 bits, signed.
    Int,
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Text,
}

/// A bound value. Never the plaintext of anything.
pub(super) enum Value {
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
}

impl Value {
    /// Its type.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Bytes(_) => Kind::Bytes,
            Self::Text(_) => Kind::Text,
        }
    }
}

/// Whether these values are what a statement takes. It is asked in tests: each statement has one caller.
pub(super) fn fits<'v>(values: impl IntoIterator<Item = &'v Value>, takes: impl IntoIterator<Item = Kind>) -> bool {
    values.into_iter().map(Value::kind).eq(takes)
}

/// Something that is a [`Value`], also when it is not there.
pub(super) trait Cell {
    /// The value, or NULL of its type.
    fn cell(found: Option<Self>) -> Value
    where
        Self: Sized;
}

impl<const N: usize> Cell for [u8; N] {
    fn cell(found: Option<Self>) -> Value {
        Value::Bytes(found.map(|bytes| bytes.to_vec()))
    }
}
impl Cell for Vec<u8> {
    fn cell(found: Option<Self>) -> Value {
        Value::Bytes(found)
    }
}
impl Cell for i64 {
    fn cell(found: Option<Self>) -> Value {
        Value::Int(found)
    }
}
impl Cell for String {
    fn cell(found: Option<Self>) -> Value {
        Value::Text(found)
    }
}

impl<T: Cell> From<T> for Value {
    fn from(value: T) -> Self {
        T::cell(Some(value))
    }
}
impl<T: Cell> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        T::cell(value)
    }
}
