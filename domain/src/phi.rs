//! Personal data in the clear, while somebody works with it.
//!
//! The wrapper keeps names, contacts and health numbers out of log lines, error messages and responses by accident:
//! it has no `Display` and no `Serialize`, its `Debug` says only that something is there, and reading it takes an
//! explicit [`Phi::expose`], which a reviewer can search for.

use std::fmt;

/// Personal data of type `T`.
///
/// ```
/// use booking_domain::phi::Phi;
/// let name = Phi::new(String::from("Gagnon"));
/// assert_eq!(format!("{name:?}"), "[phi]");
/// assert_eq!(name.expose(), "Gagnon");
/// ```
///
/// It cannot be serialized:
/// ```compile_fail
/// fn wire<T: serde::Serialize>(_: T) {}
/// wire(booking_domain::phi::Phi::new(1));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps what came in from a person or out of a seal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
    /// The value itself. The caller answers for where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }
    /// The value itself, taken out.
    pub fn into_exposed(self) -> T {
        self.0
    }
    /// Another view of the same data, still wrapped.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Phi<U> {
        Phi(f(self.0))
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[phi]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_holds_the_value_even_inside_other_types() {
        let nested = Some(vec![Phi::new("TREM85010112")]);
        assert_eq!(format!("{nested:?}"), "Some([[phi]])");
    }

    #[test]
    fn mapping_keeps_the_wrapper() {
        assert_eq!(Phi::new(" a ").map(str::trim), Phi::new("a"));
    }
}
