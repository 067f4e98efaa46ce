//! A browser without scripts: addresses, links, forms, cookies and redirections, as a person uses them.

use super::answer::Answer;
use super::app::TestApp;
use reqwest::Method;
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeMap;

/// Redirections in a row that are followed.
const REDIRECTIONS: usize = 5;

/// A browser on a server.
pub struct Browser<'a> {
    app: &'a TestApp,
    /// Cookies by name; a browser in a foreign frame has none.
    pub cookies: BTreeMap<String, String>,
    /// Where it is.
    pub address: String,
    /// What it shows.
    pub answer: Answer,
    language: &'static str,
}

impl<'a> Browser<'a> {
    /// At this address.
    pub async fn at(app: &'a TestApp, path: &str) -> Self {
        Self::speaking(app, "fr-CA,fr;q=0.9", path).await
    }
    /// At this address, preferring a language.
    pub async fn speaking(app: &'a TestApp, language: &'static str, path: &str) -> Self {
        let answer = app.get("/assets/base.css").await;
        let mut browser = Self { app, cookies: BTreeMap::new(), address: path.to_owned(), answer, language };
        browser.goes(path).await;
        browser
    }
    /// Goes to an address, by hand or by a link.
    pub async fn goes(&mut self, path: &str) {
        self.sends(Method::GET, path, None).await;
    }
    /// The same page again, as the reload button does after a redirection.
    pub async fn reloads(&mut self) {
        self.goes(&self.address.clone()).await;
    }
    async fn sends(&mut self, method: Method, path: &str, form: Option<String>) {
        let (mut method, mut path, mut form) = (method, path.to_owned(), form);
        for _ in 0..REDIRECTIONS {
            let answer = self.request(&method, &path, form.as_deref()).await;
            for line in answer.headers.get_all("set-cookie") {
                let line = line.to_str().unwrap();
                let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
                if line.contains("Max-Age=0") {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            (self.address, self.answer) = (path.clone(), answer);
            match self.answer.status {
                303 => (method, form) = (Method::GET, None),
                301 | 302 | 307 | 308 => {}
                _ => return,
            }
            path = self.answer.header("location").unwrap().to_owned();
        }
        panic!("{REDIRECTIONS} redirections in a row");
    }
    /// One request with what the browser adds; no redirection is followed.
    pub async fn request(&self, method: &Method, path: &str, form: Option<&str>) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut asked = self.app.asks(method.clone(), path).header("accept-language", self.language);
        if !cookies.is_empty() {
            asked = asked.header("cookie", &cookies.join("; "));
        }
        if let Some(form) = form {
            asked = asked.header("sec-fetch-site", "same-origin");
            asked = asked.raw("application/x-www-form-urlencoded", form);
        }
        asked.answer().await
    }

    fn html(&self) -> Html {
        Html::parse_document(&self.answer.text)
    }
    /// Expects this status.
    #[track_caller]
    pub fn has_status(&self, status: u16) {
        self.answer.has_status(status);
    }
    /// Expects to be at a step, by the end of the address.
    #[track_caller]
    pub fn is_at(&self, step: &str) {
        let path = self.address.split('?').next().unwrap();
        assert!(path.ends_with(step), "at {} and not at {step}: {}", self.address, self.text_of("main"));
    }
    /// The text of the first element that a selector finds, its spaces collapsed.
    #[must_use]
    #[track_caller]
    pub fn text_of(&self, selector: &str) -> String {
        let (html, wanted) = (self.html(), Selector::parse(selector).unwrap());
        let found = html.select(&wanted).next();
        found.map_or_else(|| panic!("no {selector} at {}: {}", self.address, self.answer.text), |e| plain(&e))
    }
    /// The texts of all elements that a selector finds.
    #[must_use]
    pub fn texts_of(&self, selector: &str) -> Vec<String> {
        let (html, selector) = (self.html(), Selector::parse(selector).unwrap());
        html.select(&selector).map(|e| plain(&e)).collect()
    }
    /// An attribute of every element that a selector finds.
    #[must_use]
    pub fn attributes(&self, selector: &str, attribute: &str) -> Vec<String> {
        let (html, selector) = (self.html(), Selector::parse(selector).unwrap());
        let found = html.select(&selector);
        found.filter_map(|e| e.value().attr(attribute).map(str::to_owned)).collect()
    }
    /// Something is there.
    #[must_use]
    pub fn has(&self, selector: &str) -> bool {
        self.html().select(&Selector::parse(selector).unwrap()).next().is_some()
    }
    /// Expects to read this somewhere in the page's main part.
    #[track_caller]
    pub fn reads(&self, text: &str) {
        let main = self.text_of("main");
        assert!(main.contains(text), "{} does not say {text:?}: {main}", self.address);
    }
    /// Follows the link with this text, or presses the button that stands for it in a frame.
    pub async fn follows(&mut self, text: &str) {
        let link = {
            let html = self.html();
            let links = Selector::parse("a[href]").unwrap();
            html.select(&links).find(|a| plain(a) == text).map(|a| a.value().attr("href").unwrap().to_owned())
        };
        match link {
            Some(path) => self.goes(&path).await,
            None => self.presses(text, &[]).await,
        }
    }
    /// Fills in fields by name and presses the visible button with this text. A field that is given several times gets
    /// all of the values; what is not given stays as the page has it.
    pub async fn presses(&mut self, button: &str, filled: &[(&str, &str)]) {
        let (method, path, form) = self.form(button, filled);
        if method == Method::GET {
            self.goes(&format!("{path}?{form}")).await;
        } else {
            self.sends(method, &path, Some(form)).await;
        }
    }
    /// What pressing a button would send: method, path, body.
    #[must_use]
    #[track_caller]
    pub fn form(&self, button: &str, filled: &[(&str, &str)]) -> (Method, String, String) {
        let html = self.html();
        let (forms, buttons) = (Selector::parse("form").unwrap(), Selector::parse("button").unwrap());
        let visible = |b: &ElementRef<'_>| b.value().attr("aria-hidden").is_none() && plain(b) == button;
        let found = html.select(&forms).find_map(|f| f.select(&buttons).find(visible).map(|b| (f, b)));
        let (form, pressed) =
            found.unwrap_or_else(|| panic!("no button {button:?} at {}: {}", self.address, self.text_of("body")));
        let mut fields: Vec<(String, String)> = defaults(form);
        fields.retain(|(name, _)| !filled.iter().any(|(other, _)| name == other));
        fields.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if let Some(name) = pressed.value().attr("name") {
            fields.push((name.to_owned(), pressed.value().attr("value").unwrap_or_default().to_owned()));
        }
        let method = if form.value().attr("method") == Some("post") { Method::POST } else { Method::GET };
        let action =
            pressed.value().attr("formaction").or(form.value().attr("action")).unwrap_or(&self.address).to_owned();
        (method, action, serde_html_form::to_string(&fields).unwrap())
    }
}

/// What a form sends as it stands.
fn defaults(form: ElementRef<'_>) -> Vec<(String, String)> {
    let all = Selector::parse("input[name], textarea[name], select[name]").unwrap();
    let mut fields = Vec::new();
    for field in form.select(&all) {
        let element = field.value();
        let name = element.attr("name").unwrap().to_owned();
        let value = element.attr("value").unwrap_or_default().to_owned();
        match (element.name(), element.attr("type")) {
            ("textarea", _) => fields.push((name, field.text().collect())),
            ("input", Some("radio" | "checkbox")) if element.attr("checked").is_none() => {}
            ("input", _) => fields.push((name, value)),
            _ => {
                let options = Selector::parse("option").unwrap();
                let chosen = field.select(&options).find(|o| o.value().attr("selected").is_some());
                let option = chosen.or_else(|| field.select(&options).next()).and_then(|o| o.value().attr("value"));
                fields.push((name, option.unwrap_or_default().to_owned()));
            }
        }
    }
    fields
}

fn plain(element: &ElementRef<'_>) -> String {
    element.text().collect::<String>().replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
