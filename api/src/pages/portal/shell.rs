//! What surrounds every page of a portal: the clinic, its contact details, the language switch, and links that carry
//! the visit where there is no cookie.

use super::Step;
use super::visiting::{Visiting, languages};
use crate::http::portal::PublicContact;
use crate::pages::assets;
use crate::pages::text::Words;
use askama::Template;

/// Everything that the layout shows. Templates hold it as `s`.
#[derive(Clone)]
pub(super) struct Shell {
    w: Words,
    slug: String,
    embedded: bool,
    token: String,
    step: Step,
    /// The address's query, kept by the language switch.
    query: Vec<(String, String)>,
    pub(super) clinic: String,
    pub(super) css: String,
    pub(super) look: String,
    pub(super) accent: Option<String>,
    pub(super) script: String,
    pub(super) contact: Contact,
    both_languages: bool,
    open: bool,
}

/// How to reach the clinic, as pages show it.
#[derive(Clone)]
pub(super) struct Contact {
    pub(super) phone: String,
    /// What a telephone dials.
    pub(super) dial: String,
    pub(super) email: Option<String>,
    pub(super) address: String,
    pub(super) website: Option<String>,
}

impl Contact {
    fn of(contact: PublicContact) -> Self {
        let dial = contact.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        let web = |address: &String| address.starts_with("https://") || address.starts_with("http://");
        let website = contact.website.filter(web);
        Self { phone: contact.phone, dial, email: contact.email, address: contact.address, website }
    }
}

impl Shell {
    pub(super) fn of(visiting: &Visiting) -> Self {
        let clinic = visiting.found.clinic();
        let accent = clinic.portal.config.as_ref().and_then(|c| assets::accent_address(c.accent.as_deref()));
        Self {
            w: visiting.words,
            slug: visiting.slug.clone(),
            embedded: visiting.embedded,
            token: visiting.token().filter(|_| visiting.embedded).unwrap_or_default().to_owned(),
            step: visiting.step,
            query: visiting.kept_query(),
            clinic: clinic.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default(),
            css: assets::address("base.css"),
            look: assets::address("portal.css"),
            accent,
            script: assets::address("portal.js"),
            contact: Contact::of(PublicContact::of(clinic)),
            both_languages: languages(&visiting.found).contains(&visiting.words.other().0),
            open: clinic.portal.active,
        }
    }
    /// Its words.
    pub(super) const fn words(&self) -> Words {
        self.w
    }
    /// A page in a frame.
    pub(super) const fn embedded(&self) -> bool {
        self.embedded
    }
    /// Online booking is switched on.
    pub(super) const fn open(&self) -> bool {
        self.open
    }
    fn in_language(&self, language: &str, step: &str) -> String {
        let frame = if self.embedded { "embed/" } else { "" };
        format!("/p/{}/{frame}{language}/{step}", self.slug)
    }
    /// The address of a step.
    pub(super) fn address(&self, step: &str) -> String {
        self.in_language(self.w.code(), step)
    }
    /// The address of a page that is never framed.
    pub(super) fn outside(&self, step: &str) -> String {
        format!("/p/{}/{}/{step}", self.slug, self.w.code())
    }
    /// The fields that carry the state where there is no cookie.
    pub(super) fn carried(&self) -> Vec<(String, String)> {
        if self.token.is_empty() { vec![] } else { vec![("visit".to_owned(), self.token.clone())] }
    }
    /// A way to another step: a link, or in a frame a button that carries the visit.
    pub(super) fn link(&self, step: &str, label: impl AsRef<str>, class: &str) -> Link {
        self.link_with(step, label, class, &[])
    }
    /// The same with something about what is to be shown.
    pub(super) fn link_with(
        &self,
        step: &str,
        label: impl AsRef<str>,
        class: &str,
        query: &[(String, String)],
    ) -> Link {
        Link {
            address: self.address(step),
            label: label.as_ref().to_owned(),
            class: class.to_owned(),
            button: self.embedded,
            carried: self.carried(),
            query: query.to_vec(),
            language: None,
        }
    }
    /// The way to the same step in the other language, if the clinic speaks it.
    pub(super) fn other_language(&self) -> Option<Link> {
        let other = self.w.other();
        let label = if other.is_english() { "English" } else { "Français" };
        self.both_languages.then(|| Link {
            address: self.in_language(other.code(), self.step.name()),
            language: Some(other.code()),
            ..self.link_with("", label, "language", &self.query)
        })
    }
    /// "Step 2 of 5", on the steps that are counted.
    pub(super) fn progress(&self) -> Option<String> {
        let number = self.step.number()?.to_string();
        Some(self.w.tv("step-of", &[("number", number.as_str()), ("all", "5")]))
    }
}

/// See [`Shell::link`].
#[derive(Template)]
#[template(path = "portal/link.html")]
pub(super) struct Link {
    address: String,
    label: String,
    class: String,
    button: bool,
    carried: Vec<(String, String)>,
    query: Vec<(String, String)>,
    language: Option<&'static str>,
}

impl Link {
    fn href(&self) -> String {
        let query = serde_html_form::to_string(&self.query).unwrap_or_default();
        if query.is_empty() { self.address.clone() } else { format!("{}?{query}", self.address) }
    }
}
