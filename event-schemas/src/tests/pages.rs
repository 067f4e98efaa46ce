//! The pages under `docs/`, made from the declarations: enough to write a decoder in another language.

use super::golden::{bless, folder};
use crate::primitives::CODE_DOCS;
use crate::wire::{CodeDoc, FieldDoc, FormDoc};
use crate::{forms, sealed_forms};
use std::fmt::Write;

/// Wire types that are shorthands: what postcard writes, and the unit.
const SHORTHANDS: &[(&str, &str, &str)] = &[
    ("Id", "[u8; 16]", "opaque bytes of a UUID"),
    ("Hash", "[u8; 32]", "SHA-256"),
    ("Nonce", "[u8; 24]", "opaque bytes"),
    ("Bytes", "Vec<u8>", "opaque bytes"),
    ("Date", "i32", "days since 1970-01-01"),
    ("WallTime", "u16", "minutes since local midnight, 0 to 1440"),
    ("Micros", "i64", "microseconds since 1970-01-01T00:00:00Z"),
];

/// Compares a page with what the declarations say; writes it anew if that was asked for.
#[track_caller]
fn page(name: &str, now: &str) {
    let path = folder("docs").join(name);
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    if bless() && then != now {
        std::fs::write(&path, now).unwrap();
    } else {
        assert!(then == now, "{} is out of date: run this test with BLESS=1", path.display());
    }
}

/// The innermost name of `Option<Vec<X>>`.
fn innermost(ty: &str) -> &str {
    ty.rsplit('<').next().unwrap_or(ty).trim_end_matches('>')
}

/// The unit of a field's type, where the type has one.
fn unit(ty: &str) -> String {
    let inner = innermost(ty);
    if let Some((_, _, unit)) = SHORTHANDS.iter().find(|(name, _, _)| *name == inner) {
        return (*unit).to_owned();
    }
    if CODE_DOCS.iter().any(|list| list.name == inner) {
        return format!("[code](codes.md#{})", inner.to_lowercase());
    }
    if nested().any(|form| form.name == inner) {
        return format!("[struct](structs.md#{})", inner.to_lowercase());
    }
    String::new()
}

/// What postcard writes for a field's type.
fn encoding(ty: &str) -> String {
    let inner = innermost(ty);
    let written = match SHORTHANDS.iter().find(|(name, _, _)| *name == inner) {
        Some((_, written, _)) => written,
        None if CODE_DOCS.iter().any(|list| list.name == inner) => "u8",
        None => inner,
    };
    ty.replace(inner, written)
}

/// Forms that stand inside others.
fn nested() -> impl Iterator<Item = &'static FormDoc> {
    forms::DOCS.iter().copied().chain([sealed_forms::DOCS]).flatten().filter(|form| !form.name.contains('.'))
}

/// A doc comment on one line.
fn line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn table(fields: &[FieldDoc]) -> String {
    if fields.is_empty() {
        return "No fields: the payload is empty.\n".to_owned();
    }
    let mut text = String::from("| # | field | type | encoding | unit | meaning |\n|--:|---|---|---|---|---|\n");
    for (number, field) in fields.iter().enumerate() {
        let number = number + 1;
        let (name, ty, encoding) = (field.name, field.ty, encoding(field.ty));
        writeln!(text, "| {number} | `{name}` | `{ty}` | `{encoding}` | {} | {} |", unit(ty), line(field.doc)).unwrap();
    }
    text
}

/// One section per form.
fn sections(title: &str, intro: &str, forms: impl Iterator<Item = FormDoc>) -> String {
    let mut text = format!("# {title}\n\n{intro}\n");
    for form in forms {
        write!(text, "\n## {}\n\n{}\n\n{}", form.name, line(form.doc), table(form.fields)).unwrap();
    }
    text
}

#[test]
fn every_event_type_has_a_page_with_its_fields() {
    for form in forms::DOCS.iter().copied().flatten().filter(|form| form.name.contains('.')) {
        let text = format!(
            "# {}\n\n{}\n\n{}\nHow the bytes are read: [README.md](README.md).\n",
            form.name,
            line(form.doc),
            table(form.fields)
        );
        page(&format!("{}.md", form.name), &text);
    }
}

#[test]
fn every_plaintext_of_a_sealed_field_has_a_page() {
    for form in sealed_forms::DOCS.iter().filter(|form| form.name.contains('.')) {
        let text = format!(
            "# {}\n\n{} Sealed; this is the plaintext.\n\n{}\nHow the bytes are read: [README.md](../README.md).\n",
            form.name,
            line(form.doc),
            table(form.fields).replace("](", "](../")
        );
        page(&format!("sealed/{}.md", form.name), &text);
    }
}

#[test]
fn the_structs_inside_events_have_their_sections() {
    let intro = "Structs that stand inside events, inline: no length and no tag before them.";
    page("structs.md", &sections("Structs", intro, nested().copied()));
}

#[test]
fn every_list_of_codes_has_its_section() {
    let mut text = String::from(
        "# Codes\n\nEach code is one byte. A reader that meets a code it does not know keeps the number and grants \
         nothing on it.\n",
    );
    for CodeDoc { name, doc, codes } in CODE_DOCS {
        write!(text, "\n## {name}\n\n{}\n\n| code | name |\n|--:|---|\n", line(doc)).unwrap();
        for (code, name) in *codes {
            writeln!(text, "| {code} | `{name}` |").unwrap();
        }
    }
    page("codes.md", &text);
}

#[test]
fn the_list_of_event_types_is_complete() {
    let mut text = String::from("# Event types\n\n| type | what happened |\n|---|---|\n");
    for form in forms::DOCS.iter().copied().flatten().filter(|form| form.name.contains('.')) {
        writeln!(text, "| [{0}]({0}.md) | {1} |", form.name, line(form.doc)).unwrap();
    }
    page("events.md", &text);
    for name in crate::event_types() {
        assert!(text.contains(&format!("[{name}]")), "{name}");
    }
}
