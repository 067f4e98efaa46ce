//! How a frozen form is declared: [`wire!`](crate::wire!) makes the struct, its conversions and its field docs.
//!
//! A form is a struct of plain fields that postcard writes one after the other. Once released it never changes: no
//! field is added, dropped, reordered or retyped, and no serde attribute may stand on it. What changes is the
//! domain's type; then the form gets a successor (`SlotPublishedV2`), and the old one a `From` into it.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The frozen form of a `T`. Both directions are total: a form can hold nothing that the domain cannot.
pub trait Wire<T>: Sized {
    /// The form of a value.
    fn to_wire(value: &T) -> Self;
    /// The value of a form. Codes that this release does not know become the `Unknown` arm of their list.
    fn into_domain(self) -> T;
}

impl<T, W: Wire<T>> Wire<Option<T>> for Option<W> {
    fn to_wire(value: &Option<T>) -> Self {
        value.as_ref().map(W::to_wire)
    }
    fn into_domain(self) -> Option<T> {
        self.map(W::into_domain)
    }
}

impl<T, W: Wire<T>> Wire<Vec<T>> for Vec<W> {
    fn to_wire(value: &Vec<T>) -> Self {
        value.iter().map(W::to_wire).collect()
    }
    fn into_domain(self) -> Vec<T> {
        self.into_iter().map(W::into_domain).collect()
    }
}

/// What is written about one field of a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldDoc {
    /// Its name, also in the JSON view.
    pub name: &'static str,
    /// Its wire type as it stands in the declaration, such as `Option<Id>`.
    pub ty: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// What is written about one form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormDoc {
    /// Event type (`slot-published.v1`), or the struct's name for a form that stands inside others (`SpanV1`).
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its fields, in the order of the bytes.
    pub fields: &'static [FieldDoc],
}

/// What is written about one list of codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeDoc {
    /// Name of the wire type.
    pub name: &'static str,
    /// What the list says.
    pub doc: &'static str,
    /// Code and name of every value.
    pub codes: &'static [(u8, &'static str)],
}

/// A declared form.
pub trait Form: Serialize + DeserializeOwned {
    /// Name, meaning and fields.
    const DOC: FormDoc;
}

/// Declares frozen forms.
///
/// - `"slot-published.v1" SlotPublishedV1 for SlotPublished { … }` is the payload of an event type;
/// - `SpanV1 for Span { … }` stands inside other forms;
/// - without `for`, the conversions are written by hand (flattened enums), or there are none any more (a form that has
///   a successor converts into that).
///
/// Field names are those of the domain's struct, so that no field can be mixed up with another. Every form and every
/// field needs its doc comment: the pages under `docs/` are made from them. Forms have no `Debug`: some of them are the
/// plaintext of sealed fields.
macro_rules! wire {
    ($(
        $(#[doc = $doc:literal])+
        $($event:literal)? $name:ident $(for $domain:path)? {
            $( $(#[doc = $fdoc:literal])+ $field:ident: $ty:ty, )*
        }
    )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            pub struct $name {
                $( $(#[doc = $fdoc])+ pub $field: $ty, )*
            }

            impl $crate::wire::Form for $name {
                const DOC: $crate::wire::FormDoc = $crate::wire::FormDoc {
                    name: $crate::wire::form_name!($name $($event)?),
                    doc: concat!($($doc),+),
                    fields: &[$(
                        $crate::wire::FieldDoc {
                            name: stringify!($field),
                            ty: stringify!($ty),
                            doc: concat!($($fdoc),+),
                        },
                    )*],
                };
            }

            $crate::wire::convert!($name [$($domain)?] $($field)*);
        )*

        /// The forms of this module, for the field docs.
        pub const DOCS: &[$crate::wire::FormDoc] = &[$(<$name as $crate::wire::Form>::DOC),*];
    };
}

/// The name that a form goes by in the docs.
macro_rules! form_name {
    ($name:ident $event:literal) => {
        $event
    };
    ($name:ident) => {
        stringify!($name)
    };
}

/// Field by field, by name, in both directions; nothing where no type of the domain is named.
macro_rules! convert {
    ($name:ident [] $($field:ident)*) => {};
    ($name:ident [$domain:path] $($field:ident)*) => {
        impl $crate::wire::Wire<$domain> for $name {
            fn to_wire(value: &$domain) -> Self {
                Self { $($field: $crate::wire::Wire::to_wire(&value.$field),)* }
            }
            fn into_domain(self) -> $domain {
                $domain { $($field: $crate::wire::Wire::into_domain(self.$field),)* }
            }
        }

        #[cfg(test)]
        impl $crate::tests::sample::Sample for $name {
            fn sample(s: &mut $crate::tests::sample::Sampler) -> Self {
                Self { $($field: s.field(stringify!($field)),)* }
            }
        }
    };
}

/// Event types without a field: their payload is empty, and the type's name says it all.
macro_rules! wire_unit {
    ($($name:ident),*) => {$(
        impl $crate::wire::Wire<()> for $name {
            fn to_wire((): &()) -> Self {
                Self {}
            }
            fn into_domain(self) {}
        }

        #[cfg(test)]
        impl $crate::tests::sample::Sample for $name {
            fn sample(_: &mut $crate::tests::sample::Sampler) -> Self {
                Self {}
            }
        }
    )*};
}

pub(crate) use {convert, form_name, wire, wire_unit};
