//! Plaintexts of sealed fields: what stands inside a [`Sealed`](booking_domain::sealed::Sealed) once it is opened.
//!
//! They are frozen like events: a form never changes, its number stands in `Sealed.schema`, and reading is as strict.
//! What comes out is personal data in the clear: no type here has a `Debug` that shows it, and bytes wipe themselves.

use crate::codec::{DecodeError, from_bytes, to_bytes};
use crate::primitives::{Date, SexCode};
use crate::wire::{Form, Wire, wire};
use booking_domain::person::{Email, HealthNumber, Phone, Profile, ProvisionalContact};
use booking_domain::time::WallDate;
use std::fmt;
use zeroize::Zeroizing;

wire! {
    /// Identity and contacts of a person: the details of a patient record, or provisional contact details.
    "person.v1" PersonV1 {
        /// First name.
        first_name: String,
        /// Surname.
        last_name: String,
        /// Birth date, days since 1970-01-01.
        birth_date: Date,
        /// Sex.
        sex: SexCode,
        /// Health insurance number: twelve characters, upper case, without spaces.
        health_number: Option<String>,
        /// Expiry of the health insurance card; provisional details have none.
        health_number_expiry: Option<CardExpiryV1>,
        /// Telephone numbers in E.164, the main one first; provisional details have at most one, a cell phone.
        phones: Vec<String>,
        /// E-mail addresses; provisional details have at most one.
        emails: Vec<String>,
        /// Postal addresses, lines separated by line breaks; provisional details have none.
        addresses: Vec<String>,
    }

    /// The month in which a health insurance card expires.
    CardExpiryV1 {
        /// Year.
        year: u16,
        /// Month, 1 to 12.
        month: u8,
    }

    /// A note about a person.
    "note.v1" NoteV1 for Note {
        /// The note.
        text: String,
    }

    /// The reason for a visit, or for a cancellation.
    "reason.v1" ReasonV1 for Reason {
        /// Which of the service's reasons was chosen, counted from 0 in the configuration that the booking records.
        choice: Option<u16>,
        /// What was typed, or the chosen reason as it read then.
        text: String,
    }

    /// Who a staff member is.
    "staff-identity.v1" StaffIdentityV1 for StaffIdentity {
        /// Name.
        name: String,
        /// E-mail address.
        email: String,
    }

    /// The day a person died.
    "death-date.v1" DeathDateV1 for DeathDate {
        /// Days since 1970-01-01.
        date: Date,
    }
}

/// Declares what is opened from a seal and has no type in the domain.
macro_rules! opened {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $ty:ty,)* })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name { $($(#[doc = $fdoc])+ pub $field: $ty,)* }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("[phi]") }
        }
    )*};
}

opened! {
    /// A note about a person.
    Note {
        /// The note.
        text: String,
    }
    /// The reason for a visit (8.17), or for a cancellation.
    Reason {
        /// Which of the service's reasons was chosen, counted from 0.
        choice: Option<u16>,
        /// What was typed, or the chosen reason as it read then.
        text: String,
    }
    /// Who a staff member is.
    StaffIdentity {
        /// Name.
        name: String,
        /// E-mail address.
        email: String,
    }
    /// The day a person died.
    DeathDate {
        /// The day.
        date: WallDate,
    }
}

/// A value that is kept sealed. Its bytes go into [`crate::sealing::seal`] together with [`Plaintext::SCHEMA`].
pub trait Plaintext: Sized {
    /// Number of the current form, for `Sealed.schema`.
    const SCHEMA: u16;
    /// The bytes to seal, in the current form; wiped when dropped.
    fn to_plaintext(&self) -> Zeroizing<Vec<u8>>;
    /// Reads opened bytes of any form ever released; `schema` is that of the seal.
    fn from_plaintext(schema: u16, bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// Writes the [`Plaintext`] of values whose current form is their first.
macro_rules! plaintext {
    ($($value:ident = $form:ident;)*) => {$(
        impl Plaintext for $value {
            const SCHEMA: u16 = 1;
            fn to_plaintext(&self) -> Zeroizing<Vec<u8>> {
                Zeroizing::new(to_bytes(&<$form as Wire<Self>>::to_wire(self)))
            }
            fn from_plaintext(schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
                match schema {
                    1 => from_bytes::<$form>(bytes).map(Wire::into_domain),
                    other => Err(unknown::<$form>(other)),
                }
            }
        }
    )*};
}

plaintext! {
    Profile = PersonV1;
    ProvisionalContact = PersonV1;
    Note = NoteV1;
    Reason = ReasonV1;
    StaffIdentity = StaffIdentityV1;
    DeathDate = DeathDateV1;
}

/// No release up to this one wrote this form.
fn unknown<F: Form>(schema: u16) -> DecodeError {
    DecodeError::UnknownType(format!("{} as schema {schema}", F::DOC.name))
}

impl Wire<Profile> for PersonV1 {
    fn to_wire(profile: &Profile) -> Self {
        Self {
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            birth_date: Wire::to_wire(&profile.birth_date),
            sex: Wire::to_wire(&profile.sex),
            health_number: profile.health_number.as_ref().map(|number| number.as_str().to_owned()),
            health_number_expiry: profile.health_number_expiry.map(|(year, month)| CardExpiryV1 { year, month }),
            phones: profile.phones.iter().map(|phone| phone.as_str().to_owned()).collect(),
            emails: profile.emails.iter().map(|email| email.as_str().to_owned()).collect(),
            addresses: profile.addresses.clone(),
        }
    }
    fn into_domain(self) -> Profile {
        Profile {
            first_name: self.first_name,
            last_name: self.last_name,
            birth_date: self.birth_date.into_domain(),
            sex: self.sex.into_domain(),
            health_number: self.health_number.map(HealthNumber::from_stored),
            health_number_expiry: self.health_number_expiry.map(|expiry| (expiry.year, expiry.month)),
            phones: self.phones.into_iter().map(Phone::from_stored).collect(),
            emails: self.emails.into_iter().map(Email::from_stored).collect(),
            addresses: self.addresses,
        }
    }
}

/// Of several contacts the first.
impl Wire<ProvisionalContact> for PersonV1 {
    fn to_wire(contact: &ProvisionalContact) -> Self {
        Self::to_wire(&contact.to_profile())
    }
    fn into_domain(self) -> ProvisionalContact {
        let profile: Profile = self.into_domain();
        ProvisionalContact {
            first_name: profile.first_name,
            last_name: profile.last_name,
            birth_date: profile.birth_date,
            sex: profile.sex,
            health_number: profile.health_number,
            cell_phone: profile.phones.into_iter().next(),
            email: profile.emails.into_iter().next(),
        }
    }
}

#[cfg(test)]
#[path = "tests/sealed_forms.rs"]
mod tests;
