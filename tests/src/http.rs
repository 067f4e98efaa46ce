//! A server to test against, over HTTP alone: in this process, on a port of its own, with a clock that tests set.
//!
//! | module | what it is for |
//! |---|---|
//! | [`app`] | the server, its data directory and its clock |
//! | [`answer`] | what came back, and what a test expects of it |
//! | [`browser`] | a browser without scripts: links, forms, cookies |
//! | [`payloads`] | texts that would run if a page let them |
//! | [`people`] | who visits: identities as they are typed |
//! | [`post`] | a channel for messages that a test reads |
//! | [`portal`] | visitors and holders of a link, as verbs |
//! | [`staff`] | everybody who works at the clinic, as verbs |
//! | [`setup`] | a clinic before its first booking, as verbs |

pub mod answer;
pub mod app;
pub mod browser;
pub mod looked;
pub mod payloads;
pub mod people;
pub mod portal;
pub mod post;
pub mod setup;
pub mod staff;

pub use answer::Answer;
pub use app::{Asked, TestApp, TestClinic};
pub use browser::Browser;
pub use people::Person;
pub use portal::{LinkHolder, Visitor};
pub use post::Post;
pub use setup::SmallClinic;
pub use staff::Staff;
