//! E-mail by SMTP. A server that is down, busy or does not know our password is tried again; one that refuses the
//! recipient for good is believed.

use super::channel::{Channel, Delivery, Outgoing};
use anyhow::{Context as _, bail};
use async_trait::async_trait;
use lettre::message::header::{ContentDisposition, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;

/// How long a server may take for one command.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long one message may take altogether.
const PATIENCE: Duration = Duration::from_secs(45);
/// Answers that are about us and not about the message: sign in first, wrong password, encrypt first.
const OURS: [u16; 5] = [530, 534, 535, 538, 454];

/// Where e-mail goes.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// `smtps://host[:465]`, or `smtp://host[:587]` with STARTTLS; `smtp://…?tls=none` sends in the clear.
    pub url: String,
    /// Name to sign in with.
    pub user: Option<String>,
    /// Password; it is never printed.
    pub password: Option<booking_domain::phi::Phi<String>>,
    /// The sender's address.
    pub from: String,
    /// A certificate authority that is trusted besides the machine's own, in PEM: for a server of the house.
    pub authority: Option<Vec<u8>>,
}

/// An SMTP server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl Smtp {
    /// Reads the options; nothing is connected yet.
    pub fn new(options: &SmtpOptions) -> anyhow::Result<Self> {
        let from: Address = options.from.parse().context("--mail-from is not an e-mail address")?;
        let url = url_parts(&options.url)?;
        let authority = options.authority.as_deref().map(Certificate::from_pem).transpose();
        let authority = authority.context("the certificate authority is not in PEM")?;
        let tls = |host: &str| {
            let mut tls = TlsParameters::builder(host.to_owned());
            if let Some(authority) = &authority {
                tls = tls.add_root_certificate(authority.clone());
            }
            tls.build().context("TLS cannot be set up")
        };
        let (port, tls) = match url.security {
            Security::Wrapped => (465, Tls::Wrapper(tls(&url.host)?)),
            Security::StartTls => (587, Tls::Required(tls(&url.host)?)),
            Security::None => (25, Tls::None),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&url.host)
            .port(url.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let (Some(user), Some(password)) = (&options.user, &options.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    fn letter(&self, message: &Outgoing) -> anyhow::Result<Message> {
        let to: Address = message.to.expose().parse()?;
        let mut builder = Message::builder()
            .from(Mailbox::new(Some(message.sender.clone()), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(&message.heading)
            .date(message.at.to_utc().into())
            .message_id(Some(format!("<{}@{}>", hex::encode(message.id), self.from.domain())));
        if let Some(reply_to) = message.reply_to.as_ref().and_then(|address| address.parse::<Address>().ok()) {
            builder = builder.reply_to(Mailbox::new(Some(message.sender.clone()), reply_to));
        }
        // No out-of-office answers, no lists.
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        builder = builder.raw_header(automatic);
        let text = SinglePart::plain(message.text.expose().clone());
        Ok(match &message.calendar {
            None => builder.singlepart(text)?,
            Some(file) => {
                let kind = format!("text/calendar; charset=utf-8; method={}", file.method);
                let calendar = SinglePart::builder()
                    .header(ContentType::parse(&kind)?)
                    .header(ContentDisposition::attachment("appointment.ics"))
                    .body(file.text.expose().clone());
                builder.multipart(MultiPart::mixed().singlepart(text).singlepart(calendar))?
            }
        })
    }
}

#[async_trait]
impl Channel for Smtp {
    async fn send(&self, message: &Outgoing) -> Delivery {
        let Ok(letter) = self.letter(message) else { return Delivery::Refused("bad_address") };
        let error = match tokio::time::timeout(PATIENCE, self.transport.send(letter)).await {
            Ok(Ok(_)) => return Delivery::Taken,
            Ok(Err(error)) => error,
            Err(_) => return Delivery::Later("the SMTP server takes too long".to_owned()),
        };
        // The server's own words may quote the address: only its code is kept.
        match error.status().map(u16::from) {
            Some(code) if OURS.contains(&code) => Delivery::Later(format!(
                "the SMTP server does not let us in (answer {code}): check user, password and TLS"
            )),
            Some(_) if error.is_permanent() => Delivery::Refused("refused"),
            Some(code) => Delivery::Later(format!("the SMTP server asks to come again (answer {code})")),
            None if error.is_tls() => Delivery::Later("no TLS connection to the SMTP server".to_owned()),
            None if error.is_timeout() => Delivery::Later("the SMTP server takes too long".to_owned()),
            None => Delivery::Later("the SMTP server cannot be reached".to_owned()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Security {
    Wrapped,
    StartTls,
    None,
}

#[derive(PartialEq, Eq, Debug)]
struct UrlParts {
    security: Security,
    host: String,
    port: Option<u16>,
}

/// Reads the URL. A password in it would stand in the list of processes, so there may be none.
fn url_parts(url: &str) -> anyhow::Result<UrlParts> {
    let (scheme, rest) = url.split_once("://").context("--smtp-url has the form smtps://host or smtp://host")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if place.contains('@') {
        bail!("--smtp-url holds no user and no password: use --smtp-user and --smtp-password-file");
    }
    let security = match (scheme, query) {
        ("smtps", "") => Security::Wrapped,
        ("smtp", "" | "tls=required") => Security::StartTls,
        ("smtp", "tls=none") => Security::None,
        _ => bail!("--smtp-url is smtps://host, smtp://host (with STARTTLS) or smtp://host?tls=none (in the clear)"),
    };
    let place = place.trim_end_matches('/');
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().context("the port of --smtp-url")?)),
        _ => (place, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    anyhow::ensure!(!host.is_empty() && !host.contains('/'), "--smtp-url names no host");
    Ok(UrlParts { security, host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_in_the_clear_unless_it_is_said() {
        let parts = |url| url_parts(url).unwrap();
        assert_eq!(parts("smtp://mail.example").security, Security::StartTls);
        assert_eq!(parts("smtps://mail.example:4465").security, Security::Wrapped);
        assert_eq!(parts("smtps://mail.example:4465").port, Some(4465));
        assert_eq!(parts("smtp://127.0.0.1:1025?tls=none").security, Security::None);
        assert_eq!(parts("smtp://[::1]:25?tls=none").host, "::1");
        for bad in ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example?tls=maybe", "smtps://a:b"] {
            assert!(url_parts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_not_repeated() {
        let error = url_parts("smtps://me:secret@mail.example").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
