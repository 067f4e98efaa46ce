//! Who visits: identities as they are typed on the portal, or taken down by staff.

use serde_json::{Value, json};

/// Somebody, as they would type it.
#[derive(Clone, Debug)]
pub struct Person {
    /// First name.
    pub first_name: String,
    /// Surname.
    pub last_name: String,
    /// `yyyy-mm-dd`.
    pub birth_date: String,
    /// `female`, `male` or `other`.
    pub sex: String,
    /// Health insurance number.
    pub health_number: Option<String>,
    /// Cell phone.
    pub cell_phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

impl Person {
    /// Somebody with this name, a telephone and an e-mail address.
    #[must_use]
    pub fn named(first_name: &str, last_name: &str) -> Self {
        Self {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            birth_date: "1985-06-15".to_owned(),
            sex: "female".to_owned(),
            health_number: None,
            cell_phone: Some("514 555 0142".to_owned()),
            email: Some(format!("{}@example.ca", first_name.to_lowercase().replace(|c: char| !c.is_ascii(), "-"))),
        }
    }
    /// A stranger.
    #[must_use]
    pub fn stranger() -> Self {
        Self::named("Zita", "Ouellet")
    }
    /// The same with something else in some fields.
    #[must_use]
    pub fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }
    /// Whoever goes through the harness is searched for where nobody may stand.
    fn is_remembered(&self) {
        let optional = [&self.health_number, &self.cell_phone, &self.email].into_iter().filter_map(Option::as_deref);
        crate::canaries::remember([&*self.first_name, &*self.last_name].into_iter().chain(optional));
    }
    /// Who it is and how to reach them, as the portal and staff take it down.
    #[must_use]
    pub fn contact(&self) -> Value {
        self.is_remembered();
        json!({ "first_name": self.first_name, "last_name": self.last_name, "birth_date": self.birth_date,
            "sex": self.sex, "health_number": self.health_number, "cell_phone": self.cell_phone, "email": self.email })
    }
    /// The portal's form, terms accepted.
    #[must_use]
    pub fn typed(&self) -> Value {
        let mut form = self.contact();
        form["terms_accepted"] = json!(true);
        form
    }
    /// The details of a record.
    #[must_use]
    pub fn record(&self) -> Value {
        self.is_remembered();
        json!({ "first_name": self.first_name, "last_name": self.last_name, "birth_date": self.birth_date,
            "sex": self.sex, "health_number": self.health_number,
            "phones": self.cell_phone.iter().collect::<Vec<_>>(), "emails": self.email.iter().collect::<Vec<_>>() })
    }
}
